/**
 * The messages of one traffic class, oldest first, from `multicast` until they need not be sent again.
 * A cursor divides those that were packed from those that were not. Records and their buffers are reused.
 */
import type { BufferPool } from '../buffer-pool.ts';
import type { Guarantee } from '../contract.ts';
import { BUFFER_KEPT_BYTES_MAX, RECORDS_KEPT_MAX } from './limits.ts';

/** One message with its group header. */
export interface QueuedMessage {
  /** Group header, stamp when there is one, payload; `length` bytes are valid. */
  bytes: Uint8Array;
  length: number;
  /** Length of the group header; the stamp stands behind it. */
  headerLength: number;
  /** Carries a stamp and is kept until it came back in the ring it is stamped for (ADR 0020). */
  stamped: boolean;
  guarantee: Guarantee;
  /** What it takes of the queue. */
  slots: number;
  /** Need not be packed again. */
  done: boolean;
}

export interface MessageQueue {
  /** Sum of the slots of all messages in the queue. */
  readonly slotsUsed: number;
  readonly length: number;
  /** A new message at the end; the caller fills it. */
  push(length: number, slots: number): QueuedMessage;
  /** The next one to pack, moving the cursor on; undefined at the end. */
  takeNext(): QueuedMessage | undefined;
  /** Whether `takeNext` would find one. */
  readonly hasNext: boolean;
  /** The oldest message, when it was packed. */
  oldestPacked(): QueuedMessage | undefined;
  /** This message need not be packed again; the oldest ones that are done leave the queue. */
  finish(message: QueuedMessage): void;
  /** Pack again from the oldest on. @returns how many messages that are. */
  rewind(): number;
  /** Drop all. `keep` is not reused: somebody still reads it. @returns how many messages were dropped. */
  clear(keep: QueuedMessage | undefined): number;
}

/** @param pool of the buffers that are too large to be kept with their record. */
export function createMessageQueue(pool: BufferPool): MessageQueue {
  let messages: QueuedMessage[] = [];
  let head = 0;
  let cursor = 0;
  let slotsUsed = 0;
  const free: QueuedMessage[] = [];

  const release = (message: QueuedMessage): void => {
    slotsUsed -= message.slots;
    if (message.bytes.length > BUFFER_KEPT_BYTES_MAX) {
      pool.give(message.bytes);
      message.bytes = NO_BYTES;
    }
    if (free.length < RECORDS_KEPT_MAX) free.push(message);
  };
  const trim = (): void => {
    while (head < cursor) {
      const oldest = messages[head] as QueuedMessage;
      if (!oldest.done) break;
      head++;
      release(oldest);
    }
    if (head > COMPACT_AT && head * 2 > messages.length) {
      messages = messages.slice(head);
      cursor -= head;
      head = 0;
    }
  };
  const skipDone = (): void => {
    const before = cursor;
    while (cursor < messages.length && (messages[cursor] as QueuedMessage).done) cursor++;
    if (cursor > before) trim();
  };

  return {
    get slotsUsed() {
      return slotsUsed;
    },
    get length() {
      return messages.length - head;
    },
    push(length, slots) {
      const message = free.pop() ?? newMessage();
      if (message.bytes.length < length) message.bytes = bufferFor(length, pool);
      message.length = length;
      message.slots = slots;
      message.done = false;
      slotsUsed += slots;
      messages.push(message);
      return message;
    },
    takeNext() {
      skipDone();
      return cursor < messages.length ? messages[cursor++] : undefined;
    },
    get hasNext() {
      skipDone();
      return cursor < messages.length;
    },
    oldestPacked: () => (head < cursor ? messages[head] : undefined),
    finish(message) {
      message.done = true;
      trim();
    },
    rewind() {
      let packed = 0;
      for (let i = head; i < cursor; i++) if (!(messages[i] as QueuedMessage).done) packed++;
      cursor = head;
      return packed;
    },
    clear(keep) {
      const dropped = messages.length - head;
      for (let i = head; i < messages.length; i++) {
        const message = messages[i] as QueuedMessage;
        if (message === keep) slotsUsed -= message.slots;
        else release(message);
      }
      messages = [];
      head = 0;
      cursor = 0;
      return dropped;
    },
  };
}

/** Dead entries at the front of the array before it is copied. */
const COMPACT_AT = 256;
const NO_BYTES = new Uint8Array(0);

function newMessage(): QueuedMessage {
  return {
    bytes: NO_BYTES,
    length: 0,
    headerLength: 0,
    stamped: false,
    guarantee: 'agreed',
    slots: 0,
    done: false,
  };
}

function bufferFor(length: number, pool: BufferPool): Uint8Array {
  if (length > BUFFER_KEPT_BYTES_MAX) return pool.take(length);
  return new Uint8Array(2 ** Math.ceil(Math.log2(length)));
}
