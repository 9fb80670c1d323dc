/**
 * The clients of this node and what they may do: who is admitted, whose requests run and whose wait, and what ends
 * when one is gone.
 */
import type { ClientRef, ExecContext, Role, View } from '../contract.ts';
import type { ClientSink } from '../host-contract.ts';
import { roleByUid } from '../roles.ts';
import { Admissions } from './admissions.ts';
import type { ClientTable } from './clients.ts';
import { Departures } from './departures.ts';
import type { Emitter } from './emitter.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { ReplicaTable } from './replica-table.ts';
import { Requests } from './requests.ts';
import { Shares } from './shares.ts';

export interface ClientDeskOptions {
  readonly nodeId: number;
  readonly clients: ClientTable;
  readonly replicas: ReplicaTable;
  readonly outbox: Outbox;
  readonly emitter: Emitter;
  readonly wallClock: () => bigint;
  readonly uniqueId: () => bigint;
  /** The last synchronised view; undefined before the first. */
  readonly view: () => View | undefined;
  /** For what happens outside of an ordered message; undefined before the first view. */
  readonly context: (time: bigint) => ExecContext | undefined;
  /** A piece of a service's state is needed before the others. */
  readonly fetchFirst: (service: number, piece: unknown) => void;
  /** A service of this node alone has changed its state. */
  readonly changed: () => void;
  readonly counted: (what: 'requestsRefused' | 'requestsHeld' | 'clientsStale') => void;
}

export class ClientDesk {
  readonly #options: ClientDeskOptions;
  readonly #shares = new Shares();
  readonly #requests: Requests;
  readonly #departures: Departures;
  readonly #admissions: Admissions;

  constructor(options: ClientDeskOptions) {
    const { nodeId, clients, replicas, outbox, emitter, wallClock, context } = options;
    this.#options = options;
    this.#requests = new Requests({ ...options, shares: this.#shares });
    const requests = this.#requests;
    this.#departures = new Departures({
      ...{ clients, outbox, wallClock, requests, emitter, context },
    });
    this.#admissions = new Admissions({
      ...{ nodeId, replicas, clients },
      expired: (client) => {
        options.counted('clientsStale');
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
    const client = this.#options.clients.get(ref);
    if (client === undefined) return;
    const held = { request, fn, argument };
    this.#options.emitter.event(() => this.#requests.submit(client, held));
  }

  isWaiting(ref: ClientRef): boolean {
    const client = this.#options.clients.get(ref);
    return client !== undefined && this.#requests.isWaiting(client);
  }

  disconnect(ref: ClientRef): void {
    const client = this.#options.clients.get(ref);
    if (client !== undefined) this.#departures.forget(client);
  }

  closeAll(replica: Replica, reason: string): void {
    this.#departures.closeAll(replica, reason);
  }

  /** The next step of a client's end. */
  goneOn(gone: Parameters<Departures['goneOn']>[0]): void {
    this.#departures.goneOn(gone);
  }

  /** A message that was multicast for a client of this node has come back. */
  returned(connection: number, bytes: number): void {
    this.#shares.ordered(connection, bytes);
  }

  /** That message has been applied: what waited for it goes on. */
  serve(connection: number): void {
    this.#requests.serve(connection);
  }

  /** To be called after everything that may have changed who is a member. */
  admit(): void {
    this.#admissions.update();
  }

  /** There is room again. */
  flush(): void {
    this.#requests.flush();
  }
}
