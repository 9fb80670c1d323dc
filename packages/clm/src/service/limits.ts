/** Bounds of the membership service. Each has a row in docs/LIMITS.md. */

/** Nodes of a cluster, as many as Totem's rings have (totem-wire §4.7). */
export const CLM_MEMBERS_MAX = 384;
/** Subscriptions in one chunk of synchronisation. */
export const CLM_TRACKS_PER_CHUNK_MAX = 1_000;
/** Nodes whose administrative state is remembered. */
export const CLM_ADMIN_RECORDS_MAX = 768;
/** Longest time for which an administrator may let a step wait for responses. */
export const CLM_SUPERVISION_MS_MAX = 3_600_000;
