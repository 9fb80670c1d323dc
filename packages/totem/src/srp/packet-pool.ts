/**
 * Buffers for the packets this node originates: taken when a payload is queued, given back when the message
 * is stable everywhere. A view of the wanted length is made only when it differs from the last one.
 */
import { PACKET_POOL_MAX } from './limits.ts';

export class PacketPool {
  readonly #packetBytesMax: number;
  readonly #free: Uint8Array[] = [];

  constructor(packetBytesMax: number) {
    this.#packetBytesMax = packetBytesMax;
  }

  /** The content is what its last user left. */
  take(length: number): Uint8Array {
    const packet = this.#free.pop();
    if (packet === undefined) {
      return new Uint8Array(new ArrayBuffer(this.#packetBytesMax), 0, length);
    }
    return packet.length === length ? packet : new Uint8Array(packet.buffer, 0, length);
  }

  give(packet: Uint8Array): void {
    if (this.#free.length < PACKET_POOL_MAX) this.#free.push(packet);
  }
}
