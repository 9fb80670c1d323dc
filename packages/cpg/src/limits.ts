/** The bounds of this package. Each has a row in docs/LIMITS.md that says what happens there. */

/** Bytes of a group's name (libcpg's CPG_MAX_NAME_LENGTH). */
export const GROUP_NAME_BYTES_MAX = 128;
/** Processes of one group: libcpg copies them into an array of this size. */
export const GROUP_MEMBERS_MAX = 128;
/** Bytes of one message in one piece, as libcpg has it (cpg_max_atomic_msgsize_get). */
export const MESSAGE_BYTES_MAX = 1_047_552;
/** Bytes of one part of a larger message: half of what libcpg sends, so that others get their turn sooner. */
export const PART_BYTES_MAX = 524_288;
/** Processes of this node in all groups together: the size of a joinlist. */
export const LOCAL_MEMBERS_MAX = 1_024;
/** Processes of one other node that are believed: what fits into a message. */
export const JOINLIST_ENTRIES_MAX = 7_281;
/** Bytes of messages that wait for the ring, of all clients together. */
export const WAITING_BYTES_MAX = 8_388_608;
/** Bytes of a message in parts: the largest that is sent, and that is put together. */
export const ASSEMBLY_BYTES_MAX = 67_108_864;
