/**
 * The client end of the executive's unix socket: one session per AIS handle, over one connection after the
 * other when they are cut (ADR 0164). Requests are pipelined and answered in any order. A fault of the
 * executive or of the stream ends the session with a reason, it never throws.
 */
import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SaAisError,
  SaAisErrorT,
} from '@aisexec/ais';
import { BUNDLE_VERSION, BundleReader, BundleWriter, contentOf } from '../bundle.ts';
import { encode, isRecord } from '../codec.ts';
import {
  CLIENT_REQUESTS_MAX,
  CLIENT_UNACKED_BYTES_MAX,
  CLOSE_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  HANDLE_QUEUE_MAX,
  RECONNECT_BASE_MS,
  RECONNECT_WAIT_MAX_MS,
  SESSION_GRACE_MS_MAX,
} from '../limits.ts';
import { clientSocketPath } from '../paths.ts';
import { IPC_VERSION } from '../protocol.ts';
import { isNumbered, SessionStream } from '../session-stream.ts';
import type {
  CallbackEvent,
  ClientConnection,
  Connector,
  Reply,
  SessionOptions,
  ShutdownListener,
} from './contract.ts';
import { LeaveQuestion } from './leave.ts';
import { type Frame, Link, type LinkEnd } from './link.ts';
import { ownThread } from './own-thread.ts';

/**
 * @param path the executive's socket; else `AISEXEC_SOCKET`, else the default run directory.
 * @throws TypeError for a grace time that is no number of at least 0.
 */
export function socketConnector(path?: string, options: SessionOptions = {}): Connector {
  const { graceMs = SESSION_GRACE_MS_MAX } = options;
  if (!(graceMs >= 0)) throw new TypeError(`graceMs must be at least 0, not ${String(graceMs)}`);
  return {
    connect(service, { returning = false, onShutdown = options.onShutdown } = {}) {
      const target = { path: path ?? clientSocketPath(), service, returning };
      const grace = Math.min(graceMs, SESSION_GRACE_MS_MAX);
      return new SocketSession(target, grace, onShutdown).open();
    },
  };
}

interface Target {
  readonly path: string;
  readonly service: string;
  readonly returning: boolean;
}

/** `connecting` until the first welcome; `open`, also while cut; `closing` until the leave is confirmed. */
type State = 'connecting' | 'open' | 'closing' | 'over';

class SocketSession implements ClientConnection {
  readonly #path: string;
  readonly #service: string;
  readonly #graceWanted: number;
  readonly #leaveQuestion: LeaveQuestion | undefined;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  /** Callbacks that came before anybody listened. */
  readonly #early: CallbackEvent[] = [];
  #state: State = 'connecting';
  #link: Link;
  /** Whether the link carries the session: it is welcomed. */
  #isLinked = false;
  #isReferenced = true;
  /** Of a session that can be resumed. */
  #stream: SessionStream | undefined;
  /** Of a session that may send bundles: the requests of this turn. */
  #bundle: BundleWriter | undefined;
  #reader: BundleReader | undefined;
  #token: string | undefined;
  #graceMs = 0;
  #cutAt = 0;
  #attempts = 0;
  #retry: NodeJS.Timeout | undefined;
  #closeBy: NodeJS.Timeout | undefined;
  #lastRequest = 0;
  #lostReason: string | undefined;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #onCallback: ((event: CallbackEvent) => void) | undefined;
  #onLost: ((reason: string) => void) | undefined;
  #onEnd: (() => void) | undefined;

