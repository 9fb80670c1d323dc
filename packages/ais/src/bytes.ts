/**
 * Small pieces of memory that their owners may keep: cut from shared slabs, because a buffer of its own costs a
 * small message more than everything else. Who keeps one piece keeps its slab.
 */
import { SLAB_BYTES, SLAB_PIECE_BYTES_MAX } from './limits.ts';

/** Up to here a loop is quicker than a view and a copy. */
const LOOP_BYTES_MAX = 96;

/** Hands out memory that nobody else has, and never takes it back. */
export class Slabs {
  #slab = new Uint8Array(0);
  #used = 0;

  /** So many bytes with anything in them. */
  take(bytes: number): Uint8Array {
    if (bytes > SLAB_PIECE_BYTES_MAX) return new Uint8Array(bytes);
    if (this.#used + bytes > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const piece = new Uint8Array(this.#slab.buffer, this.#used, bytes);
    this.#used += bytes;
    return piece;
  }

  /** What stands in `source` from `start` to `end`, to be kept. */
  copy(source: Uint8Array, start: number, end: number): Uint8Array {
    const piece = this.take(end - start);
    copyBytes(source, start, end, piece, 0);
    return piece;
  }
}

/** `target` has room; the two do not overlap. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start > LOOP_BYTES_MAX) {
    const isWhole = start === 0 && end === source.length;
    target.set(isWhole ? source : source.subarray(start, end), at);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from]!;
}
