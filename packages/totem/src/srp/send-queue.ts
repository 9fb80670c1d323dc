/** A bounded queue of packets that wait for the token. */

export class SendQueue {
  readonly #slots: (Uint8Array | undefined)[];
  #head = 0;
  #size = 0;

  constructor(slots: number) {
    this.#slots = new Array(slots).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  get room(): number {
    return this.#slots.length - this.#size;
  }

  /** The caller has looked at {@link room}. */
  push(packet: Uint8Array): void {
    const end = this.#head + this.#size;
    this.#slots[end < this.#slots.length ? end : end - this.#slots.length] = packet;
    this.#size++;
  }

  shift(): Uint8Array | undefined {
    if (this.#size === 0) return undefined;
    const packet = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = this.#head + 1 === this.#slots.length ? 0 : this.#head + 1;
    this.#size--;
    return packet;
  }
}
