/**
 * The sending side of one kind of traffic: messages from `multicast` until they came back in the view they
 * were sent in. Small ones share a frame, large ones are cut into several. What has not come back when a new
 * view comes is sent again from its first byte, in order (ADR 0020).
 */
import { type BufferPool, type Guarantee, POOLED_BYTES_MIN } from '@aisexec/totem';
import { CPG_FRAME_BYTES_MAX, CPG_QUEUE_BYTES_MAX, CPG_QUEUE_MESSAGES_MAX } from './limits.ts';
import {
  ENTRY_FIRST,
  ENTRY_HEAD_BYTES,
  ENTRY_LAST,
  ENTRY_SAFE,
  HEADER_BYTES,
  type Stamp,
  writeHead,
} from './wire.ts';

export interface LaneMessage {
  readonly group: string;
  readonly bytes: Uint8Array;
  readonly guarantee: Guarantee;
}

export class Lane {
  readonly #sync: boolean;
  readonly #pool: BufferPool;
  /** The frame that was made last. */
  readonly #frame = new Uint8Array(CPG_FRAME_BYTES_MAX);
  readonly #frameView = new DataView(this.#frame.buffer);
  #messages: LaneMessage[] = [];
  /** The oldest that did not come back, and the next one to send. */
  #head = 0;
  #cursor = 0;
  /** Bytes of the message at the cursor that were sent. */
  #offset = 0;
  #bytes = 0;

  constructor(sync: boolean, pool: BufferPool) {
    this.#sync = sync;
    this.#pool = pool;
  }

  get length(): number {
    return this.#messages.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** There is room for what was refused before. */
  get hasRoomAgain(): boolean {
    return this.#bytes <= CPG_QUEUE_BYTES_MAX / 2 && this.length <= CPG_QUEUE_MESSAGES_MAX / 2;
  }

  get hasNext(): boolean {
    return this.#cursor < this.#messages.length;
  }

  /** Copies the parts. @returns false when there is no room. */
  offer(
    group: string,
    parts: readonly Uint8Array[],
    length: number,
    guarantee: Guarantee,
  ): boolean {
    if (this.length >= CPG_QUEUE_MESSAGES_MAX) return false;
    if (this.#bytes + length > CPG_QUEUE_BYTES_MAX) return false;
    const isPooled = length >= POOLED_BYTES_MIN;
    const bytes = isPooled ? this.#pool.take(length) : new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#bytes += length;
    this.#messages.push({ group, bytes, guarantee });
    return true;
  }

  /** The next frame to send, in memory that the one after it takes over; undefined when everything was sent. */
  frame(stamp: Stamp): Uint8Array | undefined {
    if (!this.hasNext) return undefined;
    const frame = this.#frame;
    const view = this.#frameView;
    writeHead(view, 'data', this.#sync ? 1 : 0, stamp);
    let at = HEADER_BYTES;
    while (this.hasNext) {
      const { group, bytes, guarantee } = this.#messages[this.#cursor]!;
      const dataAt = at + ENTRY_HEAD_BYTES + group.length;
      const length = Math.min(bytes.length - this.#offset, frame.length - dataAt);
      if (length < 0 || (length === 0 && bytes.length > this.#offset)) break;
      const isLast = this.#offset + length === bytes.length;
      frame[at] =
        (this.#offset === 0 ? ENTRY_FIRST : 0) |
        (isLast ? ENTRY_LAST : 0) |
        (guarantee === 'safe' ? ENTRY_SAFE : 0);
      frame[at + 1] = group.length;
      view.setUint16(at + 2, 0, true);
      view.setUint32(at + 4, length, true);
      for (let i = 0; i < group.length; i++) {
        frame[at + ENTRY_HEAD_BYTES + i] = group.charCodeAt(i);
      }
      frame.set(bytes.subarray(this.#offset, this.#offset + length), dataAt);
      at = dataAt + length;
      this.#offset = isLast ? 0 : this.#offset + length;
      if (isLast) this.#cursor++;
    }
    return frame.subarray(0, at);
  }

  /** The oldest message that was sent came back. @returns it; undefined when none was under way. */
  cameBack(): LaneMessage | undefined {
    if (this.#head >= this.#cursor) return undefined;
    const message = this.#messages[this.#head]!;
    this.#head++;
    this.#bytes -= message.bytes.length;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#cursor -= this.#head;
      this.#head = 0;
    }
    return message;
  }

  /** A message that came back is not needed any more. */
  release({ bytes }: LaneMessage): void {
    if (bytes.length >= POOLED_BYTES_MIN) this.#pool.give(bytes);
  }

  /** What is under way counts as not sent. @returns how many messages that are. */
  rewind(): number {
    const sent = this.#cursor - this.#head + (this.#offset > 0 ? 1 : 0);
    this.#cursor = this.#head;
    this.#offset = 0;
    return sent;
  }

  /** Drops everything. @returns how many messages. */
  drop(): number {
    const { length } = this;
    this.#messages = [];
    this.#head = 0;
    this.#cursor = 0;
    this.#offset = 0;
    this.#bytes = 0;
    return length;
  }
}

/** Dead entries at the front of the array before it is copied. */
const COMPACT_AT = 256;
