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

  push(message: Uint8Array): void {
    if (this.#open && this.#messages.length === 0 && this.#bus.multicast(message)) return;
    this.#messages.push(message);
    this.#bytes += message.length;
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
