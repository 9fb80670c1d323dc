/**
 * The messages of one ring, by sequence number: a window of 16,384 slots over the order. `base` and below
 * are released (every member has them), `delivered` went to the layer above, up to `aru` nothing is
 * missing, `high` is the highest one seen. base <= delivered <= aru <= high, all wrap-aware.
 */
import type { BufferPool } from '../buffer-pool.ts';
import { MISS_COUNT_MAX, SORT_QUEUE_SLOTS } from './limits.ts';
import { seqAfter, seqDistance, seqLess } from './seqno.ts';

const MASK = SORT_QUEUE_SLOTS - 1;

export class SortQueue {
  base = 0;
  delivered = 0;
  aru = 0;
  high = 0;
  readonly #packets: (Uint8Array | undefined)[] = new Array(SORT_QUEUE_SLOTS).fill(undefined);
  /** Token visits that found the slot empty. */
  readonly #missed = new Uint8Array(SORT_QUEUE_SLOTS);
  readonly #pool: BufferPool;

  constructor(pool: BufferPool, initialSeq: number) {
    this.#pool = pool;
    this.reset(initialSeq);
  }

  /** Forgets everything; the next message is `initialSeq` + 1. */
  reset(initialSeq: number): void {
    this.#drop(this.high);
    this.#missed.fill(0);
    this.base = initialSeq;
    this.delivered = initialSeq;
    this.aru = initialSeq;
    this.high = initialSeq;
  }

  isInRange(seq: number): boolean {
    const distance = seqDistance(this.base, seq);
    return distance > 0 && distance < SORT_QUEUE_SLOTS;
  }

  get(seq: number): Uint8Array | undefined {
    return this.isInRange(seq) ? this.#packets[seq & MASK] : undefined;
  }

  /** The caller has made sure that `seq` is in range and its slot empty. The packet goes back to the pool from here. */
  add(seq: number, packet: Uint8Array): void {
    const slot = seq & MASK;
    this.#packets[slot] = packet;
    this.#missed[slot] = 0;
    if (seqLess(this.high, seq)) this.high = seq;
    // The slot after the window is the one of `base`: empty, so this ends.
    while (this.#packets[seqAfter(this.aru) & MASK] !== undefined) this.aru = seqAfter(this.aru);
  }

  /** Counts one more token visit without this message. @returns how many there were. */
  countMiss(seq: number): number {
    const slot = seq & MASK;
    const count = Math.min(this.#missed[slot]! + 1, MISS_COUNT_MAX);
    this.#missed[slot] = count;
    return count;
  }

  /** Every member has `seq` and all before it: nobody will ask for them again. */
  release(seq: number): void {
    if (seqLess(this.base, seq)) this.#drop(seq);
  }

  #drop(upTo: number): void {
    while (seqLess(this.base, upTo)) {
      this.base = seqAfter(this.base);
      const slot = this.base & MASK;
      const packet = this.#packets[slot];
      this.#missed[slot] = 0;
      if (packet === undefined) continue;
      this.#packets[slot] = undefined;
      this.#pool.give(packet);
    }
  }
}
