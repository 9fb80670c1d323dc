/**
 * Deadlocks (AIS B.1 rule 5): a request that must wait for a lock of its own client, or that would
 * close a circle of clients waiting for each other. Every node has the whole table, so the search
 * is a walk over it. It follows waits with `detect` only: a client that does several things at once
 * is not stopped by one of its waits.
 */
import type { ClientRef } from '@aisexec/service';
import type { SaLckLockModeT } from '../protocol.ts';
import { compatible } from './grants.ts';
import { DEADLOCK_STEPS_MAX } from './limits.ts';
import {
  clientKey,
  findLock,
  type LckState,
  type Resource,
  sameClient,
  type WaitingLock,
} from './state.ts';

/** Whether `owner`, were it to wait here, would wait for itself. */
export function closesCycle(
  state: LckState,
  resource: Resource,
  owner: ClientRef,
  mode: SaLckLockModeT,
): boolean {
  const goal = clientKey(owner);
  const seen = new Set<string>();
  const pending: string[] = [];
  let steps = 0;
  const follow = (wait: Wait): void => {
    for (const lock of wait.resource.granted.values()) {
      if (compatible(lock.mode, wait.mode) || ++steps > DEADLOCK_STEPS_MAX) break;
      pending.push(clientKey(lock.owner));
    }
    if (state.fairness !== 'fifo') return;
    // Nobody passes those who wait before: they must be granted and released first.
    for (const ahead of wait.resource.waiting.values()) {
      if (ahead === wait.lock || ++steps > DEADLOCK_STEPS_MAX) return;
      if (wait.lock !== undefined || !sameClient(ahead.owner, owner)) {
        pending.push(clientKey(ahead.owner));
      }
    }
  };
  follow({ resource, mode });
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    if (key === goal) return true;
    if (seen.has(key)) continue;
    seen.add(key);
    const client = state.clients.get(key);
    for (const id of client?.locks.keys() ?? []) {
      if (++steps > DEADLOCK_STEPS_MAX) return false;
      const wait = findWait(state, client?.ref ?? owner, id);
      if (wait !== undefined) follow(wait);
    }
  }
  return false;
}

interface Wait {
  readonly resource: Resource;
  readonly mode: SaLckLockModeT;
  /** The request that waits; absent for the one that is being decided. */
  readonly lock?: WaitingLock;
}

function findWait(state: LckState, ref: ClientRef, id: bigint): Wait | undefined {
  const located = findLock(state, ref, id);
  if (!located?.waiting?.detect) return undefined;
  const { resource, waiting } = located;
  return { resource, mode: waiting.mode, lock: waiting };
}