  constructor(
    { path, service, returning }: Target,
    graceMs: number,
    onShutdown: ShutdownListener | undefined,
  ) {
    this.#path = path;
    this.#service = service;
    this.#graceWanted = graceMs;
    this.#leaveQuestion = onShutdown === undefined ? undefined : new LeaveQuestion(onShutdown);
    this.#link = this.#connect({
      ...{ grace: graceMs, leave: onShutdown !== undefined, bundle: BUNDLE_VERSION },
      // What older executives do not know, they need not.
      ...(returning && { returning }),
      ...ownThread(),
    });
  }

  open(): Promise<ClientConnection> {
    return new Promise((resolve, reject) => {
      this.#opened = { resolve: () => resolve(this), reject };
    });
  }

  request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#state !== 'open') return Promise.resolve({ rc: SA_AIS_ERR_BAD_HANDLE });
    const unacked = (this.#stream?.bytes ?? 0) + (this.#bundle?.backlog ?? 0);
    if (this.#replies.size >= CLIENT_REQUESTS_MAX || unacked >= CLIENT_UNACKED_BYTES_MAX) {
      return Promise.resolve({ rc: SA_AIS_ERR_TRY_AGAIN });
    }
    const rc = this.#send(fn, argument);
    if (rc !== SA_AIS_OK) return Promise.resolve({ rc });
    const id = ++this.#lastRequest;
    return new Promise((resolve) => {
      this.#replies.set(id, resolve);
    });
  }

  /** The next request. OK: it is on its way. */
  #send(fn: string, argument: unknown): SaAisErrorT {
    if (this.#bundle === undefined) {
      const body = encode({ t: 'request', id: this.#lastRequest + 1, fn, arg: argument });
      if (body === undefined) return SA_AIS_ERR_INVALID_PARAM;
      if (body.length > FRAME_BYTES_MAX) return SA_AIS_ERR_TOO_BIG;
      this.#write(body);
      return SA_AIS_OK;
    }
    const content = contentOf(argument);
    if (content === undefined) return SA_AIS_ERR_INVALID_PARAM;
    return this.#bundle.request(fn, content) ? SA_AIS_OK : SA_AIS_ERR_TOO_BIG;
  }

  onCallback(listener: (event: CallbackEvent) => void): void {
    this.#onCallback = listener;
    if (this.#early.length >= HANDLE_QUEUE_MAX) this.hold(false);
    for (const event of this.#early.splice(0)) listener(event);
  }

  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
    if (this.#lostReason !== undefined) this.#tellLost();
  }

  hold(on: boolean): void {
    if (this.#state === 'open') this.#control({ t: 'hold', on });
  }

  /** Resolves when the executive has seen the end: what this client held is being given up. */
  close(): Promise<void> {
    if (this.#state === 'over' || this.#state === 'closing') return Promise.resolve();
    this.#state = 'closing';
    this.#settle(SA_AIS_ERR_BAD_HANDLE);
    this.#closeBy = setTimeout(() => this.#over(), CLOSE_TIMEOUT_MS);
    if (!this.#isReferenced) this.#closeBy.unref();
    if (this.#isLinked) this.#leave();
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  ref(): void {
    this.#isReferenced = true;
    this.#link.ref(true);
    this.#retry?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.#link.ref(false);
    this.#retry?.unref();
  }

  #connect(asking: object): Link {
    const link = new Link(this.#path, {
      frame: (frame, bytes) => this.#frame(frame, bytes),
      bundle: (body) => this.#readBundle(body),
      ended: (end) => this.#linkEnded(end),
    });
    link.ref(this.#isReferenced);
    link.send({ t: 'hello', v: IPC_VERSION, service: this.#service, ...asking });
    return link;
  }

  /** A numbered frame: kept until it is acknowledged, where the session can be resumed. */
  #write(body: Uint8Array): void {
    this.#stream?.sent(body);
    if (this.#isLinked) this.#link.writer.write(body);
  }

  /** A numbered frame that is no request, after those that were made before. */
  #control(frame: object): void {
    this.#bundle?.flush();
    this.#write(encode(frame) as Uint8Array);
  }

  #leave(): void {
    this.#bundle?.flush();
    this.#link.send({ t: 'goodbye' });
    this.#link.finish();
  }

  #frame(frame: Frame, bytes: number): boolean {
    const kind = frame['t'];
    if (this.#state === 'over' || typeof kind !== 'string') return this.#state === 'over';
    if (kind === 'welcome') return this.#isLinked || this.#welcome(frame);
    if (kind === 'goodbye') {
      this.#goodbye(resultCode(frame['rc']), String(frame['reason'] ?? 'the executive left'));
      return true;
    }
    if (!this.#isLinked) return false;
    const stream = this.#stream;
    if (kind === 'ack') return stream === undefined || stream.acknowledged(frame['seen']);
    if (isNumbered(kind)) this.#received(bytes);
    // What comes after close() is counted, and nobody's any more.
    if (this.#state === 'closing') return true;
    if (kind === 'reply') return this.#reply(frame['id'], frame['reply']);
    if (kind === 'may-leave') return this.#mayLeave(frame);
    // A later version may say more than this one understands.
    if (kind !== 'callback') return true;
    return this.#callback(frame['name'], frame['payload'], frame['priority']);
  }

  #readBundle(body: Uint8Array): boolean {
    if (this.#state === 'over') return true;
    if (!this.#isLinked || this.#reader === undefined) return false;
    this.#received(body.length);
    return this.#state === 'closing' || this.#reader.read(body) === undefined;
  }

  #received(bytes: number): void {
    const stream = this.#stream;
    if (stream?.received(bytes)) this.#link.send({ t: 'ack', seen: stream.seen });
  }

  #welcome({ session, grace, seen, bundle }: Frame): boolean {
    const stream = this.#stream;
    if (this.#token !== undefined) {
      if (stream === undefined || !stream.acknowledged(seen)) return false;
      stream.told();
      for (const body of stream.unacked()) this.#link.writer.write(body);
    } else if (typeof session === 'string' && typeof grace === 'number' && this.#graceWanted > 0) {
      this.#token = session;
      this.#graceMs = Math.min(grace, this.#graceWanted);
      this.#stream = new SessionStream();
    }
    if (this.#state === 'connecting' && bundle === BUNDLE_VERSION) this.#beginBundles();
    this.#isLinked = true;
    this.#attempts = 0;
    this.#link.answerWithin(0);
    if (this.#state === 'closing') this.#leave();
    if (this.#state === 'connecting') this.#state = 'open';
    this.#opened?.resolve();
    this.#opened = undefined;
    return true;
  }

  #beginBundles(): void {
    this.#bundle = new BundleWriter((body) => this.#write(body));
    this.#reader = new BundleReader({
      request: () => false,
      reply: (id, reply) => this.#reply(id, reply),
      done: (from, count) => this.#done(from, count),
      callback: (name, payload, priority) => this.#callback(name, payload, priority),
    });
  }

  #goodbye(code: SaAisErrorT, reason: string): void {
    const isBusy = code === SA_AIS_ERR_TRY_AGAIN || code === SA_AIS_ERR_TIMEOUT;
    if (this.#token !== undefined && !this.#isLinked && isBusy) {
      // Not the end of the session: the executive had no room for one more handshake.
      this.#link.drop();
      this.#linkEnded({ kind: 'cut', code, reason });
    } else this.#fail(code, reason);
  }

  #linkEnded({ kind, code, reason }: LinkEnd): void {
    const now = performance.now();
    if (this.#isLinked || this.#cutAt === 0) this.#cutAt = now;
    this.#isLinked = false;
    const waitMs = Math.min(RECONNECT_BASE_MS * 2 ** this.#attempts, RECONNECT_WAIT_MAX_MS);
    const isLate = now + waitMs - this.#cutAt > this.#graceMs;
    if (this.#token === undefined || kind === 'refused' || isLate) {
      const late = isLate && this.#token !== undefined;
      this.#fail(code, late ? `${reason}; not connected again in ${this.#graceMs} ms` : reason);
      return;
    }
    this.#attempts++;
    this.#retry = setTimeout(() => this.#reconnect(), waitMs);
    if (!this.#isReferenced) this.#retry.unref();
  }

  #reconnect(): void {
    const leftMs = this.#graceMs - (performance.now() - this.#cutAt);
    this.#link = this.#connect({ session: this.#token, seen: this.#stream?.seen });
    this.#link.answerWithin(Math.max(1, Math.ceil(leftMs)));
  }

  #reply(id: unknown, reply: unknown): boolean {
    if (typeof id !== 'number' || !isRecord(reply) || typeof reply['rc'] !== 'number') return false;
    const resolve = this.#replies.get(id);
    this.#replies.delete(id);
    resolve?.(reply as Reply);
    return true;
  }

  #done(from: number, count: number): boolean {
    for (let id = from; id < from + count; id++) {
      const resolve = this.#replies.get(id);
      this.#replies.delete(id);
      resolve?.(DONE);
    }
    return true;
  }

  #callback(name: unknown, payload: unknown, priority: unknown): boolean {
    if (typeof name !== 'string' || typeof priority !== 'number') return false;
    const event = { name, payload, priority };
    if (this.#onCallback !== undefined) this.#onCallback(event);
    else if (this.#early.push(event) === HANDLE_QUEUE_MAX) this.hold(true);
    return true;
  }

  #mayLeave({ id, within, off }: Frame): boolean {
    if (typeof id !== 'number' || typeof within !== 'number') return false;
    if (off === true) this.#leaveQuestion?.callOff();
    else {
      void this.#leaveQuestion?.ask(within).then((veto) => {
        if (this.#state !== 'open') return;
        this.#control({ t: 'leave', id, ...(veto !== undefined && { veto }) });
      });
    }
    return true;
  }

  /** The end of the session that this side did not ask for, or the confirmation that it did. */
  #fail(code: SaAisErrorT, reason: string): void {
    const state = this.#state;
    if (state === 'over') return;
    this.#over();
    if (state === 'closing') return;
    this.#settle(SA_AIS_ERR_LIBRARY);
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) {
      opened.reject(new SaAisError(code, 'connect', reason));
      return;
    }
    this.#lostReason = reason;
    this.#tellLost();
  }

  #over(): void {
    this.#state = 'over';
    clearTimeout(this.#retry);
    clearTimeout(this.#closeBy);
    this.#link.drop();
    this.#onEnd?.();
  }

  #tellLost(): void {
    const listener = this.#onLost;
    this.#onLost = undefined;
    if (listener === undefined) return;
    queueMicrotask(() => listener(this.#lostReason as string));
  }

  #settle(rc: typeof SA_AIS_ERR_BAD_HANDLE | typeof SA_AIS_ERR_LIBRARY): void {
    for (const resolve of this.#replies.values()) resolve({ rc });
    this.#replies.clear();
  }
}

/** The answer to a request in a range of those that went well. */
const DONE: Reply = Object.freeze({ rc: SA_AIS_OK });

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(SaAisErrorT));

function resultCode(code: unknown): SaAisErrorT {
  const known = typeof code === 'number' && KNOWN_CODES.has(code);
  return known ? (code as SaAisErrorT) : SA_AIS_ERR_LIBRARY;
}
