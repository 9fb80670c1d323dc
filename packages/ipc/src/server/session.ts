/**
 * One client of the server: requests with a bound on those in flight; what it is sent is the affair of
 * {@link Outgoing}. A session outlives its connection for the grace time that its client asked for
 * (ADR 0164), unless the client's process is gone (ADR 0165). It never throws at what the client sends and
 * never lets one client take memory without bound.
 */
import {
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { BundleReader } from '../bundle.ts';
import type { Reply } from '../client/contract.ts';
import type { Backend, BackendSink } from '../client/local.ts';
import { Fifo } from '../fifo.ts';
import { PROCESS_CHECK_BASE_MS, PROCESS_CHECK_WAIT_MAX_MS } from '../limits.ts';
import type { OutboundOptions } from '../outbox.ts';
import { isNumbered } from '../session-stream.ts';
import type { Connection, Frame, Goodbye } from './connection.ts';
import type { Credentials, IpcEvent, IpcServerLimits } from './contract.ts';
import type { Counters } from './counters.ts';
import { Outgoing, type Resumption } from './outgoing.ts';
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

/** What the client's hello asks for. */
interface Wanted {
  readonly service: string;
  readonly leave: boolean;
  readonly bundle: boolean;
}

/** A request that was read and not yet served. */
interface Waiter {
  /** Absent in a bundle: it counts on. */
  readonly id?: unknown;
  readonly fn: unknown;
  readonly argument: unknown;
}

/** Records that no client sends. */
const NOTHING_ELSE = { reply: () => false, done: () => false, callback: () => false };

export class Session<Client> implements Waiting {
  readonly credentials: Credentials;
  readonly sharer: unknown;
  readonly service: string;
  readonly resumption: Resumption | undefined;
  /** Whether the client is to be asked before the executive leaves. */
  readonly wantsLeave: boolean;
  readonly #host: SessionHost<Client>;
  readonly #process: number | undefined;
  readonly #out: Outgoing<Connection<Client>>;
  /** Of a client that reads and writes bundles. */
  readonly #reader: BundleReader | undefined;
  readonly #waiting = new Fifo<Waiter>();
  readonly #inFlight = new Set<number>();
  #state: 'new' | 'open' | 'gone' = 'new';
  #client: Client | undefined;
  #grace: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #question = 0;
  #answer: ((veto: unknown) => void) | undefined;
  #lastRequest = 0;
  #pumping = false;

  constructor(
    host: SessionHost<Client>,
    { service, leave, bundle }: Wanted,
    credentials: Credentials,
    resumption?: Resumption,
  ) {
    this.#host = host;
    this.service = service;
    this.wantsLeave = leave;
    this.credentials = credentials;
    // Of a process in another namespace the kernel says 0.
    this.#process = credentials.pid > 0 ? credentials.pid : undefined;
    this.sharer = this.#process ?? this;
    this.resumption = resumption;
    this.#out = new Outgoing({
      ...{ limits: host.limits, counters: host.counters, bundle, resumption },
      slow: (why) => this.#slow(why),
    });
    if (bundle) {
      const request = (fn: string, argument: unknown) => this.#asked(fn, argument);
      this.#reader = new BundleReader({ ...NOTHING_ELSE, request });
    }
  }

  /** Opens at the backend and says welcome. @returns why not; the session is then gone. */
  open(connection: Connection<Client>): Goodbye | undefined {
    const { backend } = this.#host;
    let refused: Goodbye | undefined;
    const { uid, gid } = this.credentials;
    const sink: BackendSink = {
      process: this.#process,
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
    this.#out.begin(connection);
    return undefined;
  }

  /** Goes on over another connection. @returns false for a number of frames that cannot be. */
  resume(connection: Connection<Client>, seen: unknown): boolean {
    if (this.#state !== 'open' || !this.#out.resume(connection, seen)) return false;
    clearTimeout(this.#grace);
    clearTimeout(this.#check);
    this.#host.counters.resumed++;
    return true;
  }

  /** The connection is gone without a goodbye. */
  cut(connection: Connection<Client>): void {
    if (this.#out.connection !== connection || this.#state !== 'open') return;
    this.#out.connection = undefined;
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
    const { connection } = this.#out;
    this.#client = undefined;
    this.#out.end();
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
    this.#out.control({ t: 'may-leave', id: ++this.#question, within: withinMs });
  }

  /** The executive stays after all. */
  callOff(): void {
    this.#answered(undefined);
    if (this.#state !== 'open') return;
    this.#out.control({ t: 'may-leave', id: this.#question, within: 0, off: true });
  }

  /** One frame of the client. @returns what is wrong with it. */
  frame(frame: Frame, bytes: number): string | undefined {
    if (isNumbered(frame['t'])) this.#out.received(bytes);
    switch (frame['t']) {
      case 'request':
        this.#waiting.push({ id: frame['id'] ?? null, fn: frame['fn'], argument: frame['arg'] });
        break;
      case 'hold':
        this.#out.held = frame['on'] === true;
        break;
      case 'leave':
        if (frame['id'] === this.#question) this.#answered(frame['veto']);
        break;
      case 'ack':
        if (!this.#out.acknowledged(frame['seen']))
          return 'an acknowledgement of what was not sent';
        break;
      case 'goodbye':
        this.end(SA_AIS_OK, 'goodbye');
        return undefined;
      default:
        return 'a frame of unknown kind';
    }
    return this.pump();
  }

  /** A frame with many requests. @returns what is wrong with it. */
  bundle(body: Uint8Array): string | undefined {
    if (this.#reader === undefined) return 'a bundle nobody agreed on';
    this.#out.received(body.length);
    const fault = this.#reader.read(body);
    return fault ?? this.pump();
  }

  #asked(fn: string, argument: unknown): boolean {
    this.#waiting.push({ fn, argument });
    return true;
  }

  /** Moves what can move: requests to the backend, callbacks to the connection. @returns a fault. */
  pump(): string | undefined {
    if (this.#pumping) return undefined;
    this.#pumping = true;
    const fault = this.#takeRequests();
    if (this.#state === 'open') this.#out.giveCallbacks();
    this.#pumping = false;
    // At a bound the client is not read any further: its own writes block, nobody else's. As long as
    // nothing waits it is read, or its acknowledgements would not be.
    if (fault === undefined) this.#out.connection?.read(this.#waiting.size === 0);
    return fault;
  }

  /** Its next turn has come. */
  serve(): void {
    if (this.#state !== 'open') return;
    const fault = this.pump();
    this.#out.connection?.faulted(fault);
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
      this.#out.backlog < socketBytesHigh &&
      turns.mayServe(this)
    ) {
      const request = this.#waiting.shift() as Waiter;
      const next = this.#lastRequest + 1;
      const { id = next, fn, argument } = request;
      if (id !== next || typeof fn !== 'string') {
        return 'a request without a function, or ids that do not rise by one';
      }
      this.#lastRequest = next;
      this.#inFlight.add(next);
      counters.requests++;
      backend.request(client, next, fn, argument);
    }
    return undefined;
  }

  #reply(request: number, reply: Reply): void {
    if (this.#state !== 'open' || !this.#inFlight.delete(request)) return;
    this.#host.counters.replies++;
    this.#out.reply(request, reply);
    if (this.#waiting.size > 0) this.#out.connection?.faulted(this.pump());
  }

  #answered(veto: unknown): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(veto);
  }

  #callback(name: string, payload: unknown, options?: OutboundOptions): void {
    if (this.#state !== 'open') return;
    const result = this.#out.callback(name, payload, options);
    if (result === 'full') this.#slow('its queue of callbacks is full');
    else {
      if (result === 'dropped') this.#host.counters.callbacksDropped++;
      if (result !== 'sent') this.#out.connection?.faulted(this.pump());
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
    const { thread, start } = this.resumption ?? {};
    if (this.#host.processStart(this.credentials.pid, thread) !== start) {
      this.end(SA_AIS_ERR_LIBRARY, 'the client process, or its thread, is gone');
      return;
    }
    this.#check = setTimeout(
      () => this.#lookForProcess(Math.min(waitMs * 2, PROCESS_CHECK_WAIT_MAX_MS)),
      waitMs,
    );
  }
}
