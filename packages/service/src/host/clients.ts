/** The clients connected to this node, and what each is waiting for. */
import { SA_AIS_ERR_UNAVAILABLE, STALE_CALLBACK } from '@aisexec/ais';
import type { CallbackOptions, ClientRef, Reply, Role } from '../contract.ts';
import type { ClientSink } from '../host-contract.ts';
import {
  REQUESTS_OUTSTANDING_MAX,
  REQUESTS_OUTSTANDING_MIN,
  REQUESTS_OUTSTANDING_PER_UID_MAX,
} from '../limits.ts';
import type { Emitter } from './emitter.ts';
import type { Replica } from './replica.ts';
import type { Sharer } from './shares.ts';

/** A request that waits for its turn. */
export interface HeldRequest {
  readonly request: number;
  readonly fn: string;
  readonly argument: unknown;
}

export interface Client {
  readonly ref: ClientRef;
  readonly replica: Replica;
  readonly uid: number;
  readonly role: Role;
  readonly sink: ClientSink;
  readonly sharer: Sharer;
  readonly held: HeldRequest[];
  /** Requests without a reply. */
  readonly outstanding: Set<number>;
  /** Whether an ordered message carried its name: only then can a replica know it. */
  known: boolean;
  /** Under which admission of this node it connected; undefined until that is known, or where nobody tells. */
  admission: bigint | undefined;
  /** Its node is no member, or not by that admission: UNAVAILABLE until it disconnects. */
  stale: boolean;
}

export class ClientTable {
  readonly #node: number;
  readonly #emitter: Emitter;
  readonly #clients = new Map<number, Client>();
  /** Requests without a reply of all clients of a uid. */
  readonly #outstanding = new Map<number, number>();
  #nextConnection: number;

  /**
   * @param first where connection numbers start, drawn at random: a former incarnation's numbers mean
   * nothing to this one.
   */
  constructor(node: number, first: number, emitter: Emitter) {
    this.#node = node;
    this.#nextConnection = first;
    this.#emitter = emitter;
  }

  get size(): number {
    return this.#clients.size;
  }

  add(replica: Replica, { uid, role, sink }: Pick<Client, 'uid' | 'role' | 'sink'>): Client {
    while (this.#clients.has(this.#nextConnection)) this.#advance();
    const ref: ClientRef = Object.freeze({ node: this.#node, connection: this.#nextConnection });
    this.#advance();
    const client: Client = {
      ref,
      replica,
      uid,
      role,
      sink,
      // An object is nobody else.
      sharer: sink.process ?? sink,
      held: [],
      outstanding: new Set(),
      known: false,
      admission: undefined,
      stale: false,
    };
    this.#clients.set(ref.connection, client);
    return client;
  }

  /** The client, if it is one of this node's and still connected. */
  get(ref: ClientRef): Client | undefined {
    return ref.node === this.#node ? this.#clients.get(ref.connection) : undefined;
  }

  remove(client: Client): void {
    this.#clients.delete(client.ref.connection);
    client.held.length = 0;
    this.#count(client, -client.outstanding.size);
    client.outstanding.clear();
  }

  /** A request has come: a reply is owed. */
  owe(client: Client, request: number): void {
    client.outstanding.add(request);
    this.#count(client, 1);
  }

  /** Whether the client has more requests without a reply than it may: its own bound, and its share of its uid's. */
  owesTooMuch({ uid, outstanding: { size } }: Client): boolean {
    if (size <= REQUESTS_OUTSTANDING_MIN) return false;
    const left = REQUESTS_OUTSTANDING_PER_UID_MAX - (this.#outstanding.get(uid) ?? 0);
    return size > Math.min(REQUESTS_OUTSTANDING_MAX, left);
  }

  #count({ uid }: Client, change: number): void {
    const count = (this.#outstanding.get(uid) ?? 0) + change;
    if (count > 0) this.#outstanding.set(uid, count);
    else this.#outstanding.delete(uid);
  }

  /** The node of this client is no member: what it waits for ends, and it is told once. */
  expire(client: Client): void {
    for (const request of [...client.outstanding]) {
      this.reply(client, request, { rc: SA_AIS_ERR_UNAVAILABLE });
    }
    client.held.length = 0;
    this.ready(client);
    this.callback(client, STALE_CALLBACK, null);
    client.stale = true;
  }

  /** Its requests do not wait any more, or few do. */
  ready(client: Client): void {
    this.#emitter.emit(() => {
      if (this.#isConnected(client)) client.sink.ready?.();
    });
  }

  all(): Iterable<Client> {
    return this.#clients.values();
  }

  of(replica: Replica): Client[] {
    return [...this.#clients.values()].filter((client) => client.replica === replica);
  }

  /** Answers an outstanding request; anything else is ignored. */
  reply(client: Client, request: number, reply: Reply): void {
    if (!client.outstanding.delete(request)) return;
    this.#count(client, -1);
    this.#emitter.emit(() => {
      if (this.#isConnected(client)) client.sink.reply(request, reply);
    });
  }

  callback(client: Client, name: string, payload: unknown, options?: CallbackOptions): void {
    if (client.stale) return;
    this.#emitter.emit(() => {
      if (this.#isConnected(client)) client.sink.callback(name, payload, options);
    });
  }

  #isConnected(client: Client): boolean {
    return this.#clients.get(client.ref.connection) === client;
  }

  #advance(): void {
    this.#nextConnection = (this.#nextConnection + 1) >>> 0;
  }
}

/** Numbers that no other node draws: the node in the upper 32 bits, a counter in the lower. */
export function uniqueIds(nodeId: number, start: number): () => bigint {
  let counter = start;
  return () => {
    counter = (counter + 1) >>> 0;
    return (BigInt(nodeId) << 32n) | BigInt(counter);
  };
}

/** @param random uniform in [0, 1) */
export function random32(random: () => number): number {
  return Math.floor(random() * 0x1_0000_0000) >>> 0;
}
