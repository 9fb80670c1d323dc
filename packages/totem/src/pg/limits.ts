/** Bounds of the process-group layer. Each has a row in docs/LIMITS.md. */

/** Largest name of a group in bytes. Corosync's own are `a` and `sync`. */
export const GROUP_NAME_BYTES_MAX = 32;
/** Groups that one received message may name. We send one. */
export const GROUPS_PER_MESSAGE_MAX = 16;
/** Bytes a sender's assembly may hold: Corosync's buffer, 1 MiB + 64 KiB (totem-wire §2). */
export const ASSEMBLY_BYTES_MAX = 1_114_112;
/** Memory of one queue of messages, in whole packets: Corosync's 4 MiB (totem-wire §2). */
export const QUEUE_BYTES_MAX = 4_194_304;
/** Packets that wait in the ring's queue at a time; the rest waits here, as messages (ADR 0020). */
export const PACKETS_AHEAD_MAX = 128;
/** A queued or assembled message keeps a buffer of up to this size for the next one; larger ones go back to the pool. */
export const BUFFER_KEPT_BYTES_MAX = 16_384;
/** Bytes of larger buffers that all messages of a node share; more are left to the garbage collector. */
export const MESSAGE_POOL_BYTES_MAX = 8_388_608;
/** Records of sent messages that are kept for reuse. */
export const RECORDS_KEPT_MAX = 1_024;
