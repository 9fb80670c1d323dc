/** Bounds of the ring protocol, and the Totem parameters that are not configurable. */

/**
 * Messages a node holds of one ring: Corosync's sort queue. A power of two. Senders stop a window short of
 * it (flow-control.ts), a packet beyond it is dropped.
 */
export const SORT_QUEUE_SLOTS = 16_384;

/** Bytes of packet buffers kept for reuse; what a burst needed beyond this goes back to the garbage collector. */
export const PACKET_POOL_BYTES_MAX = 16_777_216;

/** A payload of this size stays unfragmented even as a recovery copy on an MTU of 1500 (totem-wire §1.9). */
export const PAYLOAD_BYTES_DEFAULT = 1_382;

/** Largest payload: its recovery copy (two mcast headers more) must still fit a datagram. */
export const PAYLOAD_BYTES_MAX = 65_417;

/** Memory of one submit queue; divided by the payload size it gives its slots (totem-wire §2). */
export const QUEUE_BYTES = 4_194_304;

/**
 * A suspected node has this long to be heard before another refusal counts. Longer than a young-generation
 * collection, short enough for a death to be noticed within 100 ms.
 */
export const SUSPICION_MS = 20;

/** A derived token time-out is at least the mean rotation and this many of its mean deviations (RFC 6298). */
export const ROTATION_DEVIATIONS = 4;

/** A derived token time-out is this many times the longest harmless silence. */
export const ROTATION_PEAK_FACTOR = 2;

/** Time constant with which such a silence fades: the next one of its kind comes within minutes, or it was none. */
export const ROTATION_PEAK_DECAY_MS = 300_000;

/** A new ring's sequence is the highest heard of plus this (totem-wire §3.2). */
export const RING_SEQ_STEP = 4;

/**
 * How far above everything known a ring sequence in a JOIN or commit token may lie. A billion rings: a higher
 * one is a forgery or a flipped bit, and believing it would use up the sequence for good, since it is stored.
 */
export const RING_SEQ_JUMP_MAX = 2 ** 32;

/** Largest `windowSize` and `maxMessages`: a quarter of the sort queue. */
export const WINDOW_SIZE_MAX = 4_096;

/** Largest `missCountConst`: misses are counted in a byte. */
export const MISS_COUNT_MAX = 255;
