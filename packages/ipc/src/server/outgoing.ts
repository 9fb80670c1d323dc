/**
 * What one session has for its client: replies, callbacks through the bounded {@link Outbox}, questions; over the
 * connection of the hour, as bundles where the client reads them (ADR 0206), and kept until the client has it
 * where the session can be resumed (ADR 0164).
 */
import { SA_AIS_ERR_LIBRARY, SA_AIS_ERR_TOO_BIG, SA_AIS_OK } from '@aisexec/ais';
import { BUNDLE_VERSION, BundleWriter, callbackRecords, contentOf } from '../bundle.ts';
import type { Reply } from '../client/contract.ts';
import { encode } from '../codec.ts';
import type { FrameWriter } from '../framing.ts';
import { FRAME_BYTES_MAX } from '../limits.ts';
import { clampPriority, type OutboundOptions, Outbox, type PushResult } from '../outbox.ts';
import { IPC_VERSION, type WelcomeFrame } from '../protocol.ts';
import { SessionStream } from '../session-stream.ts';
import type { IpcServerLimits } from './contract.ts';
import type { Counters } from './counters.ts';

/** How a session can be resumed; the client's process, or its thread, is `start` to `ProcessStart`. */
export interface Resumption {
  /** The client's own, where it is a thread beside the main one and can be seen. */
  readonly thread: number | undefined;
  /** Unguessable, for this client's eyes only. */
  readonly token: string;
  readonly graceMs: number;
  readonly start: string;
}

/** What is needed of a connection. */
interface Carries {
  readonly writer: FrameWriter;
  send(frame: object): void;
  abandon(): void;
}

export interface OutgoingOptions {
  readonly limits: IpcServerLimits;
  readonly counters: Counters;
  /** Whether the client reads bundles. */
  readonly bundle: boolean;
  readonly resumption: Resumption | undefined;
  /** More is unread than an honest client leaves. */
  slow(why: string): void;
}

