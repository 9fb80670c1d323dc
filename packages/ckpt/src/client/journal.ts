/** What of the checkpoint service is opened again after a restart of the executive: checkpoints and watches. */
import type { JournalNote } from '@aisexec/ipc';
import { localRequest } from '../protocol.ts';

/** See `ReopenPlan.note`; the handles are drawn by the client, so they are the same afterwards. */
export function noteOpen(fn: string, argument: unknown): JournalNote | undefined {
  const { handle, serial } = (argument ?? {}) as {
    readonly handle?: bigint;
    readonly serial?: number;
  };
  const open = `${handle}`;
  switch (fn) {
    case 'open':
      return { keep: open };
    case 'close':
      return { drop: open };
    case 'watch':
      return { keep: `${open}/${serial}`, under: open };
    case 'unwatch':
      return { drop: `${open}/${serial}` };
    default:
      return Object.hasOwn(localRequest, fn) ? { isRead: true } : undefined;
  }
}
