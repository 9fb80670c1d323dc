/**
 * How many requests one client has at the executive. Beyond it they wait here, in order, instead of being
 * answered TRY_AGAIN there: a request that is repeated is overtaken by those behind it, and writes that
 * were made one after the other must be applied so.
 */
export class RequestWindow {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(size: number) {
    this.#free = size;
  }

  /**
   * Undefined: go on at once. Else resolves when it is this one's turn; `bounded` may reject earlier, then
   * the turn is given up. Who went on calls {@link leave}.
   */
  enter(bounded: (turn: Promise<void>) => Promise<void>): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return this.#wait(bounded);
  }

  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free++;
  }

  async #wait(bounded: (turn: Promise<void>) => Promise<void>): Promise<void> {
    let granted = false;
    let grant = () => {};
    const turn = new Promise<void>((resolve) => {
      grant = () => {
        granted = true;
        resolve();
      };
    });
    this.#waiting.add(grant);
    try {
      await bounded(turn);
    } catch (error) {
      this.#waiting.delete(grant);
      if (granted) this.leave();
      throw error;
    }
  }
}
