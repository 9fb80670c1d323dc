/**
 * Who may hold a resource together, and who is next (AIS B.1 rules 1 and 7). The only place that knows
 * the order of grants.
 */
import { SA_LCK_EX_LOCK_MODE, SA_LCK_PR_LOCK_MODE, type SaLckLockModeT } from '../protocol.ts';
import type { LckState, Resource, WaitingLock } from './state.ts';

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

/** Whether no holder and no orphan contradicts `mode`. */
export function isFree(resource: Resource, mode: SaLckLockModeT): boolean {
  return !blockedByHolder(resource, mode) && !blockedByOrphan(resource, mode);
}

/** The order of a cluster's grants by its name: what {@link LckState.fairness} says. */
export function orderOf(state: LckState): Fairness {
  return state.fairness === 'fifo' ? fifoOrder : standardOrder;
}

/** Who gets a resource that several want: the order of grants, one for the whole cluster. */
export interface Fairness {
  /** Whether a new request in `mode` is granted at once. */
  grantableNow(resource: Resource, mode: SaLckLockModeT): boolean;
  /** The waiting requests to grant now, in this order. */
  nextGrants(resource: Resource): readonly WaitingLock[];
}

/**
 * The order of openais and OpenSAF: readers pass a writer that waits; when the resource is free the oldest
 * EX, else all PR as long as no EX holds it. Steady readers starve a writer.
 */
export const standardOrder: Fairness = {
  grantableNow: isFree,
  nextGrants(resource) {
    if (resource.waiting.size === 0) return [];
    if (isFree(resource, SA_LCK_EX_LOCK_MODE)) {
      for (const lock of resource.waiting.values()) {
        if (lock.mode === SA_LCK_EX_LOCK_MODE) return [lock];
      }
    }
    if (!isFree(resource, SA_LCK_PR_LOCK_MODE)) return [];
    return [...resource.waiting.values()].filter((lock) => lock.mode === SA_LCK_PR_LOCK_MODE);
  },
};

/**
 * First come, first served: nobody passes one who waits. Readers that stand together in the queue are
 * granted together (AIS F.7, ADR 0100).
 */
export const fifoOrder: Fairness = {
  grantableNow: (resource, mode) => resource.waiting.size === 0 && isFree(resource, mode),
  nextGrants(resource) {
    const grants: WaitingLock[] = [];
    for (const lock of resource.waiting.values()) {
      if (!isFree(resource, lock.mode)) break;
      if (grants.some((granted) => !compatible(granted.mode, lock.mode))) break;
      grants.push(lock);
    }
    return grants;
  },
};
