/** What of the event service is opened again after a restart of the executive: channels and subscriptions. */
import type { JournalNote } from '@aisexec/ipc';

/** See `ReopenPlan.note`; the handles are drawn by the client, so they are the same afterwards. */
export function noteOpen(fn: string, argument: unknown): JournalNote | undefined {
  const { handle, id } = (argument ?? {}) as { readonly handle?: bigint; readonly id?: number };
  const open = `${handle}`;
  switch (fn) {
    case 'open':
      return { keep: open };
    case 'close':
      return { drop: open };
    case 'subscribe':
      return { keep: `${open}/${id}`, under: open };
    case 'unsubscribe':
      return { drop: `${open}/${id}` };
    default:
      return undefined;
  }
}
