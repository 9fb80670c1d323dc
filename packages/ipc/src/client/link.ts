/** One socket of a client connection, from connecting to its end; the session above it may outlive it. */
import { createConnection, type Socket } from 'node:net';
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TRY_AGAIN,
  type SaAisErrorT,
} from '@aisexec/ais';
import { BUNDLE_MARK } from '../bundle.ts';
import { decode, encode, isRecord } from '../codec.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import { CONNECT_TIMEOUT_MS, READ_BYTES } from '../limits.ts';

export type Frame = Readonly<Record<string, unknown>>;

/** Why a link ended. `cut`: the stream ended by itself, another link may do better. */
export interface LinkEnd {
  readonly kind: 'cut' | 'refused';
  readonly code: SaAisErrorT;
  readonly reason: string;
}

export interface LinkEvents {
  /** One frame and the length of its body. @returns false for what is no frame of this protocol. */
  frame(frame: Frame, bytes: number): boolean;
  /** One frame that is a bundle, valid during the call. @returns false for none of this session's. */
  bundle(body: Uint8Array): boolean;
  /** Called once, never after {@link Link.drop}. */
  ended(end: LinkEnd): void;
}

export class Link {
  readonly writer: FrameWriter;
  readonly #path: string;
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  #isOver = false;

  constructor(path: string, events: LinkEvents) {
    this.#path = path;
    this.#events = events;
    const decoder = new FrameDecoder((body) => this.#frame(body));
    this.#socket = createConnection({
      path,
      // Node reads into this memory again and again instead of making new memory for every read.
      onread: {
        buffer: new Uint8Array(READ_BYTES),
        callback: (length, buffer) => {
          const fault = decoder.push(buffer.subarray(0, length));
          if (fault !== undefined) {
            this.#refuse(SA_AIS_ERR_LIBRARY, `the executive sent a ${fault}`);
          }
          return true;
        },
      },
    });
    this.writer = new FrameWriter(this.#socket);
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#error(error));
    this.#socket.on('close', () => this.#cut(`the executive on ${path} closed the connection`));
    this.answerWithin(CONNECT_TIMEOUT_MS, 'does not answer');
  }

  /** A frame of the connection itself; those of the session go through its stream. */
  send(frame: object): void {
    const body = encode(frame);
    if (body !== undefined) this.writer.write(body);
  }

  /** The link ends as cut after `ms` without a byte; 0: never. */
  answerWithin(ms: number, why = 'does not answer'): void {
    this.#socket.setTimeout(ms);
    this.#socket.removeAllListeners('timeout');
    if (ms > 0)
      this.#socket.on('timeout', () => this.#cut(`the executive on ${this.#path} ${why}`));
  }

  /** Lets what was written go out, then ends; what comes in is still told. */
  finish(): void {
    this.writer.flush();
    this.#socket.end();
  }

  /** Ends at once and tells nothing more. */
  drop(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  ref(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  #frame(body: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (!this.#take(body)) {
      this.#refuse(SA_AIS_ERR_LIBRARY, `no aisexec protocol is spoken on ${this.#path}`);
    }
    return !this.#isOver;
  }

  #take(body: Uint8Array): boolean {
    if (body[0] === BUNDLE_MARK) return this.#events.bundle(body);
    const frame = decode(body)?.value;
    return isRecord(frame) && this.#events.frame(frame, body.length);
  }

  #error(error: NodeJS.ErrnoException): void {
    const path = this.#path;
    if (error.code === 'EACCES' || error.code === 'EPERM') {
      this.#refuse(SA_AIS_ERR_ACCESS, `no permission to connect to ${path}`);
    } else if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
      // An executive that lives never closes its socket: this one is gone, and its sessions with it.
      this.#refuse(SA_AIS_ERR_TRY_AGAIN, `no executive answers on ${path}: is aisexec running?`);
    } else this.#cut(`${path}: ${error.message}`);
  }

  #cut(reason: string): void {
    this.#end({ kind: 'cut', code: SA_AIS_ERR_TRY_AGAIN, reason });
  }

  #refuse(code: SaAisErrorT, reason: string): void {
    this.#end({ kind: 'refused', code, reason });
  }

  #end(end: LinkEnd): void {
    if (this.#isOver) return;
    this.drop();
    this.#events.ended(end);
  }
}
