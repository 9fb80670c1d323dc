/** First in, first out, with constant time at both ends; the array is cut when half of it is used up. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.size === 0) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** All of them, first in first; the queue must not change meanwhile. */
  *items(): Iterable<T> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at] as T;
  }

  /** Drops what the filter refuses. @returns how many. */
  keep(filter: (item: T) => boolean): number {
    const before = this.size;
    this.#items = (this.#items.slice(this.#head) as T[]).filter(filter);
    this.#head = 0;
    return before - this.size;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
