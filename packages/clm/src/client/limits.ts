/** Bounds of the membership client. Each has a row in docs/LIMITS.md. */

/** How long `saClmClusterNodeGet` with a time-out of 0 waits for the executive's answer, which needs nobody else. */
export const CLM_LOCAL_ANSWER_MS = 1_000;
