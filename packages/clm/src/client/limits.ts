/** Bounds of the membership client. Each has a row in docs/LIMITS.md. */

/** How long a question that the executive answers from its own state may take. */
export const CLM_LOCAL_ANSWER_MS = 1_000;
/** How long each step of an administrative removal waits for responses unless the administrator says otherwise. */
export const CLM_SUPERVISION_MS_DEFAULT = 10_000;
