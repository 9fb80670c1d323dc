/**
 * Deadlines: time is a message. The lowest node that runs a service watches its deadline on its wall clock
 * and multicasts an intent to expire; all nodes drop what is due when it is ordered. Every view decides
 * anew who watches, so a lost watcher is followed by the next.
 */
import { EXPIRY_RETRY_MS, WAKE_DELAY_MS_MAX } from '../limits.ts';
import type { Replica } from './replica.ts';

const NS_PER_MS = 1_000_000n;

export interface ExpiryOptions {
  readonly replicas: ReadonlyMap<number, Replica>;
  /** Whether this node watches the service's deadlines. */
  readonly watches: (service: number) => boolean;
  /** A deadline besides those of the services: the quorum filter's, where this node watches it. */
  readonly further: () => bigint | null;
  readonly wallClock: () => bigint;
  readonly setWake: (delayMs: number | null) => void;
  /** Multicasts the intent. */
  readonly intend: (time: bigint) => void;
}

export class Expiry {
  readonly #options: ExpiryOptions;
  #watching = false;
  /** What the wake timer was last set for: null is off. */
  #armedFor: bigint | null = null;
  /** An intent is on its way; wall-clock time before which no other is sent. */
  #notBefore = 0n;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** A view was synchronised. */
  view(): void {
    this.#watching = true;
    this.#notBefore = 0n;
    this.update();
  }

  /** Synchronisation started: nobody watches. */
  pause(): void {
    this.#watching = false;
    this.#arm(null);
  }

  /** States have changed: looks for the earliest deadline. */
  update(): void {
    if (!this.#watching) return;
    const due = this.#earliest();
    this.#arm(due === null || due >= this.#notBefore ? due : this.#notBefore);
  }

  /** An intent was ordered and applied. One that a service did not heed is repeated, but not at once. */
  applied(time: bigint): void {
    const due = this.#earliest();
    if (due === null || due > time) this.#notBefore = 0n;
    this.update();
  }

  wake(): void {
    if (!this.#watching) return;
    this.#armedFor = null;
    const now = this.#options.wallClock();
    const due = this.#earliest();
    if (due !== null && due <= now && this.#notBefore <= now) {
      this.#notBefore = now + BigInt(EXPIRY_RETRY_MS) * NS_PER_MS;
      this.#options.intend(now);
    }
    this.update();
  }

  #earliest(): bigint | null {
    let earliest = this.#options.further();
    for (const replica of this.#options.replicas.values()) {
      if (!this.#options.watches(replica.id)) continue;
      const due = replica.deadline();
      if (due !== null && (earliest === null || due < earliest)) earliest = due;
    }
    return earliest;
  }

  #arm(time: bigint | null): void {
    if (time === this.#armedFor) return;
    this.#armedFor = time;
    if (time === null) {
      this.#options.setWake(null);
      return;
    }
    const ms = (time - this.#options.wallClock() + NS_PER_MS - 1n) / NS_PER_MS;
    this.#options.setWake(Math.min(Math.max(Number(ms), 0), WAKE_DELAY_MS_MAX));
  }
}
