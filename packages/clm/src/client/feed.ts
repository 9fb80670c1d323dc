/**
 * The subscription of one connection, for both layers: hands on every change once and in order, and none
 * of a subscription that was replaced or stopped. A change may be read before the continuation that waits
 * for the answer to `track` runs; it waits here until then.
 */
import type { ChangedEvent } from '../protocol.ts';

export class TrackFeed {
  readonly #deliver: (event: ChangedEvent) => void;
  readonly #asked = new Map<number, ChangedEvent[]>();
  #last = 0;
  #current: number | undefined;

  constructor(deliver: (event: ChangedEvent) => void) {
    this.#deliver = deliver;
  }

  get active(): boolean {
    return this.#current !== undefined;
  }

  /** A request leaves. @returns the number that it must carry. */
  ask(): number {
    this.#last = (this.#last + 1) >>> 0;
    this.#asked.set(this.#last, []);
    return this.#last;
  }

  /** It was answered well: it takes the place of the former one. `before` runs ahead of its changes. */
  begin(subscription: number, before: () => void): void {
    const early = this.#asked.get(subscription) ?? [];
    this.#asked.delete(subscription);
    this.#current = subscription;
    before();
    for (const event of early) this.#deliver(event);
  }

  /** It was refused: the former one goes on. */
  refuse(subscription: number): void {
    this.#asked.delete(subscription);
  }

  end(): void {
    this.#current = undefined;
  }

  receive(event: ChangedEvent): void {
    if (event.subscription === this.#current) this.#deliver(event);
    else this.#asked.get(event.subscription)?.push(event);
  }
}
