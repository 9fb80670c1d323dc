/** `aisctl status`: the executive's own word on its condition. */
import { type AdminStatus, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, oneLine, paint, pairs, print } from '../output.ts';

export async function status(socket: string, format: Format): Promise<number> {
  const answer = await withAdmin(socket, (admin) => admin.status());
  await print(format, answer, () => statusText(answer, socket));
  return EXIT.ok;
}

export function quorumText({ quorum }: AdminStatus): string {
  const { quorate, votes, needed, provider } = quorum;
  const word = quorate ? paint('quorate', 'green') : paint('not quorate', 'red');
  return `${word}: ${votes} ${votes === 1 ? 'vote' : 'votes'}, ${needed} needed (${provider})`;
}

function statusText(answer: AdminStatus, socket: string): string {
  const { node, ring, view, keys, eventLoop } = answer;
  const failed = answer.services.filter(({ state }) => state !== 'running');
  const services = answer.services.map(({ name }) => name).join(' ');
  return pairs([
    ['node', oneLine(`${node.id} ${node.name} at ${node.address}`)],
    ['cluster', oneLine(answer.cluster)],
    ['aisexec', `${answer.version}, pid ${answer.pid}, up ${duration(answer.uptimeMs)}`],
    ['socket', oneLine(socket)],
    ['engine', oneLine(answer.engine)],
    ['ring', `${ring.state}, ${ring.id}: ${ring.members.join(' ')}`],
    ...linkLines(answer),
    ['quorum', quorumText(answer)],
    [
      'view',
      view === null
        ? 'synchronising'
        : oneLine(view.members.map(({ id, name }) => `${id} ${name}`).join(', ')),
    ],
    ['packets', keys === null ? 'in the clear' : `sealed with key ${keys.sending}`],
    [
      'services',
      failed.length === 0
        ? `${services}: running`
        : `${services}; ${paint(`failed: ${failed.map(({ name }) => name).join(' ')}`, 'red')}`,
    ],
    [
      'loop delay',
      `mean ${eventLoop.meanMs} ms, p99 ${eventLoop.p99Ms} ms, max ${eventLoop.maxMs} ms`,
    ],
  ]);
}

/** A line per peer, where there are several links: `0 up 0.2 ms used`. */
function linkLines({ ring: { links = [] } }: AdminStatus): [string, string][] {
  const peers = [...new Set(links.map(({ peer }) => peer))];
  return peers.map((peer) => {
    const texts = links
      .filter((link) => link.peer === peer)
      .map(({ link, state, used, rttMs }) => {
        const word = state === 'down' ? paint(state, 'red') : state;
        return `${link} ${word}${rttMs > 0 ? ` ${rttMs.toFixed(1)} ms` : ''}${used ? ' used' : ''}`;
      });
    return [`links to ${peer}`, texts.join(', ')];
  });
}

/** The two largest units. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
