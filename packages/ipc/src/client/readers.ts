/** The reading end of an async iterator that is fed from elsewhere: who waits, and how it ended. */

export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

interface Reader<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** What waits to be read is its owner's, with the owner's bound and order; `take` is how it is had. */
export class Readers<T> {
  readonly #take: () => T | undefined;
  readonly #waiting: Reader<T>[] = [];
  #ended: { readonly error: Error | undefined } | undefined;

  /** @param take the next item, or undefined when there is none. */
  constructor(take: () => T | undefined) {
    this.#take = take;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** What is left is read after the end, too; an error comes behind it, once, as generators throw. */
  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended === undefined) {
      return new Promise((resolve, reject) => {
        this.#waiting.push({ resolve, reject });
      });
    }
    const { error } = this.#ended;
    if (error === undefined) return Promise.resolve(DONE);
    this.#ended = { error: undefined };
    return Promise.reject(error);
  }

  /** Something came: gives it to those who wait, first come first served. */
  serve(): void {
    while (this.#waiting.length > 0) {
      const value = this.#take();
      if (value === undefined) return;
      this.#waiting.shift()?.resolve({ done: false, value });
    }
  }

  /**
   * Nothing comes any more. The error belongs to one reader: the first that waits, or the next that comes.
   * @returns false when it had ended before; then nothing changes.
   */
  end(error?: Error): boolean {
    if (this.#ended !== undefined) return false;
    const waiting = this.#waiting.splice(0);
    const first = error === undefined ? undefined : waiting.shift();
    this.#ended = { error: first === undefined ? error : undefined };
    if (error !== undefined) first?.reject(error);
    for (const reader of waiting) reader.resolve(DONE);
    return true;
  }
}