export class Outgoing<Carrier extends Carries> {
  /** Absent while cut. */
  connection: Carrier | undefined;
  /** The client wants no callbacks now. */
  held = false;
  readonly #options: OutgoingOptions;
  readonly #stream: SessionStream | undefined;
  readonly #bundle: BundleWriter | undefined;
  readonly #outbox: Outbox;
  #isOver = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    const { limits, bundle, resumption } = options;
    this.#stream = resumption === undefined ? undefined : new SessionStream();
    this.#bundle = bundle ? new BundleWriter((body) => this.#bundled(body)) : undefined;
    this.#outbox = new Outbox({
      framesMax: limits.outboundFramesMax,
      bytesMax: limits.outboundBytesMax,
      ...(bundle && { encoder: callbackRecords() }),
    });
  }

  /** Bytes for the client that the kernel has not taken. */
  get backlog(): number {
    return (this.connection?.writer.backlog ?? 0) + (this.#bundle?.backlog ?? 0);
  }

  /** Says welcome. */
  begin(connection: Carrier): void {
    this.connection = connection;
    connection.send(this.#welcome());
  }

  /** Goes on over another connection. @returns false for a number of frames that cannot be. */
  resume(connection: Carrier, seen: unknown): boolean {
    const stream = this.#stream;
    if (!stream?.acknowledged(seen)) return false;
    // The old one may not have been noticed as cut; what it still carries comes again.
    this.connection?.abandon();
    this.connection = connection;
    stream.told();
    connection.send({ ...this.#welcome(), seen: stream.seen });
    for (const body of stream.unacked()) connection.writer.write(body);
    return true;
  }

  /** What is gathered goes out; nothing after it. */
  end(): void {
    this.#isOver = true;
    this.#bundle?.flush();
    this.connection = undefined;
  }

  /** A numbered frame has come. */
  received(bytes: number): void {
    const stream = this.#stream;
    if (stream?.received(bytes)) this.connection?.send({ t: 'ack', seen: stream.seen });
  }

  /** @returns false for a number of frames that cannot be. */
  acknowledged(seen: unknown): boolean {
    return this.#stream?.acknowledged(seen) === true;
  }

  reply(id: number, reply: Reply): void {
    if (this.#writeReply(id, reply)) return;
    const rc = encode(reply) === undefined ? SA_AIS_ERR_LIBRARY : SA_AIS_ERR_TOO_BIG;
    this.#writeReply(id, { rc });
  }

  callback(name: string, payload: unknown, options?: OutboundOptions): PushResult | 'sent' {
    return this.#callAtOnce(name, payload, options?.priority)
      ? 'sent'
      : this.#outbox.push(name, payload, options);
  }

  /** A numbered frame that is neither a reply nor a callback. */
  control(frame: object): void {
    const body = encode(frame);
    this.#bundle?.flush();
    if (body !== undefined) this.#write(body);
  }

  giveCallbacks(): void {
    while (this.#outbox.size > 0 && this.#mayCall) {
      const callback = this.#outbox.shift() as Uint8Array;
      if (this.#bundle === undefined) this.#write(callback);
      else this.#bundle.append(callback);
      this.#options.counters.callbacks++;
    }
  }

  /** Whether the client takes callbacks now. A cut one's wait where they may still make room for better ones. */
  get #mayCall(): boolean {
    if (this.held || this.#isOver || this.connection === undefined) return false;
    const unacknowledged = (this.#stream?.bytes ?? 0) + (this.#bundle?.backlog ?? 0);
    return Math.max(this.backlog, unacknowledged) < this.#options.limits.socketBytesHigh;
  }

  /** Nothing waits, and there is room: straight into the bundle. */
  #callAtOnce(name: string, payload: unknown, priority = 0): boolean {
    if (this.#bundle === undefined || this.#outbox.size > 0 || !this.#mayCall) return false;
    const content = contentOf(payload);
    const level = clampPriority(priority);
    if (content === undefined || !this.#bundle.callback(name, content, level)) return false;
    this.#options.counters.callbacks++;
    return true;
  }

  /** @returns false for what no frame can hold. */
  #writeReply(id: number, reply: Reply): boolean {
    const bundle = this.#bundle;
    if (bundle !== undefined) {
      if (isBareOk(reply)) {
        bundle.done(id);
        return true;
      }
      const bytes = encode(reply);
      return bytes !== undefined && bundle.reply(id, bytes);
    }
    const body = encode({ t: 'reply', id, reply });
    if (body === undefined || body.length > FRAME_BYTES_MAX) return false;
    this.#bundled(body);
    return true;
  }

  /** A frame with replies: more may be unread now than an honest client leaves. */
  #bundled(body: Uint8Array): void {
    this.#write(body);
    const slow = this.#isOver ? undefined : this.#tooMuchUnread();
    if (slow !== undefined) this.#options.slow(slow);
  }

  #write(body: Uint8Array): void {
    this.#stream?.sent(body);
    this.connection?.writer.write(body);
  }

  /** The bounds of what an honest client can leave unread or unacknowledged. */
  #tooMuchUnread(): string | undefined {
    const { socketBytesMax, unackedBytesMax, unackedFramesMax } = this.#options.limits;
    const stream = this.#stream;
    const backlog = this.connection?.writer.backlog ?? 0;
    if (Math.max(backlog, stream?.bytes ?? 0) > socketBytesMax) {
      return 'it asks and does not read the answers';
    }
    if (stream === undefined) return undefined;
    const ignored = this.connection === undefined ? 0 : stream.bytes - backlog;
    return ignored > unackedBytesMax || stream.frames > unackedFramesMax
      ? 'it does not acknowledge what it was sent'
      : undefined;
  }

  #welcome(): WelcomeFrame {
    const { resumption, bundle } = this.#options;
    return {
      t: 'welcome',
      v: IPC_VERSION,
      ...(resumption !== undefined && { session: resumption.token, grace: resumption.graceMs }),
      ...(bundle && { bundle: BUNDLE_VERSION }),
    };
  }
}

/** OK, and nothing else to say. */
function isBareOk(reply: Reply): boolean {
  if (reply.rc !== SA_AIS_OK) return false;
  for (const name in reply) if (name !== 'rc') return false;
  return true;
}
