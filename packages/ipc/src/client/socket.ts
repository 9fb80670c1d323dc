/**
 * The client end of the executive's unix socket. One connection per AIS handle; requests are pipelined
 * and answered in any order. A fault of the executive or of the stream ends the connection with a
 * reason, it never throws.
 */
import { createConnection, type Socket } from 'node:net';
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SaAisError,
  SaAisErrorT,
} from '@aisexec/ais';
import { decode, encode, isRecord } from '../codec.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import {
  CLIENT_REQUESTS_MAX,
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  HANDLE_QUEUE_MAX,
  READ_BYTES,
} from '../limits.ts';
import { clientSocketPath } from '../paths.ts';
import { IPC_VERSION } from '../protocol.ts';
import type { CallbackEvent, ClientConnection, Connector, Reply } from './contract.ts';

/** @param path the executive's socket; else `AISEXEC_SOCKET`, else the default run directory. */
export function socketConnector(path?: string): Connector {
  return {
    connect: (service) => new SocketConnection(path ?? clientSocketPath()).open(service),
  };
}

type State = 'connecting' | 'open' | 'closing' | 'lost';

class SocketConnection implements ClientConnection {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  /** Callbacks that came before anybody listened. */
  readonly #early: CallbackEvent[] = [];
  #state: State = 'connecting';
  #lastRequest = 0;
  #lostReason = '';
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #onCallback: ((event: CallbackEvent) => void) | undefined;
  #onLost: ((reason: string) => void) | undefined;
  #onEnd: (() => void) | undefined;

