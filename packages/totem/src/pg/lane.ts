/**
 * The sending side of one traffic class: a bounded queue of messages, the packer, and the ring's queue
 * behind them, which is kept short.
 *
 * A message stays in the queue until it came back. Whatever has not when the next regular configuration
 * comes was not ordered to its end: the ring gives up what it has of it, and it is sent again from its
 * first byte, in order, in the new configuration (ADR 0212). A message of a group that does not deliver
 * straddlers is stamped with the ring in which it is packed besides (ADR 0020).
 */
import type { BufferPool } from '../buffer-pool.ts';
import type { Guarantee } from '../contract.ts';
import type { Ring } from '../ring.ts';
import { sameBytes } from './group-header.ts';
import { type QueueLevel, queueLevel } from './levels.ts';
import { QUEUE_BYTES_MAX } from './limits.ts';
import { createMessageQueue, type QueuedMessage } from './message-queue.ts';
import { createPacker } from './packer.ts';
import { encodeStamp, STAMP_BYTES } from './stamp.ts';

export interface LaneOptions {
  readonly traffic: 'normal' | 'sync';
  readonly payloadBytesMax: number;
  /** Packets that may wait in the ring's queue. */
  readonly packetsAheadMax: number;
  /** Of large messages' buffers. */
  readonly pool: BufferPool;
}

export interface Lane {
  /** Slots of the queue, and how many are taken (totem-wire §2). */
  readonly slots: number;
  readonly slotsUsed: number;
  readonly level: QueueLevel;
  attach(ring: Ring): void;
  /** Takes a copy of one message. @returns false when it does not fit. */
  offer(
    header: Uint8Array,
    stamped: boolean,
    parts: readonly Uint8Array[],
    payloadLength: number,
    guarantee: Guarantee,
  ): boolean;
  /** Move on what can be moved; `flush`: also a packet that is not full. */
  pump(ringSeq: number, flush: boolean): void;
  /** One of our own messages was delivered. @returns whether it is the oldest that was awaited. */
  acknowledge(message: Uint8Array): boolean;
  /**
   * A new regular configuration. `open`: the number of this node's last fragment in the order, 0 when it ended a
   * message. What did not come back is packed again, or dropped. @returns how many messages.
   */
  restart(open: number, what: 'again' | 'dropped'): number;
  readonly packetsSent: number;
  /** Packets, about, that what is not packed yet will take. */
  readonly packetsWaiting: number;
}

export function createLane(options: LaneOptions): Lane {
  const { traffic, payloadBytesMax, packetsAheadMax } = options;
  const slots = Math.floor(QUEUE_BYTES_MAX / payloadBytesMax);
  const queue = createMessageQueue(options.pool);
  const packer = createPacker(payloadBytesMax);
  let ring: Ring | undefined;
  let roomAtRest = 0;
  let level: QueueLevel = 'low';
  let packetsSent = 0;
  /** The message that is being packed, and how far it was. */
  let current: QueuedMessage | undefined;
  let offset = 0;

  const measure = (): void => {
    level = queueLevel(level, queue.slotsUsed, slots);
  };

  /** Hands the sealed packet to the ring. */
  const submit = (): boolean => {
    if (ring === undefined) return false;
    const waiting = roomAtRest - ring.room(traffic);
    if (waiting >= packetsAheadMax) return false;
    if (!ring.submit(packer.packet(), packer.guarantee, traffic)) return false;
    packetsSent++;
    packer.next();
    return true;
  };

  const begin = (ringSeq: number): boolean => {
    current = queue.takeNext();
    if (current === undefined) return false;
    offset = 0;
    if (current.stamped) encodeStamp(ringSeq, current.bytes, current.headerLength);
    return true;
  };

  /** Packs the next piece. @returns false when there is nothing to pack. */
  const packPiece = (ringSeq: number): boolean => {
    if (current === undefined && !begin(ringSeq)) return false;
    const message = current as QueuedMessage;
    const end = Math.min(message.length, offset + packer.space);
    const ends = end === message.length;
    packer.append(message.bytes, offset, end, message.guarantee, ends);
    offset = end;
    if (ends) current = undefined;
    if (!ends || packer.space <= 0) packer.seal(!ends);
    return true;
  };

  return {
    slots,
    get slotsUsed() {
      return queue.slotsUsed;
    },
    get level() {
      return level;
    },
    get packetsSent() {
      return packetsSent;
    },
    get packetsWaiting() {
      const rest = current === undefined ? 0 : current.length - offset;
      return Math.ceil((queue.bytesToPack + rest) / payloadBytesMax);
    },
    attach(attached) {
      ring = attached;
      roomAtRest = attached.room(traffic);
    },
    offer(header, stamped, parts, payloadLength, guarantee) {
      const length = header.length + (stamped ? STAMP_BYTES : 0) + payloadLength;
      const needed = Math.floor(length / payloadBytesMax) + 1;
      if (queue.slotsUsed + needed > slots) return false;
      const message = queue.push(length, needed);
      message.headerLength = header.length;
      message.stamped = stamped;
      message.guarantee = guarantee;
      message.bytes.set(header, 0);
      let at = length - payloadLength;
      for (const part of parts) {
        message.bytes.set(part, at);
        at += part.length;
      }
      measure();
      return true;
    },
    pump(ringSeq, flush) {
      for (;;) {
        if (packer.sealed && !submit()) break;
        if (!packPiece(ringSeq)) {
          // An idle ring gets the first message at once (it calls a held token back); while packets wait
          // for the token, small messages gather for it.
          const idle = ring !== undefined && ring.room(traffic) >= roomAtRest;
          if (packer.empty || !(flush || idle)) break;
          packer.seal(false);
        }
      }
      measure();
    },
    acknowledge(message) {
      const oldest = queue.oldestPacked();
      if (oldest === undefined || oldest === current || oldest.length !== message.length) {
        return false;
      }
      const compared = Math.min(oldest.length, oldest.headerLength + STAMP_BYTES);
      if (!sameBytes(oldest.bytes, 0, message, 0, compared)) return false;
      queue.finishOldest();
      measure();
      return true;
    },
    restart(open, what) {
      ring?.withdraw(traffic);
      packer.restart(open);
      current = undefined;
      const messages = what === 'again' ? queue.rewind() : queue.clear();
      measure();
      return messages;
    },
  };
}
