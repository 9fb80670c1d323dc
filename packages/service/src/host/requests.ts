/**
 * Requests of clients: checked, kept in order per client, held while synchronisation runs or the queue is
 * full, and handed to the service's library handlers.
 */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  STANDING_REQUEST,
} from '@aisexec/ais';
import { type Guarantee, MESSAGE_BYTES_MAX } from '@aisexec/totem';
import type { LibContext, LibHandler, Reply, Undo, View } from '../contract.ts';
import { invariant } from '../invariant.ts';
import { REQUESTS_IN_FLIGHT_MAX } from '../limits.ts';
import { mayAct, roleNeeded } from '../roles.ts';
import { FIRST_VERSION } from '../versions.ts';
import type { Client, ClientTable, HeldRequest } from './clients.ts';
import { encodeEnvelope } from './envelope.ts';
import { Line } from './line.ts';
import type { Outbox } from './outbox.ts';
import type { Sharer, Shares } from './shares.ts';

export interface RequestsOptions {
  readonly nodeId: number;
  readonly clients: ClientTable;
  readonly outbox: Outbox;
  readonly shares: Shares;
  readonly wallClock: () => bigint;
  readonly steadyClock: () => bigint;
  readonly uniqueId: () => bigint;
  /** The last synchronised view; undefined before the first. */
  readonly view: () => View | undefined;
  /** A service of this node alone has changed its state. */
  readonly changed: () => void;
  /** A piece of a service's state is needed before the others. */
  readonly fetchFirst: (service: number, piece: unknown) => boolean;
  /** Counts something that was refused. */
  readonly counted: (what: 'requestsRefused' | 'requestsHeld') => void;
}

type Handler = LibHandler<unknown, unknown>;

export class Requests {
  readonly #options: RequestsOptions;
  /** Clients with held requests. */
  readonly #waiting = new Line();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  submit(client: Client, held: HeldRequest): void {
    // A second use of an outstanding id is the embedder's mistake; an answer would meet the first.
    if (client.outstanding.has(held.request)) {
      this.#options.counted('requestsRefused');
      return;
    }
    this.#options.clients.owe(client, held.request);
    if (client.stale) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_UNAVAILABLE });
      return;
    }
    if (held.fn === STANDING_REQUEST) {
      this.#options.clients.reply(client, held.request, { rc: SA_AIS_OK });
      return;
    }
    const handler = handlerOf(client, held.fn);
    if (handler === undefined) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_BAD_OPERATION });
      return;
    }
    if (!handler.request.check(held.argument)) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_INVALID_PARAM });
      return;
    }
    const needed = client.replica.guard('role', () => roleNeeded(handler, held.argument));
    if (needed === undefined || !mayAct(client.role, needed)) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_ACCESS });
      return;
    }
    if (this.#options.clients.owesTooMuch(client)) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_TRY_AGAIN });
      return;
    }
    if (client.held.length === 0 && this.#mayRun(client, handler)) {
      this.#run(client, handler, held);
      return;
    }
    if (this.isWaiting(client)) {
      this.#refuse(client, held, { rc: SA_AIS_ERR_TRY_AGAIN });
      return;
    }
    client.held.push(held);
    this.#waiting.add(client);
    this.#options.counted('requestsHeld');
  }

  /** Its next request would be refused: {@link ClientTable.ready} follows. */
  isWaiting({ held }: Client): boolean {
    return held.length >= REQUESTS_IN_FLIGHT_MAX;
  }

  /** There is room: serves the clients that wait, one request each in turn. */
  flush(): void {
    // A Map is iterated in the order of insertion, what is added during it included: to the end of the line.
    for (const sharer of this.#waiting.sharers()) this.#serveNext(sharer);
  }

  /** A message of this sharer was ordered: it may have room for others. */
  serve(sharer: Sharer): void {
    while (this.#serveNext(sharer));
  }

  forget(client: Client): void {
    this.#waiting.delete(client);
  }

  /** Orders a message in a client's name that it did not ask for and that nobody answers. */
  takeBack(client: Client, { exec, message }: Undo): void {
    new RequestContext(this.#options, client, 0).multicast(exec, message, 'safe');
  }

  /** One request of the client whose turn it is. @returns false when nothing waits, or not for this. */
  #serveNext(sharer: Sharer): boolean {
    const client = this.#waiting.first(sharer);
    const next = client?.held[0];
    const handler = client && next && handlerOf(client, next.fn);
    if (client === undefined || next === undefined) return false;
    if (handler !== undefined && !this.#mayRun(client, handler)) return false;
    client.held.shift();
    this.#waiting.served(client, client.held.length > 0);
    // Told at the half, so that it comes with several at a time.
    if (client.held.length === REQUESTS_IN_FLIGHT_MAX / 2) this.#options.clients.ready(client);
    if (handler !== undefined) this.#run(client, handler, next);
    else this.#refuse(client, next, { rc: SA_AIS_ERR_BAD_OPERATION });
    return true;
  }

  #mayRun({ sharer }: Client, handler: Handler): boolean {
    const { view, outbox, shares } = this.#options;
    if (view() === undefined) return false;
    return handler.flow === 'local' || !(outbox.blocked || !shares.mayMulticast(sharer));
  }

  #run(client: Client, handler: Handler, held: HeldRequest): void {
    const { replica } = client;
    const context = new RequestContext(this.#options, client, held.request);
    const run = () => handler.handle(replica.state, held.argument, context);
    const where = `lib ${held.fn}`;
    const reply = replica.isLocal ? replica.change(where, run) : replica.guard(where, run);
    if (reply !== undefined) this.#options.clients.reply(client, held.request, reply);
    if (replica.isLocal) this.#options.changed();
  }

  #refuse(client: Client, held: HeldRequest, reply: Reply): void {
    this.#options.counted('requestsRefused');
    this.#options.clients.reply(client, held.request, reply);
  }
}

