/** `aisctl sync`: what this node still fetches of the replicated states, how fast, and how long it will take. */
import { type AdminStatus, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, print, table } from '../output.ts';
import { duration } from './status.ts';

export async function sync(socket: string, format: Format): Promise<number> {
  const answer = await withAdmin(socket, (admin) => admin.status());
  const { view, transfers } = answer;
  const state = view === null ? 'synchronising' : transfers.length > 0 ? 'transferring' : 'done';
  await print(format, { state, transfers }, () => syncText(state, transfers));
  return EXIT.ok;
}

function syncText(state: string, transfers: AdminStatus['transfers']): string {
  if (state === 'synchronising') return 'synchronising: clients wait for the view\n';
  if (state === 'done') return 'everything is here\n';
  return table(
    ['SERVICE', 'BYTES', 'OF', 'PIECES', 'OF', 'MB/S', 'REMAINING'],
    transfers.map((one) => [
      one.service,
      one.bytesDone,
      one.bytesTotal,
      one.piecesDone,
      one.piecesTotal,
      (one.bytesPerSecond / 1e6).toFixed(1),
      remaining(one),
    ]),
  );
}

function remaining({ remainingMs, waiting }: AdminStatus['transfers'][number]): string {
  if (waiting) return 'waits for a member that has it';
  return remainingMs === null ? 'unknown' : duration(remainingMs);
}
