/**
 * The callbacks of one handle that wait for dispatch: four priorities, first come first served within
 * each (AIS B.0 "Life cycle"). Pure bookkeeping; who is woken and held back is the handle's affair.
 */
import { Fifo } from '../fifo.ts';
import type { QueuedCallback } from './handle-contract.ts';

const PRIORITIES = 4;

interface Entry {
  readonly callback: QueuedCallback;
  readonly seq: number;
}

export class CallbackQueue {
  readonly #byPriority: Fifo<Entry>[] = Array.from({ length: PRIORITIES }, () => new Fifo<Entry>());
  #lastSeq = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Number of the callback queued last: what `takeUpTo` compares with. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  push(callback: QueuedCallback): void {
    const priority = Math.min(Math.max(Math.trunc(callback.priority), 0), PRIORITIES - 1);
    this.#lastSeq++;
    this.#size++;
    this.#byPriority[priority]?.push({ callback, seq: this.#lastSeq });
  }

  /** The next callback among those queued up to number `seq`. */
  takeUpTo(seq: number): QueuedCallback | undefined {
    for (const fifo of this.#byPriority) {
      const head = fifo.peek();
      if (head === undefined || head.seq > seq) continue;
      fifo.shift();
      this.#size--;
      return head.callback;
    }
    return undefined;
  }

  drop(owner: unknown): void {
    for (const fifo of this.#byPriority) {
      this.#size -= fifo.keep((entry) => entry.callback.owner !== owner);
    }
  }

  clear(): void {
    for (const fifo of this.#byPriority) fifo.clear();
    this.#size = 0;
  }
}
