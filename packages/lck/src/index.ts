/**
 * AIS locks for Node.js: named resources, shared and exclusive locks with fencing tokens, granted by a
 * cluster of executives. {@link LockService} is the idiomatic layer; the `saLck…` functions are AIS LCK
 * to the letter.
 *
 * @packageDocumentation
 */
export type { Claim } from './client/claim.ts';
export { type ElectOptions, Leadership } from './client/election.ts';
export {
  LockLostError,
  type LockLostReason,
  LockNotGranted,
  type RefusalStatus,
} from './client/errors.ts';
export { HeldLock, type LockMode } from './client/held-lock.ts';
export { SEMAPHORE_SLOTS_MAX } from './client/limits.ts';
export { createSaLck } from './client/literal.ts';
export type * from './client/literal-types.ts';
export {
  type LockOptions,
  type LockOutcome,
  LockResource,
  type Waiter,
  type WaiterOptions,
} from './client/lock-resource.ts';
export {
  LockService,
  type LockServiceOptions,
  type OpenOptions,
  type RevokeOptions,
  type WithLockOptions,
} from './client/lock-service.ts';
export * from './client/sa-lck.ts';
export {
  type RevocationReason,
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_DUPLICATE_EX,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_MORE,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
  SA_LCK_MAX_NUM_LOCKS_ID,
  SA_LCK_OPT_DEADLOCK_DETECTION,
  SA_LCK_OPT_ORPHAN_LOCKS,
  SA_LCK_PR_LOCK_MODE,
  SA_LCK_RESOURCE_CREATE,
  SaLckLockModeT,
  SaLckLockStatusT,
} from './protocol.ts';
