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
  /** Carries a stamp (ADR 0020). */
  stamped: boolean;
  guarantee: Guarantee;
  /** What it takes of the queue. */
  slots: number;
}

export interface MessageQueue {
  /** Sum of the slots of all messages in the queue. */
  readonly slotsUsed: number;
  readonly length: number;
  /** Of the messages that {@link takeNext} has not given out. */
  readonly bytesToPack: number;
  /** A new message at the end; the caller fills it. */
  push(length: number, slots: number): QueuedMessage;
  /** The next one to pack, moving the cursor on; undefined at the end. */
  takeNext(): QueuedMessage | undefined;
  /** The oldest message, when it was packed. */
  oldestPacked(): QueuedMessage | undefined;
  /** The oldest one, which was packed, need not be packed again. */
  finishOldest(): void;
  /** Pack again from the oldest on. @returns how many messages that are. */
  rewind(): number;
  /** Drop all. @returns how many messages were dropped. */
  clear(): number;
}

/** @param pool of the buffers that are too large to be kept with their record. */
export function createMessageQueue(pool: BufferPool): MessageQueue {
  let messages: QueuedMessage[] = [];
  let head = 0;
  let cursor = 0;
  let slotsUsed = 0;
  let bytesToPack = 0;
  const free: QueuedMessage[] = [];

  const release = (message: QueuedMessage): void => {
    slotsUsed -= message.slots;
    if (message.bytes.length > BUFFER_KEPT_BYTES_MAX) {
      pool.give(message.bytes);
      message.bytes = NO_BYTES;
    }
    if (free.length < RECORDS_KEPT_MAX) free.push(message);
  };

  return {
    get slotsUsed() {
      return slotsUsed;
    },
    get length() {
      return messages.length - head;
    },
    get bytesToPack() {
      return bytesToPack;
    },
    push(length, slots) {
      const message = free.pop() ?? newMessage();
      if (message.bytes.length < length) message.bytes = bufferFor(length, pool);
      message.length = length;
      message.slots = slots;
      slotsUsed += slots;
      bytesToPack += length;
      messages.push(message);
      return message;
    },
    takeNext() {
      if (cursor === messages.length) return undefined;
      const message = messages[cursor++] as QueuedMessage;
      bytesToPack -= message.length;
      return message;
    },
    oldestPacked: () => (head < cursor ? messages[head] : undefined),
    finishOldest() {
      release(messages[head++] as QueuedMessage);
      if (head <= COMPACT_AT || head * 2 <= messages.length) return;
      messages = messages.slice(head);
      cursor -= head;
      head = 0;
    },
    rewind() {
      const packed = cursor - head;
      for (let i = head; i < cursor; i++) bytesToPack += (messages[i] as QueuedMessage).length;
      cursor = head;
      return packed;
    },
    clear() {
      const dropped = messages.length - head;
      for (let i = head; i < messages.length; i++) release(messages[i] as QueuedMessage);
      messages = [];
      head = 0;
      cursor = 0;
      bytesToPack = 0;
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
  };
}

function bufferFor(length: number, pool: BufferPool): Uint8Array {
  if (length > BUFFER_KEPT_BYTES_MAX) return pool.take(length);
  return new Uint8Array(2 ** Math.ceil(Math.log2(length)));
}
