/** Bounds of the timer service. Every one has a row in docs/LIMITS.md. */

/** Timers of one client. */
export const TIMERS_PER_CLIENT_MAX = 1_024;
/** Timers of one node, all clients together. */
export const TIMERS_MAX = 65_536;
/** What the executive's timers can tell apart, in nanoseconds (`saTmrClockTickGet`): 1 ms. */
export const CLOCK_TICK_NS = 1_000_000n;
/** Expirations that may be skipped in advance for one timer. */
export const SKIPS_MAX = 0xffff_ffff;
/** Entries of the schedule that no timer stands behind any more, before it is built anew. */
export const STALE_ENTRIES_MAX = 1_024;
