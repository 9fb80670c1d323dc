/** What ends when a client is gone: its requests, its place in the table, and in the order what replicas know of it. */
import type { ExecContext } from '../contract.ts';
import type { Client, ClientTable } from './clients.ts';
import type { Emitter } from './emitter.ts';
import { encodeEnvelope } from './envelope.ts';
import { forgetLocally } from './local.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { Requests } from './requests.ts';

export interface DeparturesOptions {
  readonly clients: ClientTable;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly wallClock: () => bigint;
  /** For services of this node alone; undefined before the first view. */
  readonly context: (time: bigint) => ExecContext | undefined;
}

export class Departures {
  readonly #options: DeparturesOptions;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Its connection is closed. */
  forget(client: Client): void {
    this.#options.clients.remove(client);
    this.#gone(client);
  }

  /** It stays connected and has no say any more (ADR 0120). */
  expire(client: Client): void {
    this.#options.clients.expire(client);
    this.#gone(client);
  }

  /** Closes every client of a service. */
  closeAll(replica: Replica, reason: string): void {
    const { clients, emitter } = this.#options;
    for (const client of clients.of(replica)) {
      this.forget(client);
      emitter.emit(() => client.sink.closed(reason));
    }
  }

  /** What it asked for ends here, and in the order wherever a replica can know it. */
  #gone(client: Client): void {
    const { requests, outbox, wallClock, context } = this.#options;
    const { replica, ref } = client;
    const time = wallClock();
    requests.forget(client);
    if (replica.isLocal) forgetLocally(replica, ref, context(time));
    if (!client.known) return;
    client.known = false;
    const gone = { service: replica.id, connection: ref.connection };
    // Safe, as what it sets free may be granted to another (ADR 0190).
    outbox.push(encodeEnvelope({ kind: 'gone', ...gone, time }), 'safe');
  }
}
