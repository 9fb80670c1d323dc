/**
 * One side of a session that outlives its connections (ADR 0164): the frames that the other side may not
 * have, and how many of its frames this side has. Both sides run the same code. Frames are numbered by
 * their order, so a number travels only in an acknowledgement and when a connection is made again. Pure.
 */
import { Fifo } from './fifo.ts';
import { ACK_BYTES, ACK_FRAMES } from './limits.ts';

/** Frames that belong to a connection and not to the session: neither numbered nor sent again. */
const UNNUMBERED: ReadonlySet<unknown> = new Set(['hello', 'welcome', 'ack', 'goodbye']);

/** Whether a frame of this kind is counted on both sides. */
export function isNumbered(kind: unknown): boolean {
  return !UNNUMBERED.has(kind);
}

export class SessionStream {
  readonly #unacked = new Fifo<Uint8Array>();
  /** Frames sent that the other side is known to have. */
  #acked = 0;
  #bytes = 0;
  #seen = 0;
  #framesUntold = 0;
  #bytesUntold = 0;

  /** Frames of the other side that this side has. */
  get seen(): number {
    return this.#seen;
  }

  /** Frames that the other side may not have. */
  get frames(): number {
    return this.#unacked.size;
  }

  /** Bytes of the frames that the other side may not have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A frame is sent, or would be if there were a connection. The body must not change afterwards. */
  sent(body: Uint8Array): void {
    this.#unacked.push(body);
    this.#bytes += body.length;
  }

  /** A numbered frame has come. @returns whether it is time to acknowledge `seen`. */
  received(bytes: number): boolean {
    this.#seen++;
    this.#framesUntold++;
    this.#bytesUntold += bytes;
    if (this.#framesUntold < ACK_FRAMES && this.#bytesUntold < ACK_BYTES) return false;
    this.told();
    return true;
  }

  /** `seen` is being told in another way: the next acknowledgement is as far away as it can be. */
  told(): void {
    this.#framesUntold = 0;
    this.#bytesUntold = 0;
  }

  /** The other side has the first `seen` frames. @returns false for a number that cannot be. */
  acknowledged(seen: unknown): boolean {
    if (typeof seen !== 'number' || !Number.isSafeInteger(seen)) return false;
    if (seen < this.#acked || seen > this.#acked + this.#unacked.size) return false;
    while (this.#acked < seen) {
      this.#bytes -= this.#unacked.shift()?.length ?? 0;
      this.#acked++;
    }
    return true;
  }

  /** What goes out first on a new connection, in order, once the other side has told what it has. */
  unacked(): Iterable<Uint8Array> {
    return this.#unacked.items();
  }
}
