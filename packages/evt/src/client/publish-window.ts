/**
 * How many publishes of one connection are under way. Those beyond the bound wait in order instead of being
 * refused and retried, which would change their order.
 */
import { SA_AIS_ERR_TRY_AGAIN, SaAisError } from '@aisexec/ais';
import type { Deadline } from '@aisexec/ipc';

interface Waiting {
  readonly enter: () => void;
  state: 'waiting' | 'entered' | 'gone';
}

export class PublishWindow {
  readonly #max: number;
  readonly #waitingMax: number;
  #inside = 0;
  #waiting: Waiting[] = [];
  /** Waiting ones that have not gone. */
  #count = 0;
  #head = 0;

  constructor(max: number, waitingMax: number) {
    this.#max = max;
    this.#waitingMax = waitingMax;
  }

  /** Enters at once where there is room and nobody waits. */
  tryEnter(): boolean {
    if (this.#inside >= this.#max || this.#count > 0) return false;
    this.#inside++;
    return true;
  }

  /** @throws SaAisError TRY_AGAIN when too many wait; what the deadline throws. */
  async enter(deadline: Deadline): Promise<void> {
    if (this.#count >= this.#waitingMax) {
      throw new SaAisError(SA_AIS_ERR_TRY_AGAIN, 'saEvtEventPublish', 'too many publishes wait');
    }
    let entered: () => void = () => {};
    const turn = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const entry: Waiting = { enter: entered, state: 'waiting' };
    this.#waiting.push(entry);
    this.#count++;
    try {
      await deadline.race(turn);
    } catch (error) {
      this.#give(entry);
      throw error;
    }
  }

  leave(): void {
    this.#inside--;
    while (this.#inside < this.#max) {
      const next = this.#next();
      if (next === undefined) return;
      next.state = 'entered';
      this.#count--;
      this.#inside++;
      next.enter();
    }
  }

  /** One that waited was aborted or ran out of time, perhaps as its turn came. */
  #give(entry: Waiting): void {
    const had = entry.state;
    entry.state = 'gone';
    if (had === 'entered') this.leave();
    else if (had === 'waiting') this.#count--;
  }

  #next(): Waiting | undefined {
    for (;;) {
      const next = this.#waiting[this.#head];
      if (next === undefined) {
        this.#waiting = [];
        this.#head = 0;
        return undefined;
      }
      this.#head++;
      if (this.#head >= 256 && this.#head * 2 >= this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (next.state === 'waiting') return next;
    }
  }
}
