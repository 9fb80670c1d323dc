/** Bounds of the lock client. */

/** Waiter callbacks that wait for `saLckDispatch` in one handle; more are dropped. */
export const WAITERS_QUEUED_MAX = 512;
/** Lock ids remembered of finalised handles, to tell BAD_HANDLE from NOT_EXIST. */
export const FINALIZED_LOCKS_KEPT = 1_024;
/** Places of one semaphore: each is a lock resource, and all are opened to wait for any. */
export const SEMAPHORE_SLOTS_MAX = 64;
