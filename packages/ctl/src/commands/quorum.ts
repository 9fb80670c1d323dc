/** `aisctl quorum`: for people and for shell conditions; exit codes of corosync-quorumtool. */
import { withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print } from '../output.ts';
import { diagnose, explain } from '../problems.ts';
import { quorumText } from './status.ts';

export async function quorum(socket: string, format: Format): Promise<number> {
  try {
    const answer = await withAdmin(socket, (admin) => admin.status());
    const { node, ring } = answer;
    await print(
      format,
      { ...answer.quorum, nodeId: node.id, ring: ring.id, ringState: ring.state },
      () => `${quorumText(answer)}\n`,
    );
    return answer.quorum.quorate ? EXIT.ok : EXIT.notQuorate;
  } catch (error) {
    // Whatever it is: 1, so that a script can tell "no quorum" from "no answer".
    diagnose(explain(error, socket));
    return EXIT.failed;
  }
}
