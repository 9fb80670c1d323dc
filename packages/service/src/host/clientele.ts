/** Who may act on this node: its clients from their connecting to their end, and under which admission. */
import type { ClientRef, ExecContext, Role } from '../contract.ts';
import type { ClientSink } from '../host-contract.ts';
import { roleByUid } from '../roles.ts';
import { Admissions } from './admissions.ts';
import type { ClientTable } from './clients.ts';
import { Departures } from './departures.ts';
import type { Emitter } from './emitter.ts';
import type { Envelope } from './envelope.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { ReplicaTable } from './replica-table.ts';
import type { Requests } from './requests.ts';
import type { Speech } from './speech.ts';

export interface ClienteleOptions {
  readonly nodeId: number;
  readonly replicas: ReplicaTable;
  readonly clients: ClientTable;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly speech: Speech;
  readonly wallClock: () => bigint;
  /** See {@link Departures}. */
  readonly context: (time: bigint) => ExecContext | undefined;
  /** A client has become stale. */
  readonly expired: () => void;
}

export class Clientele {
  readonly #options: ClienteleOptions;
  readonly #admissions: Admissions;
  readonly #departures: Departures;

  constructor(options: ClienteleOptions) {
    this.#options = options;
    const { nodeId, replicas, clients, expired } = options;
    this.#departures = new Departures(options);
    this.#admissions = new Admissions({
      ...{ nodeId, replicas, clients },
      expired: (client) => {
        expired();
        this.#departures.expire(client);
      },
    });
  }

  connect(service: string, uid: number, sink: ClientSink, role?: Role): ClientRef | undefined {
    const { replicas, clients, emitter } = this.#options;
    const replica = replicas.named(service);
    if (replica?.running !== true) return undefined;
    const client = clients.add(replica, { uid, role: role ?? roleByUid(uid), sink });
    emitter.event(() => this.#admissions.connected(client));
    return client.ref;
  }

  request(ref: ClientRef, request: number, fn: string, argument: unknown): void {
    const { clients, emitter, requests } = this.#options;
    const client = clients.get(ref);
    if (client === undefined) return;
    emitter.event(() => requests.submit(client, { request, fn, argument }));
  }

  disconnect(ref: ClientRef): void {
    const client = this.#options.clients.get(ref);
    if (client !== undefined) this.#departures.forget(client);
  }

  /** See {@link Admissions.update}. */
  update(): void {
    this.#admissions.update();
  }

  closeAll(replica: Replica, reason: string): void {
    this.#departures.closeAll(replica, reason);
  }
  /** This node's own message, which was dropped since not all hosts of the view understand it. */
  repeat(envelope: Envelope): void {
    if (envelope.kind === 'departed') this.#departures.repeat(envelope);
  }
}
