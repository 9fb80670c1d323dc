/**
 * Replies whose truth the next view decides. What is delivered between a transitional and the next regular
 * configuration may be known to this side of a partition only: a service that promises more than that gives
 * a second reply, and which of the two leaves is known when the next view says whose history goes on.
 */
import type { Reply } from '../contract.ts';
import type { Client, ClientTable } from './clients.ts';

interface Held {
  readonly client: Client;
  readonly request: number;
  readonly confirmed: Reply;
  readonly doubtful: Reply;
}

export class Doubt {
  readonly #clients: ClientTable;
  #held: Held[] = [];
  #open = false;

  constructor(clients: ClientTable) {
    this.#clients = clients;
  }

  /** A transitional configuration: members of the old ring are missing. */
  begin(): void {
    this.#open = true;
  }

  reply(client: Client, request: number, confirmed: Reply, doubtful: Reply): void {
    if (this.#open) this.#held.push({ client, request, confirmed, doubtful });
    else this.#clients.reply(client, request, confirmed);
  }

  /** The next view. @param isConfirmed it is quorate and goes on with this node's history. */
  end(isConfirmed: boolean): void {
    const held = this.#held;
    this.#open = false;
    this.#held = [];
    for (const { client, request, confirmed, doubtful } of held) {
      this.#clients.reply(client, request, isConfirmed ? confirmed : doubtful);
    }
  }
}
