/**
 * Buffers of the packets a ring keeps, its own from `submit` on and those of others from their arrival on,
 * given back when the message is stable everywhere (ADR 0138). Sizes are powers of two, so that a small
 * message does not hold the memory of a large one. A view of the wanted length is made only when it differs
 * from the last one.
 */
import { PACKET_BUFFER_BYTES_MIN, PACKET_POOL_BYTES_MAX } from './limits.ts';

export class PacketPool {
  /** By the binary logarithm of the size. */
  readonly #free: Uint8Array[][] = Array.from({ length: 32 }, () => []);
  #bytesFree = 0;
  #made = 0;

  /** Bytes that wait for their next use. */
  get bytesFree(): number {
    return this.#bytesFree;
  }

  /** Buffers that had to be made so far: stands still once the ring has seen its load. */
  get made(): number {
    return this.#made;
  }

  /** The content is what its last user left. */
  take(length: number): Uint8Array {
    const size = Math.max(PACKET_BUFFER_BYTES_MIN, 2 ** (32 - Math.clz32(length - 1)));
    const packet = this.#free[31 - Math.clz32(size)]!.pop();
    if (packet === undefined) {
      this.#made++;
      return new Uint8Array(new ArrayBuffer(size), 0, length);
    }
    this.#bytesFree -= size;
    return packet.length === length ? packet : new Uint8Array(packet.buffer, 0, length);
  }

  /** A pooled copy. */
  copy(packet: Uint8Array): Uint8Array {
    const kept = this.take(packet.length);
    kept.set(packet);
    return kept;
  }

  /** Only what came from here, once. */
  give(packet: Uint8Array): void {
    const size = packet.buffer.byteLength;
    if (this.#bytesFree + size > PACKET_POOL_BYTES_MAX) return;
    this.#bytesFree += size;
    this.#free[31 - Math.clz32(size)]!.push(packet);
  }
}
