/**
 * One client of the server: handshake, requests with a bound on those in flight, replies, callbacks
 * through the bounded {@link Outbox}, and the goodbye with its reason. A session never throws at what
 * the client sends and never lets one client take memory without bound.
 */
import type { Socket } from 'node:net';
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_VERSION,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { Reply } from '../client/contract.ts';
import type { Backend, BackendSink } from '../client/local.ts';
import { decode, encode, isRecord } from '../codec.ts';
import { Fifo } from '../fifo.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import { FRAME_BYTES_MAX } from '../limits.ts';
import { type OutboundOptions, Outbox } from '../outbox.ts';
import { IPC_VERSION } from '../protocol.ts';
import type { Credentials, IpcEvent, IpcServerLimits } from './contract.ts';
import type { Counters } from './counters.ts';
import type { Turns, Waiting } from './turns.ts';

type Frame = Readonly<Record<string, unknown>>;

/** What sessions share: the server behind them. */
export interface SessionHost<Client> {
  readonly backend: Backend<Client>;
  readonly limits: IpcServerLimits;
  readonly counters: Counters;
  readonly turns: Turns;
  access(service: string, credentials: Credentials): true | string;
  /** A session has said hello and would open: room for it? A text is the reason why not. */
  admit(session: Session<Client>): true | string;
  /** The session has left the handshake or the server; called at each change. */
  changed(session: Session<Client>): void;
  trace(event: IpcEvent): void;
}

export type SessionState = 'hello' | 'open' | 'ending' | 'gone';

export class Session<Client> implements Waiting {
  readonly credentials: Credentials;
  readonly #host: SessionHost<Client>;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #outbox: Outbox;
  readonly #waiting = new Fifo<Frame>();
  readonly #inFlight = new Set<number>();
  #state: SessionState = 'hello';
  #service = '';
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastRequest = 0;
  #held = false;
  #pumping = false;

