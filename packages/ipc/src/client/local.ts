/**
 * In-process client connections over anything with the shape of the service host's
 * connect/request/disconnect. Arguments, replies and callbacks pass through the codec like on the
 * socket: client and replicated state never share memory, and what works here works there.
 */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TRY_AGAIN,
  SaAisError,
} from '@aisexec/ais';
import { decode, encode, isRecord } from '../codec.ts';
import { Fifo } from '../fifo.ts';
import { CLIENT_REQUESTS_MAX } from '../limits.ts';
import { type OutboundOptions, Outbox } from '../outbox.ts';
import type {
  CallbackEvent,
  ClientConnection,
  Connector,
  Reply,
  ShutdownListener,
} from './contract.ts';
import { LeaveQuestion } from './leave.ts';

/** What a backend tells one client; structurally the service host's `ClientSink`. */
export interface BackendSink {
  /** The process behind it; undefined where the platform does not tell. */
  readonly process?: number | undefined;
  reply(request: number, reply: Reply): void;
  callback(name: string, payload: unknown, options?: OutboundOptions): void;
  /** After `Backend.isWaiting` was true: it is false now. */
  ready?(): void;
  closed(reason: string): void;
  /** Of a client in the executive's own process that wants to be asked before it leaves. */
  readonly leave?: LeaveQuestion | undefined;
}

/** Structurally the part of the service host that serves clients. */
export interface Backend<Client> {
  /** @param uid, gid of the client's process; -1, or absent, where the platform does not tell. */
  connect(service: string, uid: number, sink: BackendSink, gid?: number): Client | undefined;
  /** Nobody can connect to the service yet, but it is on its way: TRY_AGAIN instead of NOT_SUPPORTED. */
  isJoining?(service: string): boolean;
  /** Whether what the cluster had before this executive started is known here by now (ADR 0196). */
  hasMet?(): boolean;
  request(client: Client, request: number, fn: string, argument: unknown): void;
  /** No more requests of this client for now, please: `ready` follows. */
  isWaiting(client: Client): boolean;
  disconnect(client: Client): void;
}

/** Why a client that returns is put off. */
export const NOT_MET = 'this executive has not met its cluster yet';

export interface LocalOptions {
  /** uid the services see; default: this process's. */
  readonly uid?: number;
}

/**
 * A connector to an executive in the same process.
 * @param attach the backend, or a function that finds it: undefined is TRY_AGAIN, as with no executive.
 */
export function localConnector<Client>(
  attach: Backend<Client> | (() => Backend<Client> | undefined),
  options: LocalOptions = {},
): Connector {
  const uid = options.uid ?? process.getuid?.() ?? -1;
  return {
    async connect(service, { returning = false, onShutdown } = {}) {
      const backend = typeof attach === 'function' ? attach() : attach;
      if (backend === undefined) {
        throw new SaAisError(SA_AIS_ERR_TRY_AGAIN, 'connect', 'the executive is not running');
      }
      if (returning && backend.hasMet?.() === false) {
        throw new SaAisError(SA_AIS_ERR_TRY_AGAIN, 'connect', NOT_MET);
      }
      const connection = new LocalConnection(backend);
      if (!connection.open(service, uid, onShutdown)) {
        if (backend.isJoining?.(service) === true) {
          throw new SaAisError(SA_AIS_ERR_TRY_AGAIN, 'connect', `'${service}' is still joining`);
        }
        throw new SaAisError(SA_AIS_ERR_NOT_SUPPORTED, 'connect', `no service '${service}' here`);
      }
      return connection;
    },
  };
}

interface Waiting {
  readonly request: number;
  readonly fn: string;
  readonly argument: unknown;
}

class LocalConnection<Client> implements ClientConnection {
  readonly #backend: Backend<Client>;
  readonly #outbox = new Outbox();
  readonly #replies = new Map<number, (reply: Reply) => void>();
  readonly #waiting = new Fifo<Waiting>();
  #client: Client | undefined;
  #lastRequest = 0;
  #end: 'closed' | 'lost' | undefined;
  #lostReason = '';
  #held = false;
  #scheduled = false;
  #onCallback: ((event: CallbackEvent) => void) | undefined;
  #onLost: ((reason: string) => void) | undefined;

