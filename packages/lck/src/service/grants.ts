/**
 * Who may hold a resource together, and who is next (AIS B.1 rules 1 and 7). The only place that knows
 * the order of grants: another order, first come first served say, replaces the two functions
 * {@link grantableNow} and {@link nextGrants} and nothing else.
 */
import { SA_LCK_EX_LOCK_MODE, SA_LCK_PR_LOCK_MODE, type SaLckLockModeT } from '../protocol.ts';
import type { Resource, WaitingLock } from './state.ts';

export function compatible(a: SaLckLockModeT, b: SaLckLockModeT): boolean {
  return a === SA_LCK_PR_LOCK_MODE && b === SA_LCK_PR_LOCK_MODE;
}

/** The mode in which clients hold the resource; all of its holders have the same one. */
export function grantedMode(resource: Resource): SaLckLockModeT | undefined {
  for (const lock of resource.granted.values()) return lock.mode;
  return undefined;
}

/** The mode in which orphans hold the resource. */
export function orphanedMode(resource: Resource): SaLckLockModeT | undefined {
  return resource.orphans[0]?.mode;
}

/** Whether a lock in `mode` would contradict one that a client holds. */
export function blockedByHolder(resource: Resource, mode: SaLckLockModeT): boolean {
  const held = grantedMode(resource);
  return held !== undefined && !compatible(held, mode);
}

/** Whether a lock in `mode` would contradict an orphan. */
export function blockedByOrphan(resource: Resource, mode: SaLckLockModeT): boolean {
  const held = orphanedMode(resource);
  return held !== undefined && !compatible(held, mode);
}

/** Whether a new request in `mode` need not wait: readers pass a writer that waits. */
export function grantableNow(resource: Resource, mode: SaLckLockModeT): boolean {
  return !blockedByHolder(resource, mode) && !blockedByOrphan(resource, mode);
}

/**
 * The waiting requests to grant now, in this order: when the resource is free the oldest EX, else all
 * PR as long as no EX holds it.
 */
export function nextGrants(resource: Resource): readonly WaitingLock[] {
  if (resource.waiting.size === 0) return [];
  if (grantableNow(resource, SA_LCK_EX_LOCK_MODE)) {
    for (const lock of resource.waiting.values()) {
      if (lock.mode === SA_LCK_EX_LOCK_MODE) return [lock];
    }
  }
  if (!grantableNow(resource, SA_LCK_PR_LOCK_MODE)) return [];
  return [...resource.waiting.values()].filter((lock) => lock.mode === SA_LCK_PR_LOCK_MODE);
}
