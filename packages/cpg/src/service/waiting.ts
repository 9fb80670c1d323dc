/** Messages that wait for the ring, in order: while synchronisation runs, and while the queue is full. */
import type { CorosyncBus } from '@aisexec/service';
import { WAITING_BYTES_MAX } from '../limits.ts';

export class Waiting {
  readonly #bus: CorosyncBus;
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;
  #open = false;

  constructor(bus: CorosyncBus) {
    this.#bus = bus;
  }

  /** Whether a client's message still fits. */
  get hasRoom(): boolean {
    return this.#bytes < WAITING_BYTES_MAX;
  }

  /** @param rest of the message, and `message` with it, is copied when it has to wait. */
  push(message: Uint8Array, rest?: Uint8Array): void {
    if (this.#open && this.#messages.length === 0 && this.#bus.multicast(message, 'agreed', rest))
      return;
    const kept = rest === undefined ? message : joined(message, rest);
    this.#messages.push(kept);
    this.#bytes += kept.length;
    this.flush();
  }

  /** Synchronisation begins. */
  close(): void {
    this.#open = false;
  }

  open(): void {
    this.#open = true;
    this.flush();
  }

  flush(): void {
    let sent = 0;
    while (this.#open && sent < this.#messages.length) {
      const message = this.#messages[sent]!;
      if (!this.#bus.multicast(message)) break;
      this.#bytes -= message.length;
      sent++;
    }
    this.#messages.splice(0, sent);
  }
}

function joined(head: Uint8Array, rest: Uint8Array): Uint8Array {
  const message = new Uint8Array(head.length + rest.length);
  message.set(head);
  message.set(rest, head.length);
  return message;
}
