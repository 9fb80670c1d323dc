/** The requests of both layers to the lock service that must get through, whatever became of the call. */
import { type AisHandle, insist, type Reply } from '@aisexec/ipc';

/**
 * Takes back a lock request, whatever became of it: one that waits is cancelled, one that was granted
 * is released. The request before it on the same connection is ordered before it, so nothing is left
 * behind, even when the answer to that comes later. Repeated until the executive has accepted it.
 */
export function releaseLock(handle: AisHandle, lockId: bigint): Promise<Reply> {
  return insist(handle, 'unlock', { lockId });
}

/** The same for an open: its locks go, too. */
export function releaseOpen(handle: AisHandle, open: bigint): Promise<Reply> {
  return insist(handle, 'close', { handle: open });
}

/** A lock status out of a reply; 0 when there is none. */
export function statusOf<T extends number>(value: unknown): T | 0 {
  return typeof value === 'number' && value >= 1 && value <= 6 ? (value as T) : 0;
}