  constructor(path: string) {
    this.#path = path;
    const decoder = new FrameDecoder((body) => this.#frame(body));
    this.#socket = createConnection({
      path,
      // Node reads into this memory again and again instead of making new memory for every read.
      onread: {
        buffer: new Uint8Array(READ_BYTES),
        callback: (length, buffer) => {
          const fault = decoder.push(buffer.subarray(0, length));
          if (fault !== undefined) this.#fail(SA_AIS_ERR_LIBRARY, `the executive sent a ${fault}`);
          return true;
        },
      },
    });
    this.#writer = new FrameWriter(this.#socket);
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#socketError(error));
    this.#socket.on('close', () => {
      this.#fail(SA_AIS_ERR_TRY_AGAIN, `the executive on ${path} closed the connection`);
      this.#onEnd?.();
    });
  }

  open(service: string): Promise<ClientConnection> {
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
      this.#fail(SA_AIS_ERR_TRY_AGAIN, `the executive on ${this.#path} does not answer`),
    );
    this.#send({ t: 'hello', v: IPC_VERSION, service });
    return new Promise((resolve, reject) => {
      this.#opened = { resolve: () => resolve(this), reject };
    });
  }

  request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#state !== 'open') return Promise.resolve({ rc: SA_AIS_ERR_BAD_HANDLE });
    if (this.#replies.size >= CLIENT_REQUESTS_MAX) {
      return Promise.resolve({ rc: SA_AIS_ERR_TRY_AGAIN });
    }
    const id = this.#lastRequest + 1;
    const body = encode({ t: 'request', id, fn, arg: argument });
    if (body === undefined) return Promise.resolve({ rc: SA_AIS_ERR_INVALID_PARAM });
    if (body.length > FRAME_BYTES_MAX) return Promise.resolve({ rc: SA_AIS_ERR_TOO_BIG });
    this.#lastRequest = id;
    this.#writer.write(body);
    return new Promise((resolve) => {
      this.#replies.set(id, resolve);
    });
  }

  onCallback(listener: (event: CallbackEvent) => void): void {
    this.#onCallback = listener;
    if (this.#early.length >= HANDLE_QUEUE_MAX) this.hold(false);
    for (const event of this.#early.splice(0)) listener(event);
  }

  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
    if (this.#state === 'lost') this.#tellLost();
  }

  hold(on: boolean): void {
    if (this.#state === 'open') this.#send({ t: 'hold', on });
  }

  /** Resolves when the executive has seen the end: what this client held is being given up. */
  close(): Promise<void> {
    if (this.#state === 'lost' || this.#state === 'closing') return Promise.resolve();
    this.#state = 'closing';
    this.#settle(SA_AIS_ERR_BAD_HANDLE);
    this.#send({ t: 'goodbye' });
    this.#writer.flush();
    this.#socket.end();
    this.#socket.setTimeout(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #send(frame: object): void {
    const body = encode(frame);
    if (body !== undefined) this.#writer.write(body);
  }

  #frame(body: Uint8Array): boolean {
    if (this.#state === 'closing' || this.#state === 'lost') return false;
    const frame = decode(body)?.value;
    const known = isRecord(frame) && this.#dispatch(frame);
    if (!known) this.#fail(SA_AIS_ERR_LIBRARY, `no aisexec protocol is spoken on ${this.#path}`);
    return known;
  }

  #dispatch(frame: Readonly<Record<string, unknown>>): boolean {
    switch (frame['t']) {
      case 'reply':
        return this.#reply(frame['id'], frame['reply']);
      case 'callback':
        return this.#callback(frame);
      case 'welcome':
        this.#state = 'open';
        this.#socket.setTimeout(0);
        this.#opened?.resolve();
        this.#opened = undefined;
        return true;
      case 'goodbye':
        this.#fail(resultCode(frame['rc']), String(frame['reason'] ?? 'the executive left'));
        return true;
      default:
        // A later version may say more than this one understands, but not before it said welcome.
        return this.#state === 'open' && typeof frame['t'] === 'string';
    }
  }

  #reply(id: unknown, reply: unknown): boolean {
    if (typeof id !== 'number' || !isRecord(reply) || typeof reply['rc'] !== 'number') return false;
    const resolve = this.#replies.get(id);
    this.#replies.delete(id);
    resolve?.(reply as Reply);
    return true;
  }

  #callback({ name, payload, priority }: Readonly<Record<string, unknown>>): boolean {
    if (typeof name !== 'string' || typeof priority !== 'number') return false;
    const event = { name, payload, priority };
    if (this.#onCallback !== undefined) this.#onCallback(event);
    else if (this.#early.push(event) === HANDLE_QUEUE_MAX) this.hold(true);
    return true;
  }

  #socketError(error: NodeJS.ErrnoException): void {
    if (error.code === 'EACCES' || error.code === 'EPERM') {
      this.#fail(SA_AIS_ERR_ACCESS, `no permission to connect to ${this.#path}`);
    } else if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
      this.#fail(
        SA_AIS_ERR_TRY_AGAIN,
        `no executive answers on ${this.#path}: is aisexec running?`,
      );
    } else this.#fail(SA_AIS_ERR_TRY_AGAIN, `${this.#path}: ${error.message}`);
  }

  /** The end that this side did not ask for. The first reason counts. */
  #fail(code: SaAisErrorT, reason: string): void {
    if (this.#state === 'closing' || this.#state === 'lost') return;
    const opened = this.#opened;
    this.#opened = undefined;
    this.#state = 'lost';
    this.#lostReason = reason;
    this.#socket.destroy();
    this.#settle(SA_AIS_ERR_LIBRARY);
    if (opened !== undefined) opened.reject(new SaAisError(code, 'connect', reason));
    else this.#tellLost();
  }

  #tellLost(): void {
    const listener = this.#onLost;
    this.#onLost = undefined;
    if (listener !== undefined) queueMicrotask(() => listener(this.#lostReason));
  }

  #settle(rc: typeof SA_AIS_ERR_BAD_HANDLE | typeof SA_AIS_ERR_LIBRARY): void {
    for (const resolve of this.#replies.values()) resolve({ rc });
    this.#replies.clear();
  }
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(SaAisErrorT));

function resultCode(code: unknown): SaAisErrorT {
  const known = typeof code === 'number' && KNOWN_CODES.has(code);
  return known ? (code as SaAisErrorT) : SA_AIS_ERR_LIBRARY;
}
