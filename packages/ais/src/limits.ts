/** Bounds of this package. Every one has a row in docs/LIMITS.md. */

/** Bytes of one slab of memory for small pieces. */
export const SLAB_BYTES = 8_192;
/** The largest piece that is cut from a slab; larger ones have memory of their own. */
export const SLAB_PIECE_BYTES_MAX = 2_048;
