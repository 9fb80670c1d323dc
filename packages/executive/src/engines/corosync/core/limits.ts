/** Bounds of the engine on Corosync. Every one has a row in docs/LIMITS.md. */

/** Content of one CPG message: far below Corosync's atomic limit of 1,047,552 bytes, so that senders interleave. */
export const CPG_FRAME_BYTES_MAX = 65_536;
/** Bytes and messages of one kind of traffic that wait or are under way; more: `multicast` returns false. */
export const CPG_QUEUE_BYTES_MAX = 4_194_304;
export const CPG_QUEUE_MESSAGES_MAX = 16_384;
/** Buffers of messages that wait for their next use: a full queue, and a large message of each of some members. */
export const CPG_POOL_BYTES_MAX = 8_388_608;
/** Our own data frames that Corosync has and has not given back. */
export const CPG_FRAMES_UNDER_WAY_MAX = 32;
/** Data frames that the slowest member may lag behind before senders wait for it. */
export const CPG_FRAMES_UNACKED_MAX = 256;
/** Data frames after which a member says how far it is, asked or not. */
export const CPG_ACK_EVERY_FRAMES = 32;
/** A member from which nothing came while this many of our own ticks did is left out of the view. */
export const CPG_SILENT_TICKS_MAX = 16;
/** Who has not announced itself while this many of our own ticks came is left out of the view. */
export const CPG_PATIENCE_TICKS = 6;
/** Frames of a lone node to itself in one turn of the event loop. */
export const CPG_SOLO_FRAMES_PER_TURN = 64;
/** Processes that are no executives and are named in the log, once each. */
export const CPG_STRANGERS_NAMED_MAX = 16;
