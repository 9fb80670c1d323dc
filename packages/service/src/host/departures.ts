/** What ends when a client is gone: its requests, its place in the table, and in the order what replicas know of it. */
import type { ExecContext } from '../contract.ts';
import { DEPARTED_MAX } from '../limits.ts';
import type { Client, ClientTable } from './clients.ts';
import type { Emitter } from './emitter.ts';
import { encodeEnvelope } from './envelope.ts';
import { forgetLocally } from './local.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { Requests } from './requests.ts';
import type { Speech } from './speech.ts';

export interface DeparturesOptions {
  readonly clients: ClientTable;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly speech: Speech;
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
    if (this.#end(client)) this.goneOn(client.replica.id, [client.ref.connection]);
  }

  /** It stays connected and has no say any more (ADR 0120). */
  expire(client: Client): void {
    this.#options.clients.expire(client);
    if (this.#end(client)) this.goneOn(client.replica.id, [client.ref.connection]);
  }

  /** Closes every client of a service. */
  closeAll(replica: Replica, reason: string): void {
    const { clients, emitter } = this.#options;
    const known: number[] = [];
    for (const client of clients.of(replica)) {
      clients.remove(client);
      if (this.#end(client)) known.push(client.ref.connection);
      emitter.emit(() => client.sink.closed(reason));
    }
    this.goneOn(replica.id, known);
  }

  /** What it asked for ends here. @returns whether a replica can know it. */
  #end(client: Client): boolean {
    const { requests, wallClock, context } = this.#options;
    const { replica, ref, known } = client;
    requests.forget(client);
    if (replica.isLocal) forgetLocally(replica, ref, context(wallClock()));
    client.known = false;
    return known;
  }

  /**
   * The first step of their end in the order, or the next one (ADR 0194). Safe, as what they set free may be granted
   * to others (ADR 0190).
   */
  goneOn(service: number, connections: readonly number[]): void {
    const { outbox, speech, wallClock } = this.#options;
    const time = wallClock();
    if (connections.length === 1 || !speech.understands('departed')) {
      for (const connection of connections) {
        outbox.push(encodeEnvelope({ kind: 'gone', service, connection, time }), 'safe');
      }
      return;
    }
    for (let at = 0; at < connections.length; at += DEPARTED_MAX) {
      const some = connections.slice(at, at + DEPARTED_MAX);
      const departed = { kind: 'departed', service, connections: some, time } as const;
      outbox.push(encodeEnvelope(departed), 'safe');
    }
  }
}
