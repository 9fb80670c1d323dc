/** What the lock service calls back, turned into queued callbacks of the literal layer. */
import type { CallbackEvent } from '@aisexec/ipc';
import {
  CALLBACK,
  type LockLostPayload,
  type LocksLostPayload,
  type WaiterPayload,
} from '../protocol.ts';
import type { LckHandle, LckTables } from './handles.ts';
import { WAITERS_QUEUED_MAX } from './limits.ts';
import type { SaLckLockIdT } from './literal-types.ts';

export function onEvent(tables: LckTables, handle: LckHandle, event: CallbackEvent): void {
  if (event.name === CALLBACK.waiter) queueWaiter(tables, handle, event.payload as WaiterPayload);
  else if (event.name === CALLBACK.lockLost) {
    queueLost(tables, handle, event.payload as LockLostPayload);
  } else if (event.name === CALLBACK.locksLost) {
    const { lockIds, reason } = event.payload as LocksLostPayload;
    for (const lockId of lockIds) queueLost(tables, handle, { lockId, reason });
  }
}

/**
 * A handle that nobody dispatches must not fill up with waiters until its executive is held back:
 * grants and losses come the same way.
 */
function queueWaiter(tables: LckTables, handle: LckHandle, payload: WaiterPayload): void {
  const callback = handle.callbacks.saLckLockWaiterCallback;
  const lockId = payload.lockId as SaLckLockIdT;
  const owner = tables.locks.get(lockId);
  if (!callback || owner === undefined || handle.waitersQueued >= WAITERS_QUEUED_MAX) return;
  handle.waitersQueued++;
  const run = () => {
    handle.waitersQueued--;
    if (tables.locks.get(lockId) !== owner) return;
    return callback(payload.waiterSignal, lockId, payload.modeHeld, payload.modeRequested);
  };
  handle.ais.enqueue({ priority: 3, owner: handle, run });
}

function queueLost(tables: LckTables, handle: LckHandle, payload: LockLostPayload): void {
  const callback = handle.callbacks.aisexecLockLostCallback;
  const lockId = payload.lockId as SaLckLockIdT;
  const owner = tables.locks.get(lockId);
  if (owner === undefined) return;
  // Gone from the table of the cluster, too: unlocking it is NOT_EXIST from now on.
  if (payload.reason === 'merged') tables.forgetLock(lockId);
  if (!callback) return;
  handle.ais.enqueue({ priority: 0, owner, run: () => callback(lockId, payload.reason) });
}
