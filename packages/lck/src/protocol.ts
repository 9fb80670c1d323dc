/**
 * What client and lock service say to each other, and the constants of AIS LCK under their C names
 * (AIS B.1). Lock ids and resource handles are drawn by the client and mean something within its
 * connection only, so that an id exists before its grant and a forged one hurts nobody else (ADR 0060).
 */
import { SA_MAX_NAME_LENGTH, type SaVersionT } from '@aisexec/ais';
import { type Infer, s } from '@aisexec/service';

/** Number and name under which executives host the lock service. */
export const LCK_SERVICE_ID = 5;
export const LCK_SERVICE_NAME = 'lck';

/** The generations of the interface that are served, ascending. */
export const LCK_VERSIONS: readonly Readonly<SaVersionT>[] = [
  { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
  { releaseCode: 'B', majorVersion: 3, minorVersion: 1 },
];

/** `PR`: protected read, shared with other readers. `EX`: exclusive. */
export const SaLckLockModeT = { SA_LCK_PR_LOCK_MODE: 1, SA_LCK_EX_LOCK_MODE: 2 } as const;
export type SaLckLockModeT = (typeof SaLckLockModeT)[keyof typeof SaLckLockModeT];
export const { SA_LCK_PR_LOCK_MODE, SA_LCK_EX_LOCK_MODE } = SaLckLockModeT;

/** What became of a lock request that is no error. */
export const SaLckLockStatusT = {
  SA_LCK_LOCK_GRANTED: 1,
  SA_LCK_LOCK_DEADLOCK: 2,
  SA_LCK_LOCK_NOT_QUEUED: 3,
  SA_LCK_LOCK_ORPHANED: 4,
  SA_LCK_LOCK_NO_MORE: 5,
  SA_LCK_LOCK_DUPLICATE_EX: 6,
} as const;
export type SaLckLockStatusT = (typeof SaLckLockStatusT)[keyof typeof SaLckLockStatusT];
export const {
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHANED,
  SA_LCK_LOCK_NO_MORE,
  SA_LCK_LOCK_DUPLICATE_EX,
} = SaLckLockStatusT;

/** Lock flag: do not wait. */
export const SA_LCK_LOCK_NO_QUEUE = 1;
/** Lock flag: once granted, stay in place when the owner goes without unlocking. */
export const SA_LCK_LOCK_ORPHAN = 2;
/** Open flag: create the resource when it does not exist. */
export const SA_LCK_RESOURCE_CREATE = 1;
/** Option bits of `saLckOptionCheck`. */
export const SA_LCK_OPT_ORPHAN_LOCKS = 1;
export const SA_LCK_OPT_DEADLOCK_DETECTION = 2;
/** The one limit of `saLckLimitGet`. */
export const SA_LCK_MAX_NUM_LOCKS_ID = 1;

const mode = s.oneOf(SA_LCK_PR_LOCK_MODE, SA_LCK_EX_LOCK_MODE);

/** `open`: a client draws `handle` for a new open of the resource. */
export const openRequest = s.object({
  handle: s.u64,
  name: s.text(SA_MAX_NAME_LENGTH),
  create: s.bool,
  /** Whether waiter callbacks are wanted for locks taken through this open. */
  notify: s.bool,
});
export type OpenRequest = Infer<typeof openRequest>;

/** `close` and `purge`. */
export const handleRequest = s.object({ handle: s.u64 });
export type HandleRequest = Infer<typeof handleRequest>;

/** `lock`: answered when granted, refused or cancelled, which may be long after. */
export const lockRequest = s.object({
  handle: s.u64,
  lockId: s.u64,
  mode,
  /** `SA_LCK_LOCK_NO_QUEUE | SA_LCK_LOCK_ORPHAN`. */
  flags: s.oneOf(0, 1, 2, 3),
  waiterSignal: s.u64,
  /**
   * The whole client waits while this request waits (AIS): DUPLICATE_EX and DEADLOCK are answered.
   * Else the client does several things at once, and a request may wait for the client's own locks.
   */
  detect: s.bool,
});
export type LockRequest = Infer<typeof lockRequest>;

/** `unlock`: of a lock that is granted, or still waiting, which cancels it. */
export const unlockRequest = s.object({ lockId: s.u64 });
export type UnlockRequest = Infer<typeof unlockRequest>;

/**
 * `revoke`, for administrators: takes the locks on a resource from their holders, who are told, and removes its
 * orphans. `token`: only the locks granted under that token. The reply has their number in `revoked`.
 */
export const revokeRequest = s.object({
  name: s.text(SA_MAX_NAME_LENGTH),
  token: s.nullable(s.u64),
});
export type RevokeRequest = Infer<typeof revokeRequest>;

/** Callback `waiter`: the holder of `lockId` blocks a request (AIS B.1 rule 6). */
export interface WaiterPayload {
  readonly waiterSignal: bigint;
  readonly lockId: bigint;
  readonly modeHeld: SaLckLockModeT;
  readonly modeRequested: SaLckLockModeT;
}

/**
 * Why a lock that was granted must no longer be relied on. `node-isolated`: this node sees no other and has no
 * quorum, so the rest of the cluster may grant it anew. `quorum-lost`: likewise for this part of the cluster,
 * which is more than one node. `merged`: dropped when partitions came together. `revoked`: taken by an administrator.
 */
export type RevocationReason = 'node-isolated' | 'quorum-lost' | 'merged' | 'revoked';

/**
 * Whether the executive keeps the lock on record all the same: it is held again if this part of the cluster becomes
 * quorate before any other did, so who was told gives it up by unlocking.
 */
export function staysOnRecord(reason: RevocationReason): boolean {
  return reason === 'node-isolated' || reason === 'quorum-lost';
}

/** Callback `lockLost`. */
export interface LockLostPayload {
  readonly lockId: bigint;
  readonly reason: RevocationReason;
}

/** Callback `locksLost`: the same of several locks of one client, a bounded number (`LOST_PER_CALLBACK_MAX`). */
export interface LocksLostPayload {
  readonly lockIds: readonly bigint[];
  readonly reason: RevocationReason;
}

/** Names of the callbacks; `waitersLost` stands for `waiter` callbacks that a slow client missed. */
export const CALLBACK = {
  waiter: 'waiter',
  waitersLost: 'waitersLost',
  lockLost: 'lockLost',
  locksLost: 'locksLost',
} as const;
