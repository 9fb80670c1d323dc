/**
 * The clients of this node and what they may do: who is admitted, whose requests run and whose wait, and what ends
 * when one is gone.
 */
import type { ClientRef, ExecContext, Role, Undo } from '../contract.ts';
import type { ClientSink } from '../host-contract.ts';
import { roleByUid } from '../roles.ts';
import { Admissions } from './admissions.ts';
import type { Client } from './clients.ts';
import { Departures } from './departures.ts';
import type { Emitter } from './emitter.ts';
import type { Envelope } from './envelope.ts';
import type { Replica } from './replica.ts';
import type { ReplicaTable } from './replica-table.ts';
import { Requests, type RequestsOptions } from './requests.ts';
import { type Sharer, Shares } from './shares.ts';
import type { Speech } from './speech.ts';

export interface ClienteleOptions extends Omit<RequestsOptions, 'shares' | 'counted'> {
  readonly replicas: ReplicaTable;
  readonly emitter: Emitter;
  readonly speech: Speech;
  /** For what happens outside of an ordered message; undefined before the first view. */
  readonly context: (time: bigint) => ExecContext | undefined;
  readonly counted: (what: Parameters<RequestsOptions['counted']>[0] | 'clientsStale') => void;
}

export class Clientele {
  readonly #options: ClienteleOptions;
  readonly #shares = new Shares();
  readonly #requests: Requests;
  readonly #departures: Departures;
  readonly #admissions: Admissions;

  constructor(options: ClienteleOptions) {
    this.#options = options;
    this.#requests = new Requests({ ...options, shares: this.#shares });
    this.#departures = new Departures({ ...options, requests: this.#requests });
    this.#admissions = new Admissions({
      ...{ nodeId: options.nodeId, replicas: options.replicas, clients: options.clients },
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

  /** What was done in its name and then denied: see `Doubt`. */
  takeBack(client: Client, undo: Undo): void {
    this.#requests.takeBack(client, undo);
  }

  /** The next step of these clients' end. */
  goneOn(service: number, connections: readonly number[]): void {
    this.#departures.goneOn(service, connections);
  }

  /** This node's own message, which was dropped since not all hosts of the view understand it. */
  repeat(envelope: Envelope): void {
    if (envelope.kind === 'departed') this.goneOn(envelope.service, envelope.connections);
  }

  /** A message that was multicast for a client of this node has come back. @returns whose share it was. */
  returned(connection: number, bytes: number): Sharer {
    return this.#shares.ordered(connection, bytes);
  }

  /** A message of its has been applied: what waited for that goes on. */
  serve(sharer: Sharer): void {
    this.#requests.serve(sharer);
  }

  /** To be called after everything that may have changed who is a member: see {@link Admissions.update}. */
  update(): void {
    this.#admissions.update();
  }

  /** There is room again. */
  flush(): void {
    this.#requests.flush();
  }
}
