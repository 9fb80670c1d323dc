/** Which counters of one sender were seen: the newest, and a bit for each of the window below it (totem-wire §6). */
import { REPLAY_WINDOW_PACKETS } from '../../limits.ts';

const WORD_BITS = 32;

export class ReplayWindow {
  readonly #bits = new Uint32Array(REPLAY_WINDOW_PACKETS / WORD_BITS);
  #newest = -1;

  /** Whether a packet with this counter may still come: it was not seen and is not behind the window. */
  isFresh(counter: number): boolean {
    if (counter > this.#newest) return true;
    if (counter <= this.#newest - REPLAY_WINDOW_PACKETS) return false;
    return (this.#bits[wordOf(counter)]! & bitOf(counter)) === 0;
  }

  /** Only for packets that were authenticated and fresh. */
  mark(counter: number): void {
    if (counter > this.#newest) {
      if (counter - this.#newest >= REPLAY_WINDOW_PACKETS) this.#bits.fill(0);
      else {
        for (let passed = this.#newest + 1; passed < counter; passed++) {
          this.#bits[wordOf(passed)]! &= ~bitOf(passed);
        }
      }
      this.#newest = counter;
    }
    this.#bits[wordOf(counter)]! |= bitOf(counter);
  }
}

function wordOf(counter: number): number {
  return (counter % REPLAY_WINDOW_PACKETS) >>> 5;
}

function bitOf(counter: number): number {
  return 1 << (counter % WORD_BITS);
}
