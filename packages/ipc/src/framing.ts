/**
 * Frames on a byte stream: u32 little-endian length of the body, then the body (docs/reference/ipc.md).
 * The decoder takes any split of the stream, believes no length and never throws; the writer joins the
 * frames of one turn of the event loop into one write.
 */
import type { Socket } from 'node:net';
import { ASSEMBLY_BYTES_KEPT_MAX, BATCH_BYTES_MAX, FRAME_BYTES_MAX } from './limits.ts';

export const HEADER_BYTES = 4;
/** First allocation for a body that arrives in pieces: its claimed length is believed byte by byte. */
const ASSEMBLY_BYTES_MIN = 4_096;
/** From this size on a body is cheaper to hand over than to copy. */
const COPIED_BYTES_MAX = 16_384;

const NOTHING = new Uint8Array(0);

/** Takes one frame body, valid during the call only; false stops the decoder for good. */
export type FrameHandler = (body: Uint8Array) => boolean;

/** Incremental decoder of one stream. */
export class FrameDecoder {
  readonly #onFrame: FrameHandler;
  readonly #bytesMax: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Length of the body being read; -1 while the header is incomplete. */
  #length = -1;
  #body = new Uint8Array(0);
  #bodyBytes = 0;
  #stopped = false;
  #held = false;
  /** What came and waits while held. */
  #rest: Uint8Array = NOTHING;

  constructor(onFrame: FrameHandler, bytesMax = FRAME_BYTES_MAX) {
    this.#onFrame = onFrame;
    this.#bytesMax = bytesMax;
  }

  /** Whether the stream may end here without cutting a frame. */
  get atBoundary(): boolean {
    return this.#length < 0 && this.#headerBytes === 0 && this.#rest.length === 0;
  }

  get isHeld(): boolean {
    return this.#held;
  }

  /** No frame is taken until {@link release}; of the chunk at hand, too, when a handler calls it. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on with what waits. @returns what is wrong with it, as {@link push} does. */
  release(): string | undefined {
    this.#held = false;
    const rest = this.#rest;
    this.#rest = NOTHING;
    return this.push(rest);
  }

  /**
   * @param chunk not to be changed afterwards, where the decoder may be held.
   * @returns what is wrong with the stream, or undefined. After a fault everything is ignored.
   */
  push(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (!this.#stopped && at < chunk.length) {
      if (this.#held) {
        const more = chunk.subarray(at);
        this.#rest = this.#rest.length === 0 ? more : Buffer.concat([this.#rest, more]);
        return undefined;
      }
      if (this.#length < 0) {
        at = this.#readHeader(chunk, at);
        if (this.#length < 0) continue;
        if (this.#length === 0 || this.#length > this.#bytesMax) {
          this.#stopped = true;
          return `frame of ${this.#length} bytes, expected 1 to ${this.#bytesMax}`;
        }
      }
      at = this.#readBody(chunk, at);
    }
    return undefined;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headerBytes < HEADER_BYTES) {
      this.#header[this.#headerBytes++] = chunk[at++]!;
    }
    if (this.#headerBytes < HEADER_BYTES) return at;
    const [a, b, c, d] = this.#header as unknown as [number, number, number, number];
    this.#length = a + b * 0x100 + c * 0x1_0000 + d * 0x100_0000;
    this.#headerBytes = 0;
    return at;
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const missing = this.#length - this.#bodyBytes;
    const taken = Math.min(missing, chunk.length - at);
    const piece = chunk.subarray(at, at + taken);
    if (taken === missing && this.#bodyBytes === 0) {
      this.#finish(piece);
      return at + taken;
    }
    this.#grow(this.#bodyBytes + taken);
    this.#body.set(piece, this.#bodyBytes);
    this.#bodyBytes += taken;
    if (this.#bodyBytes === this.#length) {
      const body = this.#body.subarray(0, this.#length);
      // The handler may not keep it: the next frame is put together in the same memory, unless it is much.
      if (this.#body.length > ASSEMBLY_BYTES_KEPT_MAX) this.#body = new Uint8Array(0);
      this.#finish(body);
    }
    return at + taken;
  }

  #finish(body: Uint8Array): void {
    this.#length = -1;
    this.#bodyBytes = 0;
    if (!this.#onFrame(body)) this.#stopped = true;
  }

  #grow(needed: number): void {
    if (needed <= this.#body.length) return;
    const size = Math.max(
      needed,
      Math.min(2 * this.#body.length, this.#length),
      ASSEMBLY_BYTES_MIN,
    );
    const grown = new Uint8Array(size);
    grown.set(this.#body.subarray(0, this.#bodyBytes));
    this.#body = grown;
  }
}

/** Writes frames to a socket, those of one turn together. */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #flush = () => this.flush();
  #bodies: Uint8Array[] = [];
  #bytes = 0;
  /** What of it is copied into one buffer. */
  #smallBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes accepted and not yet taken by the kernel. */
  get backlog(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** The body must not change afterwards. */
  write(body: Uint8Array): void {
    if (this.#bodies.length === 0) process.nextTick(this.#flush);
    this.#bodies.push(body);
    this.#bytes += HEADER_BYTES + body.length;
    this.#smallBytes += HEADER_BYTES + (body.length < COPIED_BYTES_MAX ? body.length : 0);
    if (this.#bytes >= BATCH_BYTES_MAX) this.flush();
  }

  flush(): void {
    const bodies = this.#bodies;
    if (bodies.length === 0) return;
    this.#bodies = [];
    const small = this.#smallBytes;
    this.#bytes = 0;
    this.#smallBytes = 0;
    if (this.#socket.destroyed || !this.#socket.writable) return;
    // Headers and small bodies are copied together, large bodies leave as they are: one writev(2) for all.
    const batch = Buffer.allocUnsafe(small);
    let from = 0;
    let at = 0;
    this.#socket.cork();
    for (const body of bodies) {
      batch.writeUInt32LE(body.length, at);
      at += HEADER_BYTES;
      if (body.length < COPIED_BYTES_MAX) {
        batch.set(body, at);
        at += body.length;
        continue;
      }
      this.#socket.write(batch.subarray(from, at));
      this.#socket.write(body);
      from = at;
    }
    if (at > from) this.#socket.write(batch.subarray(from, at));
    this.#socket.uncork();
  }
}
