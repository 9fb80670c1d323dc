/**
 * What happens to locks at one place of the total order: a request is decided, a resource that changed
 * is settled. Everything that answers or calls back a client about a lock is in here.
 */
import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import type { ExecContext, Source } from '@aisexec/service';
import {
  CALLBACK,
  type LockLostPayload,
  type LocksLostPayload,
  type RevocationReason,
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_DUPLICATE_EX,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
  type SaLckLockStatusT,
  type WaiterPayload,
} from '../protocol.ts';
import { closesCycle } from './deadlock.ts';
import { blockedByHolder, blockedByOrphan, compatible, orderOf } from './grants.ts';
import {
  LOCKS_MAX,
  LOCKS_PER_CLIENT_MAX,
  LOST_PER_CALLBACK_MAX,
  WAITERS_TOLD_MAX,
} from './limits.ts';
import {
  addGranted,
  addWaiting,
  type Client,
  clientKey,
  dropIfUnused,
  type GrantedLock,
  type LckState,
  promote,
  purgeOrphans,
  type Resource,
  removeLock,
  sameClient,
  setAnnounced,
  toGranted,
  type WaitingLock,
} from './state.ts';

/** A request as its exec handler sees it, with `flags` as the client gave them. */
export interface LockAttempt {
  readonly lock: WaitingLock;
  readonly flags: number;
}

/** Decides a new request: granted, refused with a status, or queued with its reply deferred. */
export function requestLock(
  state: LckState,
  client: Client,
  resource: Resource,
  attempt: LockAttempt,
  ctx: ExecContext,
): void {
  const { lock, flags } = attempt;
  if (state.lockCount >= LOCKS_MAX || client.locks.size >= LOCKS_PER_CLIENT_MAX) {
    ctx.reply(lock.source, { rc: SA_AIS_ERR_NO_RESOURCES });
    return;
  }
  if (lock.detect && isDuplicateExclusive(resource, lock)) {
    refuse(lock.source, SA_LCK_LOCK_DUPLICATE_EX, ctx);
    return;
  }
  const noQueue = (flags & SA_LCK_LOCK_NO_QUEUE) !== 0;
  if (ctx.view.quorate) {
    if (orderOf(state).grantableNow(resource, lock.mode)) {
      addGranted(state, resource, toGranted(lock, ctx));
      replyGranted(lock, ctx);
      return;
    }
    if ((flags & SA_LCK_LOCK_ORPHAN) !== 0 && blockedByOrphan(resource, lock.mode)) {
      refuse(lock.source, SA_LCK_LOCK_ORPHANED, ctx);
      return;
    }
    if (noQueue) {
      refuse(lock.source, SA_LCK_LOCK_NOT_QUEUED, ctx);
      return;
    }
  } else if (noQueue) {
    // The other side of a partition may know better: neither "granted" nor "blocked" would be true.
    ctx.reply(lock.source, { rc: SA_AIS_ERR_TRY_AGAIN });
    return;
  }
  waitOrDeadlock(state, resource, lock, ctx);
}

function waitOrDeadlock(
  state: LckState,
  resource: Resource,
  lock: WaitingLock,
  ctx: ExecContext,
): void {
  const blocked = blockedByHolder(resource, lock.mode);
  if (lock.detect && closesCycle(state, resource, lock.owner, lock.mode)) {
    refuse(lock.source, SA_LCK_LOCK_DEADLOCK, ctx);
  } else addWaiting(state, resource, lock);
  if (blocked) for (const holder of resource.granted.values()) tellHolder(holder, lock, ctx);
}

/**
 * Brings a resource to rest after anything was taken from it or quorum came: answers what an orphan now
 * blocks, grants what may be granted, forgets it when nobody uses it.
 */
export function settle(state: LckState, resource: Resource, ctx: ExecContext): void {
  if (ctx.view.quorate) {
    refuseOrphanBlocked(state, resource, ctx);
    const grants = orderOf(state)
      .nextGrants(resource)
      .map((waiting) => {
        replyGranted(waiting, ctx);
        return promote(state, resource, waiting, ctx);
      });
    tellNewHolders(resource, grants, ctx);
  }
  dropIfUnused(state, resource);
}

/** Tells the holders of requests that came with a merge. */
export function announce(state: LckState, resource: Resource, ctx: ExecContext): void {
  for (const waiting of resource.waiting.values()) {
    if (waiting.announced) continue;
    setAnnounced(state, resource, waiting);
    for (const holder of resource.granted.values()) tellHolder(holder, waiting, ctx);
  }
}

