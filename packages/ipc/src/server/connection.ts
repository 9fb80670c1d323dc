/**
 * One accepted socket: the handshake, the frames of the session that it carries, and the goodbye with its
 * reason. A connection never throws at what comes in, and never stays longer than it may.
 */
import type { Socket } from 'node:net';
import {
  isPlainData,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_VERSION,
  type SaAisErrorT,
} from '@aisexec/ais';
import { BUNDLE_MARK } from '../bundle.ts';
import { decode, encode, isRecord } from '../codec.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import { FRAME_DEPTH_MAX } from '../limits.ts';
import { IPC_VERSION } from '../protocol.ts';
import type { Credentials, IpcEvent, IpcServerLimits } from './contract.ts';
import type { Counters } from './counters.ts';
import type { Session } from './session.ts';

export type Frame = Readonly<Record<string, unknown>>;

/** How a connection or a session ends. */
export interface Goodbye {
  readonly rc: SaAisErrorT;
  readonly reason: string;
  /** Nothing for the log: the client asks again. */
  readonly isUsual?: boolean;
}

/** What connections share: the server behind them. */
export interface ConnectionHost<Client> {
  readonly limits: IpcServerLimits;
  readonly counters: Counters;
  access(service: string, credentials: Credentials): true | string;
  /** The session that a checked hello asks for, welcomed; or why there is none. */
  hello(connection: Connection<Client>, service: string, frame: Frame): Session<Client> | Goodbye;
  /** The connection has left the handshake or the server; called at each change. */
  changed(connection: Connection<Client>): void;
  trace(event: IpcEvent): void;
}

/** `waiting`: it is one too many and will be told so. */
export type ConnectionState = 'hello' | 'waiting' | 'open' | 'ending' | 'gone';

export class Connection<Client> {
  readonly credentials: Credentials;
  readonly writer: FrameWriter;
  readonly #host: ConnectionHost<Client>;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder((body) => this.#frame(body));
  #state: ConnectionState = 'hello';
  #session: Session<Client> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: ConnectionHost<Client>, socket: Socket, credentials: Credentials) {
    this.#host = host;
    this.#socket = socket;
    this.credentials = credentials;
    this.writer = new FrameWriter(socket);
    socket.on('data', (chunk) => this.faulted(this.#decoder.push(chunk)));
    socket.on('drain', () => this.faulted(this.#session?.pump()));
    // The error itself says nothing that 'close' does not: the client is gone.
    socket.on('error', () => {});
    socket.on('close', () => this.#gone());
    this.#timer = setTimeout(
      () => this.refuse({ rc: SA_AIS_ERR_TIMEOUT, reason: 'no hello came in time' }),
      host.limits.handshakeTimeoutMs,
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Frames that belong to the connection; those of the session go through its stream. */
  send(frame: object): void {
    const body = encode(frame);
    if (body !== undefined) this.writer.write(body);
  }

  /**
   * Whether frames are read. What has come already waits undecoded, too: a client that has had its share of a turn
   * costs no more of it.
   */
  read(on: boolean): void {
    if (this.#state !== 'open') return;
    if (!on) {
      this.#decoder.hold();
      if (!this.#socket.isPaused()) this.#socket.pause();
      return;
    }
    if (this.#decoder.isHeld) this.faulted(this.#decoder.release());
    // What waited may be too much once more, or wrong.
    if (this.state === 'open' && !this.#decoder.isHeld && this.#socket.isPaused()) {
      this.#socket.resume();
    }
  }

  /** Ends a connection that carries no session, with the reason. */
  refuse(goodbye: Goodbye): void {
    this.#host.counters.refused++;
    if (goodbye.isUsual !== true) this.#trace('client-refused', goodbye.reason);
    this.end(goodbye);
  }

  /** The same, but not before `delayMs` have passed; what it says meanwhile is not read. */
  refuseLater(goodbye: Goodbye, delayMs: number): void {
    this.#become('waiting');
    this.#socket.pause();
    this.#timer = setTimeout(() => this.refuse(goodbye), delayMs);
  }

  /** Says goodbye and ends the connection; its session is not told. */
  end({ rc, reason }: Goodbye): void {
    if (this.#state === 'ending' || this.#state === 'gone') return;
    this.#become('ending');
    this.#session = undefined;
    this.send({ t: 'goodbye', rc, reason });
    this.writer.flush();
    this.#socket.end();
    // Read on without looking, or a client that is still writing never gets to the goodbye.
    this.#decoder.release();
    this.#socket.resume();
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#host.limits.goodbyeTimeoutMs);
  }

  /** Its session goes on elsewhere. */
  abandon(): void {
    this.#session = undefined;
    this.#socket.destroy();
  }

  /** Ends the session and the connection for something that no client of ours sends. */
  faulted(what: string | undefined): void {
    if (what === undefined || this.#state === 'ending' || this.#state === 'gone') return;
    this.#host.counters.malformed++;
    this.#trace('client-malformed', what);
    const goodbye = { rc: SA_AIS_ERR_INVALID_PARAM, reason: `malformed: ${what}` };
    this.#session?.end(goodbye.rc, goodbye.reason);
    this.end(goodbye);
  }

  #frame(body: Uint8Array): boolean {
    if (this.#state === 'ending' || this.#state === 'gone') return false;
    if (body[0] === BUNDLE_MARK && this.#state === 'open') {
      this.faulted(this.#session?.bundle(body));
      return this.state === 'open' && this.#session !== undefined;
    }
    const frame = decode(body)?.value;
    if (!isRecord(frame)) this.faulted('no map in a frame');
    else if (!isPlainData(frame, FRAME_DEPTH_MAX)) this.faulted('no plain data in a frame');
    else if (this.#state === 'hello') this.#hello(frame);
    // Without a session the connection was given up, and its last bytes mean nothing.
    else this.faulted(this.#session?.frame(frame, body.length));
    return this.state === 'open' && this.#session !== undefined;
  }

  #hello(frame: Frame): void {
    const { t, v, service } = frame;
    if (t !== 'hello' || typeof v !== 'number' || typeof service !== 'string') {
      this.faulted('no hello in the first frame');
      return;
    }
    if (v !== IPC_VERSION) {
      const reason = `protocol ${v}, this executive speaks ${IPC_VERSION}`;
      this.refuse({ rc: SA_AIS_ERR_VERSION, reason });
      return;
    }
    // Not in any log before it is known: it is the client's text.
    const access = this.#host.access(service, this.credentials);
    if (access !== true) {
      this.refuse({ rc: SA_AIS_ERR_ACCESS, reason: access });
      return;
    }
    const answer = this.#host.hello(this, service, frame);
    if ('rc' in answer) {
      this.refuse(answer);
      return;
    }
    this.#session = answer;
    this.#become('open');
    // What waited for a connection could not pause it before it was open.
    this.faulted(answer.pump());
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    const session = this.#session;
    this.#session = undefined;
    this.#become('gone');
    session?.cut(this);
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    clearTimeout(this.#timer);
    this.#host.changed(this);
  }

  #trace(event: string, reason: string): void {
    const { pid, uid } = this.credentials;
    const service = this.#session?.service ?? '';
    this.#host.trace({ event, detail: { reason, service, pid, uid } });
  }
}
