/**
 * The way into group `ais`: in order, and held while synchronisation runs or the queue is full. Bounded by its
 * users: requests are not started while it is blocked, so besides the messages of one handler it holds
 * at most one `gone` per client, and what takes back promises of a transitional configuration.
 */
import type { Group, Guarantee } from '@aisexec/totem';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly guarantee: Guarantee;
}

export class Outbox {
  readonly #group: Group;
  #waiting: Waiting[] = [];
  #open = false;

  constructor(group: Group) {
    this.#group = group;
  }

  /** Nothing new should be started. */
  get blocked(): boolean {
    return !this.#open || this.#waiting.length > 0;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** A synchronised view: what waited leaves. */
  open(): void {
    this.#open = true;
    this.flush();
  }

  /** Synchronisation started. */
  close(): void {
    this.#open = false;
  }

  push(bytes: Uint8Array, guarantee: Guarantee): void {
    if (this.blocked || !this.#group.multicast([bytes], guarantee)) {
      this.#waiting.push({ bytes, guarantee });
    }
  }

  flush(): void {
    if (!this.#open) return;
    let sent = 0;
    for (const { bytes, guarantee } of this.#waiting) {
      if (!this.#group.multicast([bytes], guarantee)) break;
      sent++;
    }
    this.#waiting = this.#waiting.slice(sent);
  }
}