  constructor(backend: Backend<Client>) {
    this.#backend = backend;
  }

  open(service: string, uid: number, onShutdown: ShutdownListener | undefined): boolean {
    this.#client = this.#backend.connect(service, uid, {
      reply: (request, reply) => this.#reply(request, reply),
      callback: (name, payload, options) => {
        if (this.#end !== undefined) return;
        if (this.#outbox.push(name, payload, options) === 'full') {
          this.#lose('too slow: the queue of callbacks is full', true);
        } else this.#schedule();
      },
      ready: () => this.#schedule(),
      closed: (reason) => this.#lose(reason, false),
      leave: onShutdown && new LeaveQuestion(onShutdown),
    });
    return this.#client !== undefined;
  }

  request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#end !== undefined) return Promise.resolve({ rc: SA_AIS_ERR_BAD_HANDLE });
    if (this.#replies.size >= CLIENT_REQUESTS_MAX) {
      return Promise.resolve({ rc: SA_AIS_ERR_TRY_AGAIN });
    }
    const body = encode(argument);
    const copy = body === undefined ? undefined : decode(body);
    if (copy === undefined) return Promise.resolve({ rc: SA_AIS_ERR_INVALID_PARAM });
    const request = ++this.#lastRequest;
    this.#waiting.push({ request, fn, argument: copy.value });
    this.#schedule();
    return new Promise((resolve) => {
      this.#replies.set(request, resolve);
    });
  }

  onCallback(listener: (event: CallbackEvent) => void): void {
    this.#onCallback = listener;
    this.#schedule();
  }

  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
    if (this.#end === 'lost') this.#tellLost();
  }

  hold(on: boolean): void {
    this.#held = on;
    if (!on) this.#schedule();
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = 'closed';
    this.#settle(SA_AIS_ERR_BAD_HANDLE);
    if (this.#client !== undefined) this.#backend.disconnect(this.#client);
  }

  ref(): void {}

  unref(): void {}

  /** Never inside the caller's or the backend's stack: neither expects the other to come back at once. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const [backend, client] = [this.#backend, this.#client];
    while (this.#end === undefined && client !== undefined && !backend.isWaiting(client)) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      backend.request(client, next.request, next.fn, next.argument);
    }
    while (this.#end === undefined && !this.#held && this.#onCallback !== undefined) {
      const body = this.#outbox.shift();
      if (body === undefined) break;
      const event = decode(body)?.value as CallbackEvent;
      this.#onCallback({ name: event.name, payload: event.payload, priority: event.priority });
    }
  }

  #reply(request: number, reply: Reply): void {
    const resolve = this.#replies.get(request);
    if (resolve === undefined) return;
    this.#replies.delete(request);
    const body = encode(reply);
    const copy = body === undefined ? undefined : decode(body)?.value;
    resolve(isRecord(copy) ? (copy as Reply) : { rc: SA_AIS_ERR_LIBRARY });
  }

  #lose(reason: string, tellBackend: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = 'lost';
    this.#lostReason = reason;
    this.#settle(SA_AIS_ERR_LIBRARY);
    const client = this.#client;
    if (tellBackend && client !== undefined) {
      queueMicrotask(() => this.#backend.disconnect(client));
    }
    this.#tellLost();
  }

  #tellLost(): void {
    const listener = this.#onLost;
    this.#onLost = undefined;
    if (listener !== undefined) queueMicrotask(() => listener(this.#lostReason));
  }

  #settle(rc: typeof SA_AIS_ERR_BAD_HANDLE | typeof SA_AIS_ERR_LIBRARY): void {
    for (const resolve of this.#replies.values()) resolve({ rc });
    this.#replies.clear();
    this.#waiting.clear();
  }
}
