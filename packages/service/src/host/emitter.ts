/**
 * Replies and callbacks leave when the event that caused them is over, in order: an embedder may call the
 * host from within its sink, and must never find a service in the middle of a change.
 */
export class Emitter {
  #queue: (() => void)[] = [];
  #depth = 0;
  #flushing = false;

  /** Nothing runs and nothing waits: what causes no change may call the embedder itself. */
  get isIdle(): boolean {
    return this.#depth === 0 && !this.#flushing && this.#queue.length === 0;
  }

  /** Queues one call to the embedder. */
  emit(call: () => void): void {
    this.#queue.push(call);
  }

  /** Runs one input of the host; what it emitted leaves afterwards. */
  event<T>(run: () => T): T {
    this.#depth++;
    let result: T;
    try {
      result = run();
    } finally {
      this.#depth--;
    }
    if (this.#depth === 0 && !this.#flushing) this.#flush();
    return result;
  }

  #flush(): void {
    this.#flushing = true;
    try {
      while (this.#queue.length > 0) {
        const calls = this.#queue;
        this.#queue = [];
        for (const call of calls) call();
      }
    } finally {
      this.#flushing = false;
    }
  }
}