function handlerOf(client: Client, fn: string): Handler | undefined {
  const { lib } = client.replica.definition;
  return Object.hasOwn(lib, fn) ? (lib[fn] as Handler) : undefined;
}

class RequestContext implements LibContext {
  readonly nodeId: number;
  readonly client;
  readonly view: View;
  readonly now: bigint;
  readonly steady: bigint;
  readonly uid: number;
  readonly version: number;
  readonly #options: RequestsOptions;
  readonly #client: Client;
  readonly #request: number;

  constructor(options: RequestsOptions, client: Client, request: number) {
    this.nodeId = options.nodeId;
    this.client = client.ref;
    this.view = options.view()!;
    this.now = options.wallClock();
    this.steady = client.replica.isLocal ? options.steadyClock() : 0n;
    this.uid = client.uid;
    this.version = client.replica.version;
    this.#options = options;
    this.#client = client;
    this.#request = request;
  }

  uniqueId(): bigint {
    return this.#options.uniqueId();
  }

  multicast(exec: string, message: unknown, guarantee: Guarantee = 'agreed'): void {
    const { definition, id, name } = this.#client.replica;
    const handler = Object.hasOwn(definition.exec, exec) ? definition.exec[exec] : undefined;
    // What the receivers would drop must fail here, where it is made: the client would wait for ever.
    invariant(handler !== undefined, 'no such exec handler', { service: name, exec });
    invariant(handler.message.check(message), 'message does not fit', { service: name, exec });
    const { since = FIRST_VERSION } = handler;
    invariant(since <= this.version, 'not all nodes understand this message yet: see ctx.version', {
      ...{ service: name, exec, since, version: this.version },
    });
    const bytes = encodeEnvelope({
      kind: 'exec',
      service: id,
      exec,
      connection: this.client.connection,
      request: this.#request,
      time: this.now,
      version: this.version,
      payload: message,
    });
    if (bytes.length > MESSAGE_BYTES_MAX) {
      this.#options.clients.reply(this.#client, this.#request, { rc: SA_AIS_ERR_TOO_BIG });
      return;
    }
    this.#client.known = true;
    this.#options.shares.sent(this.client.connection, this.#client.sharer, bytes.length);
    this.#options.outbox.push(bytes, guarantee);
  }

  fetchFirst(piece: unknown): boolean {
    return this.#options.fetchFirst(this.#client.replica.id, piece);
  }

  callback(name: string, payload: unknown, options?: Parameters<LibContext['callback']>[2]): void {
    this.#options.clients.callback(this.#client, name, payload, options);
  }
}