  constructor(host: SessionHost<Client>, socket: Socket, credentials: Credentials) {
    this.#host = host;
    this.#socket = socket;
    this.credentials = credentials;
    this.#writer = new FrameWriter(socket);
    const { limits } = host;
    this.#outbox = new Outbox({
      framesMax: limits.outboundFramesMax,
      bytesMax: limits.outboundBytesMax,
    });
    const decoder = new FrameDecoder((body) => this.#frame(body));
    socket.on('data', (chunk) => {
      const fault = decoder.push(chunk);
      if (fault !== undefined) this.#malformed(fault);
    });
    socket.on('drain', () => this.#pump());
    // The error itself says nothing that 'close' does not: the client is gone.
    socket.on('error', () => {});
    socket.on('close', () => this.#gone());
    this.#timer = setTimeout(
      () => this.refuse(SA_AIS_ERR_TIMEOUT, 'no hello came in time'),
      limits.handshakeTimeoutMs,
    );
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Its next turn has come. */
  serve(): void {
    this.#pump();
  }

  /** Ends a session that is not open, with the reason. */
  refuse(rc: SaAisErrorT, reason: string): void {
    this.#host.counters.refused++;
    this.#trace('client-refused', reason);
    this.end(rc, reason);
  }

  /** Says goodbye and ends the connection; the backend hears of it at once. */
  end(rc: SaAisErrorT, reason: string): void {
    if (this.#state === 'ending' || this.#state === 'gone') return;
    this.#leave('ending');
    this.#send({ t: 'goodbye', rc, reason });
    this.#writer.flush();
    this.#socket.end();
    // Read on without looking, or a client that is still writing never gets to the goodbye.
    this.#socket.resume();
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#host.limits.goodbyeTimeoutMs);
  }

  #frame(body: Uint8Array): boolean {
    if (this.#state === 'ending' || this.#state === 'gone') return false;
    const frame = decode(body)?.value;
    if (!isRecord(frame)) return this.#malformed('no map in a frame');
    if (this.#state === 'hello') return this.#hello(frame);
    switch (frame['t']) {
      case 'request':
        this.#waiting.push(frame);
        this.#pump();
        return true;
      case 'hold':
        this.#held = frame['on'] === true;
        this.#pump();
        return true;
      case 'goodbye':
        this.#leave('ending');
        this.#socket.end();
        this.#timer = setTimeout(() => this.#socket.destroy(), this.#host.limits.goodbyeTimeoutMs);
        return false;
      default:
        return this.#malformed('a frame of unknown kind');
    }
  }

  #hello(frame: Frame): boolean {
    const { t, v, service } = frame;
    if (t !== 'hello' || typeof v !== 'number' || typeof service !== 'string') {
      return this.#malformed('no hello in the first frame');
    }
    if (v !== IPC_VERSION) {
      this.refuse(SA_AIS_ERR_VERSION, `protocol ${v}, this executive speaks ${IPC_VERSION}`);
      return false;
    }
    // Not in any log before it is known: it is the client's text.
    const access = this.#host.access(service, this.credentials);
    if (access !== true) this.refuse(SA_AIS_ERR_ACCESS, access);
    else this.#open(service);
    return this.#state === 'open';
  }

  #open(service: string): void {
    const { backend, counters } = this.#host;
    const room = this.#host.admit(this);
    if (room !== true) {
      this.refuse(SA_AIS_ERR_TRY_AGAIN, room);
      return;
    }
    const { uid, gid } = this.credentials;
    const sink: BackendSink = {
      reply: (request, reply) => this.#reply(request, reply),
      callback: (name, payload, options) => this.#callback(name, payload, options),
      closed: (reason) => {
        this.#client = undefined;
        this.end(SA_AIS_ERR_LIBRARY, reason);
      },
    };
    const client = backend.connect(service, uid, sink, gid);
    if (client === undefined) {
      this.refuse(SA_AIS_ERR_NOT_SUPPORTED, 'no such service in this executive');
      return;
    }
    if (this.#state !== 'hello') {
      backend.disconnect(client);
      return;
    }
    this.#client = client;
    this.#service = service;
    this.#state = 'open';
    clearTimeout(this.#timer);
    counters.accepted++;
    this.#host.changed(this);
    this.#send({ t: 'welcome', v: IPC_VERSION });
  }

  /** Moves what can move: requests to the backend, callbacks to the socket. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const { limits, turns } = this.#host;
    while (
      this.#state === 'open' &&
      this.#mayRead() &&
      this.#waiting.size > 0 &&
      turns.mayServe(this)
    ) {
      this.#request(this.#waiting.shift() as Frame);
    }
    while (
      this.#state === 'open' &&
      !this.#held &&
      this.#outbox.size > 0 &&
      this.#writer.backlog < limits.socketBytesHigh
    ) {
      this.#writer.write(this.#outbox.shift() as Uint8Array);
      this.#host.counters.callbacks++;
    }
    this.#pumping = false;
    if (this.#state !== 'open') return;
    // At the bound the client is not read any further: its own writes block, nobody else's.
    const mayRead = this.#mayRead() && this.#waiting.size === 0;
    if (mayRead === this.#socket.isPaused()) {
      if (mayRead) this.#socket.resume();
      else this.#socket.pause();
    }
  }

  #mayRead(): boolean {
    const { limits } = this.#host;
    return (
      this.#inFlight.size < limits.requestsInFlightMax &&
      this.#writer.backlog < limits.socketBytesHigh
    );
  }

  #request({ id, fn, arg }: Frame): void {
    if (id !== this.#lastRequest + 1 || typeof fn !== 'string') {
      this.#malformed('a request without a function, or ids that do not rise by one');
      return;
    }
    this.#lastRequest = id;
    this.#inFlight.add(id);
    this.#host.counters.requests++;
    this.#host.backend.request(this.#client as Client, id, fn, arg);
  }

  #reply(request: number, reply: Reply): void {
    if (this.#state !== 'open' || !this.#inFlight.delete(request)) return;
    this.#host.counters.replies++;
    let body = encode({ t: 'reply', id: request, reply });
    if (body === undefined || body.length > FRAME_BYTES_MAX) {
      const rc = body === undefined ? SA_AIS_ERR_LIBRARY : SA_AIS_ERR_TOO_BIG;
      body = encode({ t: 'reply', id: request, reply: { rc } }) as Uint8Array;
    }
    this.#writer.write(body);
    if (this.#writer.backlog > this.#host.limits.socketBytesMax) {
      this.#slow('it asks and does not read the answers');
    } else if (this.#waiting.size > 0 || this.#socket.isPaused()) this.#pump();
  }

  #callback(name: string, payload: unknown, options?: OutboundOptions): void {
    if (this.#state !== 'open') return;
    const result = this.#outbox.push(name, payload, options);
    if (result === 'full') this.#slow('its queue of callbacks is full');
    else {
      if (result === 'dropped') this.#host.counters.callbacksDropped++;
      this.#pump();
    }
  }

  #slow(why: string): void {
    this.#host.counters.slow++;
    this.#trace('client-slow', why);
    this.end(SA_AIS_ERR_NO_RESOURCES, `too slow: ${why}`);
  }

  #malformed(what: string): false {
    if (this.#state === 'ending' || this.#state === 'gone') return false;
    this.#host.counters.malformed++;
    this.#trace('client-malformed', what);
    this.end(SA_AIS_ERR_INVALID_PARAM, `malformed: ${what}`);
    return false;
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    this.#leave('gone');
  }

  /** Leaves the state for good; the backend is told once. */
  #leave(state: 'ending' | 'gone'): void {
    this.#state = state;
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#host.turns.forget(this);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.#host.backend.disconnect(client);
    this.#host.changed(this);
  }

  #send(frame: object): void {
    const body = encode(frame);
    if (body !== undefined) this.#writer.write(body);
  }

  #trace(event: string, reason: string): void {
    const { pid, uid } = this.credentials;
    this.#host.trace({ event, detail: { reason, service: this.#service, pid, uid } });
  }
}
