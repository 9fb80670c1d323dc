/** What ends when a client is gone: its requests, its place in the table, and in the order what replicas know of it. */
import type { ExecContext } from '../contract.ts';
import type { Client, ClientTable } from './clients.ts';
import type { Emitter } from './emitter.ts';
import { type Envelope, encodeEnvelope } from './envelope.ts';
import { forgetLocally } from './local.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { Requests } from './requests.ts';

type Gone = Extract<Envelope, { kind: 'gone' }>;

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
    const { requests, wallClock, context } = this.#options;
    const { replica, ref } = client;
    const time = wallClock();
    requests.forget(client);
    if (replica.isLocal) forgetLocally(replica, ref, context(time));
    if (!client.known) return;
    client.known = false;
    this.goneOn({ service: replica.id, connection: ref.connection });
  }

  /** Something of the client may be left in the replicas: the first step of its end, or the next one (ADR 0194). */
  goneOn({ service, connection }: Pick<Gone, 'service' | 'connection'>): void {
    const { outbox, wallClock } = this.#options;
    const time = wallClock();
    outbox.push(encodeEnvelope({ kind: 'gone', service, connection, time }), 'agreed');
  }
}