/** Tells an owner that its lock must not be relied on any more. Never dropped for a slow reader. */
export function tellLost(lock: GrantedLock, reason: RevocationReason, ctx: ExecContext): void {
  const payload: LockLostPayload = { lockId: lock.id, reason };
  ctx.callback(lock.owner, CALLBACK.lockLost, payload);
}

/** The same for many, of any clients: each client gets its own in a few callbacks. */
export function tellAllLost(
  locks: Iterable<GrantedLock>,
  reason: RevocationReason,
  ctx: ExecContext,
): void {
  const byClient = new Map<string, GrantedLock[]>();
  for (const lock of locks) {
    const key = clientKey(lock.owner);
    const known = byClient.get(key);
    if (known === undefined) byClient.set(key, [lock]);
    else known.push(lock);
  }
  for (const lost of byClient.values()) {
    const [first] = lost;
    if (first !== undefined && lost.length === 1) tellLost(first, reason, ctx);
    else {
      for (let i = 0; i < lost.length; i += LOST_PER_CALLBACK_MAX) {
        const lockIds = lost.slice(i, i + LOST_PER_CALLBACK_MAX).map(({ id }) => id);
        const payload: LocksLostPayload = { lockIds, reason };
        ctx.callback(first!.owner, CALLBACK.locksLost, payload);
      }
    }
  }
}

/** Takes locks from their holders and removes orphans, all or those of one token. @returns how many. */
export function revokeLocks(
  state: LckState,
  resource: Resource,
  token: bigint | null,
  ctx: ExecContext,
): number {
  const isMeant = (lock: { readonly token: bigint }) => token === null || lock.token === token;
  const taken = [...resource.granted.values()].filter(isMeant);
  for (const lock of taken) {
    removeLock(state, resource, lock);
    tellLost(lock, 'revoked', ctx);
  }
  const revoked = taken.length + purgeOrphans(state, resource, isMeant);
  if (revoked > 0) settle(state, resource, ctx);
  return revoked;
}

/** AIS B.1 rule 4: the same open asks EX while it holds EX. */
function isDuplicateExclusive(resource: Resource, lock: WaitingLock): boolean {
  if (lock.mode !== SA_LCK_EX_LOCK_MODE) return false;
  for (const holder of resource.granted.values()) {
    return (
      holder.mode === SA_LCK_EX_LOCK_MODE &&
      holder.handle === lock.handle &&
      sameClient(holder.owner, lock.owner)
    );
  }
  return false;
}

/** AIS B.1 rule 9, also for a request that waited already when the lock before it became an orphan. */
function refuseOrphanBlocked(state: LckState, resource: Resource, ctx: ExecContext): void {
  if (resource.orphans.length === 0) return;
  for (const lock of [...resource.waiting.values()]) {
    if (!lock.orphan || !blockedByOrphan(resource, lock.mode)) continue;
    removeLock(state, resource, lock);
    refuse(lock.source, SA_LCK_LOCK_ORPHANED, ctx);
  }
}

function tellNewHolders(
  resource: Resource,
  holders: readonly GrantedLock[],
  ctx: ExecContext,
): void {
  if (!holders.some((holder) => holder.notify)) return;
  let told = 0;
  for (const waiting of resource.waiting.values()) {
    if (told++ === WAITERS_TOLD_MAX) return;
    for (const holder of holders) tellHolder(holder, waiting, ctx);
  }
}

/** The waiter callback, AIS B.1 rule 6. It may be lost on the way to a client that does not read. */
function tellHolder(holder: GrantedLock, waiting: WaitingLock, ctx: ExecContext): void {
  if (!holder.notify || compatible(holder.mode, waiting.mode)) return;
  const payload: WaiterPayload = {
    waiterSignal: waiting.waiterSignal,
    lockId: holder.id,
    modeHeld: holder.mode,
    modeRequested: waiting.mode,
  };
  const lost = { name: CALLBACK.waitersLost, payload: null };
  ctx.callback(holder.owner, CALLBACK.waiter, payload, { priority: 3, lost });
}

/**
 * A grant is a promise: no other history has it, none will, and nobody gets this token again (ADR 0190). What turns out
 * to be known to the losing side only was never granted: the client asks again, and nothing is left of it.
 */
function replyGranted({ id, source }: WaitingLock, ctx: ExecContext): void {
  const granted = { rc: SA_AIS_OK, lockStatus: SA_LCK_LOCK_GRANTED, fencingToken: ctx.order };
  const undo = { exec: 'unlock', message: { lockId: id } };
  ctx.replyWhenCertain(source, granted, { rc: SA_AIS_ERR_TRY_AGAIN }, undo);
}

function refuse(source: Source, lockStatus: SaLckLockStatusT, ctx: ExecContext): void {
  ctx.reply(source, { rc: SA_AIS_OK, lockStatus });
}
