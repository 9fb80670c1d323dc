/**
 * One client of the server: requests with a bound on those in flight, replies, callbacks through the
 * bounded {@link Outbox}. A session outlives its connection for the grace time that its client asked for
 * (ADR 0164), unless the client's process is gone (ADR 0165). It never throws at what the client sends and
 * never lets one client take memory without bound.
 */
import {
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { Reply } from '../client/contract.ts';
import type { Backend, BackendSink } from '../client/local.ts';
import { encode } from '../codec.ts';
import { Fifo } from '../fifo.ts';
import { FRAME_BYTES_MAX, PROCESS_CHECK_BASE_MS, PROCESS_CHECK_WAIT_MAX_MS } from '../limits.ts';
import { type OutboundOptions, Outbox } from '../outbox.ts';
import { IPC_VERSION } from '../protocol.ts';
import { isNumbered, SessionStream } from '../session-stream.ts';
import type { Connection, Frame, Goodbye } from './connection.ts';
import type { Credentials, IpcEvent, IpcServerLimits } from './contract.ts';
import type { Counters } from './counters.ts';
import type { ProcessStart } from './peer-process.ts';
import type { Turns, Waiting } from './turns.ts';

/** What sessions share: the server behind them. */
export interface SessionHost<Client> {
  readonly backend: Backend<Client>;
  readonly limits: IpcServerLimits;
  readonly counters: Counters;
  readonly turns: Turns;
  readonly processStart: ProcessStart;
  /** The session has ended, and why; called once. */
  ended(session: Session<Client>, goodbye: Goodbye): void;
  trace(event: IpcEvent): void;
}

/** How a session can be resumed; the client process is `start` to {@link ProcessStart}. */
export interface Resumption {
  /** Unguessable, for this client's eyes only. */
  readonly token: string;
  readonly graceMs: number;
  readonly start: string;
}

export class Session<Client> implements Waiting {
  readonly credentials: Credentials;
  readonly service: string;
  readonly resumption: Resumption | undefined;
  /** Whether the client is to be asked before the executive leaves. */
  readonly wantsLeave: boolean;
  readonly #host: SessionHost<Client>;
  readonly #outbox: Outbox;
  readonly #stream: SessionStream | undefined;
  readonly #waiting = new Fifo<Frame>();
  readonly #inFlight = new Set<number>();
  #state: 'new' | 'open' | 'gone' = 'new';
  #connection: Connection<Client> | undefined;
  #client: Client | undefined;
  #grace: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #question = 0;
  #answer: ((veto: unknown) => void) | undefined;
  #lastRequest = 0;
  #held = false;
  #pumping = false;

  constructor(
    host: SessionHost<Client>,
    { service, leave }: { readonly service: string; readonly leave: boolean },
    credentials: Credentials,
    resumption?: Resumption,
  ) {
    this.#host = host;
    this.service = service;
    this.wantsLeave = leave;
    this.credentials = credentials;
    this.resumption = resumption;
    this.#stream = resumption === undefined ? undefined : new SessionStream();
    const { limits } = host;
    this.#outbox = new Outbox({
      framesMax: limits.outboundFramesMax,
      bytesMax: limits.outboundBytesMax,
    });
  }

  /** Opens at the backend and says welcome. @returns why not; the session is then gone. */
  open(connection: Connection<Client>): Goodbye | undefined {
    const { backend } = this.#host;
    let refused: Goodbye | undefined;
    const { uid, gid } = this.credentials;
    const sink: BackendSink = {
      reply: (request, reply) => this.#reply(request, reply),
      callback: (name, payload, options) => this.#callback(name, payload, options),
      ready: () => this.serve(),
      closed: (reason) => {
        this.#client = undefined;
        const goodbye = { rc: SA_AIS_ERR_LIBRARY, reason };
        if (this.#state === 'new') refused = goodbye;
        this.end(goodbye.rc, reason);
      },
    };
    const client = backend.connect(this.service, uid, sink, gid);
    if (client === undefined) {
      this.#state = 'gone';
      if (backend.isJoining?.(this.service) === true) {
        return { rc: SA_AIS_ERR_TRY_AGAIN, reason: 'the service is still joining' };
      }
      return { rc: SA_AIS_ERR_NOT_SUPPORTED, reason: 'no such service in this executive' };
    }
    if (refused !== undefined) {
      backend.disconnect(client);
      return refused;
    }
    this.#client = client;
    this.#state = 'open';
    this.#connection = connection;
    connection.send({ t: 'welcome', v: IPC_VERSION, ...this.#naming() });
    return undefined;
  }

  /** Goes on over another connection. @returns false for a number of frames that cannot be. */
  resume(connection: Connection<Client>, seen: unknown): boolean {
    const stream = this.#stream;
    if (this.#state !== 'open' || !stream?.acknowledged(seen)) return false;
    // The old one may not have been noticed as cut; what it still carries comes again.
    this.#connection?.abandon();
    clearTimeout(this.#grace);
    clearTimeout(this.#check);
    this.#host.counters.resumed++;
    this.#connection = connection;
    stream.told();
    connection.send({ t: 'welcome', v: IPC_VERSION, ...this.#naming(), seen: stream.seen });
    for (const body of stream.unacked()) connection.writer.write(body);
    return true;
  }

  /** The connection is gone without a goodbye. */
  cut(connection: Connection<Client>): void {
    if (this.#connection !== connection || this.#state !== 'open') return;
    this.#connection = undefined;
    if (this.resumption === undefined) {
      this.end(SA_AIS_ERR_LIBRARY, 'the connection was cut');
      return;
    }
    this.#host.counters.cut++;
    this.#grace = setTimeout(
      () => this.end(SA_AIS_ERR_LIBRARY, 'nobody came back for it in its grace time'),
      this.resumption.graceMs,
    );
    this.#lookForProcess(PROCESS_CHECK_BASE_MS);
  }

  /** Ends the session, with the reason where there is a connection; the backend hears of it at once. */
  end(rc: SaAisErrorT, reason: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    clearTimeout(this.#grace);
    clearTimeout(this.#check);
    this.#host.turns.forget(this);
    this.#waiting.clear();
    const client = this.#client;
    const connection = this.#connection;
    this.#client = undefined;
    this.#connection = undefined;
    if (client !== undefined) this.#host.backend.disconnect(client);
    this.#host.ended(this, { rc, reason });
    this.#answered(undefined);
    connection?.end({ rc, reason });
  }

  /** @param answer called once: with the client's veto, or with undefined when it agrees or is gone. */
  askLeave(withinMs: number, answer: (veto: unknown) => void): void {
    this.#answered(undefined);
    if (this.#state !== 'open') {
      answer(undefined);
      return;
    }
    this.#answer = answer;
    this.#control({ t: 'may-leave', id: ++this.#question, within: withinMs });
  }

  /** The executive stays after all. */
  callOff(): void {
    this.#answered(undefined);
    this.#control({ t: 'may-leave', id: this.#question, within: 0, off: true });
  }

  /** One frame of the client. @returns what is wrong with it. */
  frame(frame: Frame, bytes: number): string | undefined {
    const stream = this.#stream;
    if (stream !== undefined && isNumbered(frame['t']) && stream.received(bytes)) {
      this.#connection?.send({ t: 'ack', seen: stream.seen });
    }
    switch (frame['t']) {
      case 'request':
        this.#waiting.push(frame);
        break;
      case 'hold':
        this.#held = frame['on'] === true;
        break;
      case 'leave':
        if (frame['id'] === this.#question) this.#answered(frame['veto']);
        break;
      case 'ack':
        if (!stream?.acknowledged(frame['seen'])) return 'an acknowledgement of what was not sent';
        break;
      case 'goodbye':
        this.end(SA_AIS_OK, 'goodbye');
        return undefined;
      default:
        return 'a frame of unknown kind';
    }
    return this.pump();
  }

  /** Moves what can move: requests to the backend, callbacks to the connection. @returns a fault. */
  pump(): string | undefined {
    if (this.#pumping) return undefined;
    this.#pumping = true;
    const fault = this.#takeRequests();
    this.#giveCallbacks();
    this.#pumping = false;
    // At a bound the client is not read any further: its own writes block, nobody else's. As long as
    // nothing waits it is read, or its acknowledgements would not be.
    if (fault === undefined) this.#connection?.read(this.#waiting.size === 0);
    return fault;
  }

  /** Its next turn has come. */
  serve(): void {
    if (this.#state !== 'open') return;
    const fault = this.pump();
    this.#connection?.faulted(fault);
  }

  #takeRequests(): string | undefined {
    const { backend, turns, limits, counters } = this.#host;
    const { requestsInFlightMax, socketBytesHigh } = limits;
    const client = this.#client;
    while (
      this.#waiting.size > 0 &&
      client !== undefined &&
      !backend.isWaiting(client) &&
      this.#inFlight.size < requestsInFlightMax &&
      (this.#connection?.writer.backlog ?? 0) < socketBytesHigh &&
      turns.mayServe(this)
    ) {
      const { id, fn, arg } = this.#waiting.shift() as Frame;
      if (id !== this.#lastRequest + 1 || typeof fn !== 'string') {
        return 'a request without a function, or ids that do not rise by one';
      }
      this.#lastRequest = id;
      this.#inFlight.add(id);
      counters.requests++;
      backend.request(client, id, fn, arg);
    }
    return undefined;
  }

  #giveCallbacks(): void {
    while (this.#outbox.size > 0 && !this.#held && this.#state === 'open') {
      const connection = this.#connection;
      // A cut client's callbacks wait where they may still make room for better ones.
      if (connection === undefined) return;
      const onTheWay = Math.max(connection.writer.backlog, this.#stream?.bytes ?? 0);
      if (onTheWay >= this.#host.limits.socketBytesHigh) return;
      this.#write(this.#outbox.shift() as Uint8Array);
      this.#host.counters.callbacks++;
    }
  }

  #reply(request: number, reply: Reply): void {
    if (this.#state !== 'open' || !this.#inFlight.delete(request)) return;
    this.#host.counters.replies++;
    let body = encode({ t: 'reply', id: request, reply });
    if (body === undefined || body.length > FRAME_BYTES_MAX) {
      const rc = body === undefined ? SA_AIS_ERR_LIBRARY : SA_AIS_ERR_TOO_BIG;
      body = encode({ t: 'reply', id: request, reply: { rc } }) as Uint8Array;
    }
    this.#write(body);
    const slow = this.#tooMuchUnread();
    if (slow !== undefined) this.#slow(slow);
    else if (this.#waiting.size > 0) this.#connection?.faulted(this.pump());
  }

  #answered(veto: unknown): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(veto);
  }

  /** A numbered frame that is neither a reply nor a callback. */
  #control(frame: object): void {
    const body = encode(frame);
    if (this.#state === 'open' && body !== undefined) this.#write(body);
  }

  #write(body: Uint8Array): void {
    this.#stream?.sent(body);
    this.#connection?.writer.write(body);
  }

  /** The bounds of what an honest client can leave unread or unacknowledged. */
  #tooMuchUnread(): string | undefined {
    const { socketBytesMax, unackedBytesMax, unackedFramesMax } = this.#host.limits;
    const stream = this.#stream;
    const backlog = this.#connection?.writer.backlog ?? 0;
    if (Math.max(backlog, stream?.bytes ?? 0) > socketBytesMax) {
      return 'it asks and does not read the answers';
    }
    if (stream === undefined) return undefined;
    const ignored = this.#connection === undefined ? 0 : stream.bytes - backlog;
    return ignored > unackedBytesMax || stream.frames > unackedFramesMax
      ? 'it does not acknowledge what it was sent'
      : undefined;
  }

  #callback(name: string, payload: unknown, options?: OutboundOptions): void {
    if (this.#state !== 'open') return;
    const result = this.#outbox.push(name, payload, options);
    if (result === 'full') this.#slow('its queue of callbacks is full');
    else {
      if (result === 'dropped') this.#host.counters.callbacksDropped++;
      this.#connection?.faulted(this.pump());
    }
  }

  #slow(why: string): void {
    this.#host.counters.slow++;
    const { pid, uid } = this.credentials;
    this.#host.trace({
      event: 'client-slow',
      detail: { reason: why, service: this.service, pid, uid },
    });
    this.end(SA_AIS_ERR_NO_RESOURCES, `too slow: ${why}`);
  }

  /** The grace time is for clients that live: what a dead one held is given up as soon as it is dead. */
  #lookForProcess(waitMs: number): void {
    if (this.#host.processStart(this.credentials.pid) !== this.resumption?.start) {
      this.end(SA_AIS_ERR_LIBRARY, 'the client process is gone');
      return;
    }
    this.#check = setTimeout(
      () => this.#lookForProcess(Math.min(waitMs * 2, PROCESS_CHECK_WAIT_MAX_MS)),
      waitMs,
    );
  }

  #naming(): { readonly session?: string; readonly grace?: number } {
    const { token, graceMs } = this.resumption ?? {};
    return token === undefined || graceMs === undefined ? {} : { session: token, grace: graceMs };
  }
}
