/**
 * How much of one node's messages may be on their way into the order (ADR 0220): as much as comes back within
 * `ORDER_QUEUE_NS` of what one takes that waits for nothing. So a modest client's message waits for as long behind
 * those of the greedy on a ring that carries 30 MB in a second as on one that carries 1,000.
 *
 * One message at a time is watched. The quickest of the last ones tells what the ring takes without a queue, as in
 * TCP Vegas (Brakmo and Peterson, SIGCOMM 1994), whose problem this is: whoever is told by a loss is told too late.
 */
import { ORDER_QUEUE_NS, UNORDERED_COST_MAX, UNORDERED_COST_MIN } from '../limits.ts';

/** What was quickest is remembered for one to two times as many watched messages: a ring may become slower for good. */
const MEMORY = 256;
const GROWTH = 1 / 8;

export class Room {
  readonly #clock: () => bigint;
  #cost = UNORDERED_COST_MAX;
  /** Messages since nothing was under way; they come back in the order in which they were sent. */
  #sent = 0;
  #ordered = 0;
  /** The number of the watched one; 0: none. */
  #watched = 0;
  #since = 0n;
  #quickest = Number.POSITIVE_INFINITY;
  #quickestBefore = Number.POSITIVE_INFINITY;
  #judged = 0;

  /** @param clock the steady one, in nanoseconds. */
  constructor(clock: () => bigint) {
    this.#clock = clock;
  }

  /** In bytes and `MESSAGE_COST` for each message. */
  get cost(): number {
    return this.#cost;
  }

  sent(): void {
    this.#sent++;
    if (this.#watched > 0) return;
    this.#watched = this.#sent;
    this.#since = this.#clock();
  }

  ordered(): void {
    if (++this.#ordered !== this.#watched) return;
    this.#watched = 0;
    this.#judge(Number(this.#clock() - this.#since));
  }

  /** Nothing is under way. */
  empty(): void {
    this.#sent = 0;
    this.#ordered = 0;
    this.#watched = 0;
  }

  #judge(took: number): void {
    this.#quickest = Math.min(this.#quickest, took);
    const queued = took - Math.min(this.#quickest, this.#quickestBefore);
    const wanted =
      queued <= ORDER_QUEUE_NS
        ? this.#cost * (1 + GROWTH)
        : this.#cost * Math.max(1 / 2, ORDER_QUEUE_NS / queued);
    this.#cost = Math.max(UNORDERED_COST_MIN, Math.min(UNORDERED_COST_MAX, wanted));
    if (++this.#judged % MEMORY !== 0) return;
    this.#quickestBefore = this.#quickest;
    this.#quickest = Number.POSITIVE_INFINITY;
  }
}
