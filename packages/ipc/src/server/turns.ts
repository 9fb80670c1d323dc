/**
 * How many requests each process gets served in one turn of the event loop (ADR 0175, 0228). One that sends a thousand at
 * once, over one connection or over hundreds, waits between the others, who wait for a turn at most; the ring gets the
 * thread after every turn, and a flood that does not end leaves it alone for a moment now and then.
 */
import { FLOOD_MS_MAX, FLOOD_REST_MS, REQUESTS_PER_SLICE, REQUESTS_PER_TURN } from '../limits.ts';

/** A client with requests that wait. */
export interface Waiting {
  /** Whose share it takes part in: the number of its process, or itself where none is known. */
  readonly sharer: unknown;
  /** Serves some, see {@link Turns.mayServe}. */
  serve(): void;
}

export class Turns {
  readonly #clock: () => number;
  #number = 0;
  /** Who shares this turn: the processes that had to wait for it. */
  #sharers = 0;
  /** By process, those of its clients that wait; whose turn is next comes first. */
  readonly #waiting = new Map<unknown, Set<Waiting>>();
  readonly #served = new Map<unknown, number>();
  /** What the client that is being served may have before the next one of its process. */
  #slice = Number.POSITIVE_INFINITY;
  #isDue = false;
  /** Since when somebody has waited in every turn. */
  #floodBegan: number | undefined;

  constructor(clock = () => performance.now()) {
    this.#clock = clock;
  }

  /** Whether this client may have one more request served now; else it is served again in a later turn. */
  mayServe(client: Waiting): boolean {
    const served = this.#servedOf(client.sharer);
    if (served >= this.#share || this.#slice === 0) {
      this.#wait(client);
      return false;
    }
    this.#slice--;
    this.#served.set(client.sharer, served + 1);
    return true;
  }

  /** The client is gone. */
  forget(client: Waiting): void {
    const clients = this.#waiting.get(client.sharer);
    if (clients?.delete(client) && clients.size === 0) this.#waiting.delete(client.sharer);
  }

  /** Turns in which somebody had waited. */
  get number(): number {
    return this.#number;
  }

  #servedOf(sharer: unknown): number {
    return this.#served.get(sharer) ?? 0;
  }

  /** Everybody gets at least one. */
  get #share(): number {
    const sharers = Math.max(1, this.#sharers, this.#waiting.size);
    return Math.max(1, Math.floor(REQUESTS_PER_TURN / sharers));
  }

  #wait(client: Waiting): void {
    const clients = this.#waiting.get(client.sharer);
    if (clients === undefined) this.#waiting.set(client.sharer, new Set([client]));
    else clients.add(client);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#floodBegan ??= this.#clock();
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#number++;
    this.#served.clear();
    this.#sharers = this.#waiting.size;
    for (const sharer of [...this.#waiting.keys()]) this.#serve(sharer);
    this.#slice = Number.POSITIVE_INFINITY;
    this.#isDue = this.#waiting.size > 0;
    if (this.#isDue) this.#goOn();
    else {
      this.#sharers = 0;
      this.#floodBegan = undefined;
    }
  }

  /** The clients of a process in turn, as far as its share goes: many in few slices, for every one costs a write. */
  #serve(sharer: unknown): void {
    const clients = this.#waiting.get(sharer);
    if (clients === undefined) return;
    const share = this.#share;
    const slice = Math.max(REQUESTS_PER_SLICE, Math.floor(share / clients.size));
    // One that has more goes to the end of the set, and comes again in this loop while there is something left.
    for (const client of clients) {
      if (this.#servedOf(sharer) >= share) break;
      clients.delete(client);
      this.#slice = slice;
      client.serve();
    }
    if (clients.size === 0 && this.#waiting.get(sharer) === clients) this.#waiting.delete(sharer);
  }

  /** A real-time thread that never waits is stopped by the kernel, for 50 ms in every second (sched(7)). */
  #goOn(): void {
    const isLong = this.#clock() - (this.#floodBegan as number) >= FLOOD_MS_MAX;
    if (!isLong) {
      setImmediate(() => this.#next());
      return;
    }
    setTimeout(() => {
      this.#floodBegan = this.#clock();
      this.#next();
    }, FLOOD_REST_MS);
  }
}
