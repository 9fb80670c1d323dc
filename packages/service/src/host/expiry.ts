/**
 * Deadlines: time is a message. The lowest node that runs a service watches its deadline on its wall clock
 * and multicasts an intent to expire; all nodes drop what is due when it is ordered. Every view decides
 * anew who watches, so a lost watcher is followed by the next.
 *
 * A service of one node alone (ADR 0182) has nobody to agree with: it expires here, view or not, and may go by a
 * clock that nobody sets (ADR 0198).
 */
import type { ExecContext } from '../contract.ts';
import { EXPIRY_RETRY_MS, WAKE_DELAY_MS_MAX } from '../limits.ts';
import { expireLocally, isDue } from './local.ts';
import type { Replica } from './replica.ts';

const NS_PER_MS = 1_000_000n;

export interface ExpiryOptions {
  readonly replicas: ReadonlyMap<number, Replica>;
  /** Whether this node watches the service's deadlines. */
  readonly watches: (service: number) => boolean;
  /** A deadline besides those of the services: the quorum filter's, where this node watches it. */
  readonly further: () => bigint | null;
  readonly wallClock: () => bigint;
  readonly steadyClock: () => bigint;
  readonly setWake: (delayMs: number | null) => void;
  /** Multicasts the intent. */
  readonly intend: (time: bigint) => void;
  /** For services of this node alone; undefined before the first view. */
  readonly context: (time: bigint) => ExecContext | undefined;
}

export class Expiry {
  readonly #options: ExpiryOptions;
  #watching = false;
  /** What the wake timer was last set for, on either clock: null is off. */
  #armedFor: bigint | null = null;
  #armedForSteady: bigint | null = null;
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
    this.update();
  }

  /** States have changed: looks for the earliest deadline. */
  update(): void {
    const agreed = this.#watching ? this.#earliest(false) : null;
    const due = agreed === null || agreed >= this.#notBefore ? agreed : this.#notBefore;
    this.#arm(earlier(due, this.#earliest(true)), this.#earliestSteady());
  }

  /** An intent was ordered and applied. One that a service did not heed is repeated, but not at once. */
  applied(time: bigint): void {
    const due = this.#earliest(false);
    if (due === null || due > time) this.#notBefore = 0n;
    this.update();
  }

  wake(): void {
    this.#armedFor = null;
    this.#armedForSteady = null;
    const { wallClock, steadyClock, intend, context, replicas } = this.#options;
    const now = wallClock();
    const clocks = { time: now, steady: steadyClock() };
    const due = this.#watching ? this.#earliest(false) : null;
    if (due !== null && due <= now && this.#notBefore <= now) {
      this.#notBefore = now + BigInt(EXPIRY_RETRY_MS) * NS_PER_MS;
      intend(now);
    }
    for (const replica of replicas.values()) {
      if (replica.isLocal && isDue(replica, clocks)) expireLocally(replica, context(now));
    }
    this.update();
  }

  /** @param isLocal of the services of this node alone, or of those whose deadlines are agreed. */
  #earliest(isLocal: boolean): bigint | null {
    let earliest = isLocal ? null : this.#options.further();
    for (const replica of this.#options.replicas.values()) {
      if (replica.isLocal !== isLocal) continue;
      if (!isLocal && !this.#options.watches(replica.id)) continue;
      earliest = earlier(earliest, replica.deadline());
    }
    return earliest;
  }

  #earliestSteady(): bigint | null {
    let earliest: bigint | null = null;
    for (const replica of this.#options.replicas.values()) {
      earliest = earlier(earliest, replica.steadyDeadline());
    }
    return earliest;
  }

  #arm(wall: bigint | null, steady: bigint | null): void {
    if (wall === this.#armedFor && steady === this.#armedForSteady) return;
    this.#armedFor = wall;
    this.#armedForSteady = steady;
    const { wallClock, steadyClock, setWake } = this.#options;
    const wait = earlier(
      wall === null ? null : wall - wallClock(),
      steady === null ? null : steady - steadyClock(),
    );
    if (wait === null) {
      setWake(null);
      return;
    }
    const ms = (wait + NS_PER_MS - 1n) / NS_PER_MS;
    setWake(Math.min(Math.max(Number(ms), 0), WAKE_DELAY_MS_MAX));
  }
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}
