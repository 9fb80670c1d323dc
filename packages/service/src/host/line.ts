/** Clients whose requests wait: sharers take turns, and the clients of one sharer among themselves. */
import type { Client } from './clients.ts';
import type { Sharer } from './shares.ts';

export class Line {
  /** The one to serve next first, in both. */
  readonly #clients = new Map<Sharer, Set<Client>>();

  add(client: Client): void {
    const clients = this.#clients.get(client.sharer);
    if (clients === undefined) this.#clients.set(client.sharer, new Set([client]));
    else clients.add(client);
  }

  delete(client: Client): void {
    const clients = this.#clients.get(client.sharer);
    if (clients?.delete(client) && clients.size === 0) this.#clients.delete(client.sharer);
  }

  /** Who waits; one that {@link served} has put to the end meanwhile comes again. */
  sharers(): Iterable<Sharer> {
    return this.#clients.keys();
  }

  /** Whose turn it is among a sharer's clients. */
  first(sharer: Sharer): Client | undefined {
    return this.#clients.get(sharer)?.values().next().value;
  }

  /** The client has had its turn: its sharer goes to the end of the line, and it, too, while it has more. */
  served(client: Client, hasMore: boolean): void {
    const clients = this.#clients.get(client.sharer);
    if (!clients?.delete(client)) return;
    if (hasMore) clients.add(client);
    this.#clients.delete(client.sharer);
    if (clients.size > 0) this.#clients.set(client.sharer, clients);
  }
}
