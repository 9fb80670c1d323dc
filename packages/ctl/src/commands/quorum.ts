/** `aisctl quorum`: for people and for shell conditions; exit codes of corosync-quorumtool. */
import { type AdminStatus, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, pairs, print, table } from '../output.ts';
import { diagnose, explain, UsageError } from '../problems.ts';
import { quorumText } from './status.ts';

export async function quorum(socket: string, format: Format): Promise<number> {
  try {
    const answer = await withAdmin(socket, (admin) => admin.status());
    const { node, ring } = answer;
    await print(
      format,
      { ...answer.quorum, nodeId: node.id, ring: ring.id, ringState: ring.state },
      () => `${quorumText(answer)}\n${details(answer)}`,
    );
    return answer.quorum.quorate ? EXIT.ok : EXIT.notQuorate;
  } catch (error) {
    // Whatever it is: 1, so that a script can tell "no quorum" from "no answer".
    diagnose(explain(error, socket));
    return EXIT.failed;
  }
}

/** @throws Failure with the reason when the votes cannot be set; UsageError. */
export async function expectVotes(socket: string, votes: number): Promise<number> {
  if (!Number.isSafeInteger(votes) || votes < 1) {
    throw new UsageError('expected votes are a whole number from 1');
  }
  await withAdmin(socket, (admin) => admin.setExpectedVotes(votes));
  return EXIT.ok;
}

/** What corosync-quorumtool shows below its first lines. */
function details({ quorum }: AdminStatus): string {
  const { expected, flags, nodes } = quorum;
  if (nodes.length === 0) return '';
  const rows = nodes.map((node) => [
    String(node.nodeId),
    String(node.votes),
    String(node.expected),
    node.flags.join(' '),
  ]);
  const head = pairs([
    ['expected', `${expected} votes`],
    ['flags', flags.length === 0 ? 'none' : flags.join(' ')],
  ]);
  return `${head}\n${table(['node', 'votes', 'expected', 'flags'], rows)}`;
}
