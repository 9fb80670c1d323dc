/** Bounds of the lock service. Every one stands in docs/LIMITS.md with what happens there. */

/** Lock resources in the cluster. */
export const RESOURCES_MAX = 1_048_576;
/** Resource handles in the cluster. */
export const OPENS_MAX = 1_048_576;
/** Resource handles of one client. */
export const OPENS_PER_CLIENT_MAX = 16_384;
/** Locks in the cluster: granted, waiting and orphaned together. */
export const LOCKS_MAX = 1_048_576;
/**
 * Locks of one client, granted and waiting: what `saLckLimitGet` answers. Below the number of requests
 * that a host keeps without a reply for one client, so that there is always room for an unlock.
 */
export const LOCKS_PER_CLIENT_MAX = 4_000;
/** Handles and locks of a client that is gone that are taken away at one place of the order. */
export const GONE_STEP_ENTRIES_MAX = 256;
/** Waiting requests of which a new holder is told; the oldest are. */
export const WAITERS_TOLD_MAX = 64;
/** Lost locks of one client that one callback names. */
export const LOST_PER_CALLBACK_MAX = 256;
/** Waits followed in the search for a cycle of clients; what lies beyond is not found. */
export const DEADLOCK_STEPS_MAX = 4_096;
/** Entries (opens, locks) in one synchronisation chunk; a name in each keeps it below 100 kB. */
export const CHUNK_ENTRIES_MAX = 256;
