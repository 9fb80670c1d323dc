/**
 * How many requests each client gets served in one turn of the event loop (ADR 0175). A client that sends a
 * thousand at once waits between the others, who wait for a turn at most, and the ring gets the thread after every turn.
 */
import { REQUESTS_PER_TURN } from '../limits.ts';

/** A client with requests that wait. */
export interface Waiting {
  /** Serves some, see {@link Turns.mayServe}. */
  serve(): void;
}

export class Turns {
  #number = 0;
  /** Who shares this turn: those who had to wait for it. */
  #sharers = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #served = new Map<Waiting, number>();

  /** Whether this client may have one more request served now; else it is served again in the next turn. */
  mayServe(client: Waiting): boolean {
    const served = this.#served.get(client) ?? 0;
    if (served >= this.#share) {
      if (this.#waiting.size === 0) setImmediate(() => this.#next());
      this.#waiting.add(client);
      return false;
    }
    this.#served.set(client, served + 1);
    return true;
  }

  /** The client is gone. */
  forget(client: Waiting): void {
    this.#served.delete(client);
    // It stays among those who wait: the turn that is on its way finds nothing to do for it.
  }

  /** Everybody gets at least one. */
  get #share(): number {
    const sharers = Math.max(1, this.#sharers, this.#waiting.size);
    return Math.max(1, Math.floor(REQUESTS_PER_TURN / sharers));
  }

  #next(): void {
    this.#number++;
    const due = [...this.#waiting];
    this.#waiting.clear();
    this.#served.clear();
    this.#sharers = due.length;
    for (const client of due) client.serve();
    if (this.#waiting.size === 0) this.#sharers = 0;
  }

  /** Turns in which somebody had waited. */
  get number(): number {
    return this.#number;
  }
}
