/** Bounds of aisctl. Every one has a row in docs/LIMITS.md. */

/** Milliseconds the executive has to answer a question of the admin channel. */
export const ADMIN_REPLY_MS_MAX = 5_000;
/** The same for a reload of all nodes: longer than the nodes wait for each other. */
export const RELOAD_REPLY_MS_MAX = 15_000;
/** Milliseconds that `shutdown` waits for the executive to be gone. */
export const SHUTDOWN_MS_MAX = 10_000;
/** Milliseconds that `services load` and `reload` wait for the import and for the state of the other nodes. */
export const SERVICE_LOAD_MS_MAX = 60_000;
/** Milliseconds between two looks at a service that is joining. */
export const SERVICE_POLL_MS = 50;
/** Milliseconds that a call of `evt` and `ckpt` may take. */
export const CALL_MS_MAX = 10_000;

/**
 * Milliseconds between SIGTERM and SIGKILL of a command whose lock may be lost: time to put things in order, and
 * below the token loss time-out, after which others get the lock of a host that is cut off.
 */
export const GRACE_MS_DEFAULT = 2_000;
/** Milliseconds that `lock run` waits for the view number before it starts the command without it. */
export const VIEW_MS_MAX = 1_000;
/** Milliseconds that `lock run` waits for a killed process group to be gone. */
export const GROUP_END_MS_MAX = 1_000;
/** Milliseconds that `lock run` waits for its unlock to be answered; then it hangs up, which releases, too. */
export const RELEASE_MS_MAX = 2_000;
/** Milliseconds between two looks at a process group that is ending. */
export const GROUP_POLL_MS = 50;
/** Places of `lock run --max`: those of `@aisexec/lck`, which is not loaded to read a command line. */
export const SEMAPHORE_SLOTS_MAX = 64;

/** How often `key rotate` asks whether the change is over, in milliseconds. */
export const KEY_POLL_MS = 50;
