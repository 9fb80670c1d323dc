/**
 * The selection object of a handle: level-triggered like a descriptor under `select`, ready while a
 * callback is queued and for ever once the handle is finalised or its executive is lost.
 */
import { setImmediate } from 'node:timers/promises';
import type { SelectionObject } from './handle-contract.ts';

interface Referenced {
  ref(): void;
  unref(): void;
}

/** The handle's side of its selection object. */
export class SelectionSource {
  readonly object: SelectionObject;
  #pending = false;
  #ended = false;
  /** The executive is lost and nobody was told through the iterator yet. */
  #lossUntold = false;
  /** Rises whenever callbacks leave the queue; tells an idle iteration from a working one. */
  #turns = 0;
  #waiting: (() => void)[] = [];

  constructor(connection: Referenced) {
    this.object = {
      ready: () => this.ready(),
      ref: () => connection.ref(),
      unref: () => connection.unref(),
      [Symbol.asyncIterator]: () => this.#iterate(),
    };
  }

  ready(): Promise<void> {
    if (this.#pending || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  queued(): void {
    this.#pending = true;
    this.#wake();
  }

  /** Callbacks left the queue and `left` remain. */
  taken(left: number): void {
    this.#pending = left > 0;
    this.#turns++;
  }

  /** @param lost whether iterators get one more turn, to see BAD_HANDLE from dispatch. */
  end(lost = false): void {
    this.#ended = true;
    this.#pending = false;
    this.#lossUntold = lost;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async *#iterate(): AsyncGenerator<void, void, void> {
    let seen = -1;
    while (true) {
      // A body that does not dispatch must not starve the event loop.
      if (seen === this.#turns) await setImmediate();
      await this.ready();
      if (this.#ended) {
        if (!this.#lossUntold) return;
        this.#lossUntold = false;
        yield;
        return;
      }
      seen = this.#turns;
      yield;
    }
  }
}
