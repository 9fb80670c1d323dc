/**
 * Buffers for reuse: of the packets a ring keeps, its own from `submit` on and those of others from their
 * arrival on (ADR 0138), and of large messages while they are sent and put together. Sizes are powers of two,
 * so that a small packet does not hold the memory of a large one. A view of the wanted length is made only
 * when it differs from the last one.
 */

/** Smallest buffer of a pool. */
export const POOLED_BYTES_MIN = 256;

export class BufferPool {
  readonly #bytesFreeMax: number;
  /** By the binary logarithm of the size. */
  readonly #free: Uint8Array[][] = Array.from({ length: 32 }, () => []);
  #bytesFree = 0;
  #made = 0;

  /** @param bytesFreeMax what is given back beyond it goes to the garbage collector. */
  constructor(bytesFreeMax: number) {
    this.#bytesFreeMax = bytesFreeMax;
  }

  /** Bytes that wait for their next use. */
  get bytesFree(): number {
    return this.#bytesFree;
  }

  /** Buffers that had to be made so far: stands still once the load is known. */
  get made(): number {
    return this.#made;
  }

  /** The content is what its last user left. */
  take(length: number): Uint8Array {
    const size = Math.max(POOLED_BYTES_MIN, 2 ** (32 - Math.clz32(length - 1)));
    const bytes = this.#free[31 - Math.clz32(size)]!.pop();
    if (bytes === undefined) {
      this.#made++;
      return new Uint8Array(new ArrayBuffer(size), 0, length);
    }
    this.#bytesFree -= size;
    return bytes.length === length ? bytes : new Uint8Array(bytes.buffer, 0, length);
  }

  copy(bytes: Uint8Array): Uint8Array {
    const kept = this.take(bytes.length);
    kept.set(bytes);
    return kept;
  }

  /** Only what came from here, once. */
  give(bytes: Uint8Array): void {
    const size = bytes.buffer.byteLength;
    if (this.#bytesFree + size > this.#bytesFreeMax) return;
    this.#bytesFree += size;
    this.#free[31 - Math.clz32(size)]!.push(bytes);
  }
}

/** The beginning of a message, in a buffer of the pool, or, of none, in an empty one. */
export interface Growing {
  bytes: Uint8Array;
  length: number;
}

/** Adds the next piece. @returns false, and nothing is done, when the message would be larger than that. */
export function append(
  message: Growing,
  piece: Uint8Array,
  pool: BufferPool,
  bytesMax: number,
): boolean {
  const length = message.length + piece.length;
  if (length > bytesMax) return false;
  if (length > message.bytes.length) {
    const grown = pool.take(Math.min(bytesMax, 2 * length));
    grown.set(message.bytes.subarray(0, message.length));
    if (message.bytes.length > 0) pool.give(message.bytes);
    message.bytes = grown;
  }
  message.bytes.set(piece, message.length);
  message.length = length;
  return true;
}
