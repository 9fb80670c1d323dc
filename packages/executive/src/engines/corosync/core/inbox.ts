/**
 * The receiving side of one view: frames in Corosync's order become messages in ours. Puts pieces together,
 * and holds a safe message, with all that follows it, until every member of the view has said that it is
 * as far. Corosync has no safe delivery, so our members tell each other; since what they tell is ordered,
 * all release a message at the same place.
 */
import {
  append,
  type BufferPool,
  type GroupMessage,
  type Growing,
  type Guarantee,
  MESSAGE_BYTES_MAX,
  type RingId,
} from '@aisexec/totem';
import { HEADER_BYTES, readEntry } from './wire.ts';

interface Held {
  readonly group: string;
  readonly source: number;
  readonly bytes: Uint8Array;
  /** The frame that all members must have; 0 for an agreed message. */
  readonly needs: number;
}

const NO_BYTES = new Uint8Array(0);

export interface InboxOptions {
  readonly ringId: RingId;
  readonly members: readonly number[];
  /** For messages of several frames. */
  readonly pool: BufferPool;
  readonly deliver: (message: GroupMessage) => void;
  /** A message of ours is whole again. */
  readonly cameBack: (source: number, sync: boolean) => void;
  readonly malformed: (source: number) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #acked: Map<number, number>;
  readonly #assemblies = new Map<number, Growing>();
  #held: Held[] = [];
  #delivered = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#acked = new Map(options.members.map((node) => [node, 0]));
  }

  /** Data frames of this view so far. */
  get delivered(): number {
    return this.#delivered;
  }

  get heldMessages(): number {
    return this.#held.length;
  }

  /** How far the slowest member is. */
  get stable(): number {
    return Math.min(...this.#acked.values());
  }

  /** @returns whether the frame holds something that waits for acknowledgements. */
  frame(source: number, frame: Uint8Array, sync: boolean): boolean {
    this.#delivered++;
    let isSafe = false;
    for (let at = HEADER_BYTES; at < frame.length; ) {
      const entry = readEntry(frame, at);
      if (entry === undefined) {
        this.#options.malformed(source);
        break;
      }
      at = entry.next;
      const { group, first, last, safe, bytes } = entry;
      if (safe) isSafe = true;
      if (first) this.#discard(source);
      const isPiece = !first || !last;
      const whole = isPiece ? this.#piece(source, first, last, bytes) : bytes;
      if (whole === undefined) continue;
      this.#options.cameBack(source, sync);
      this.#hand(group, source, whole, safe ? 'safe' : 'agreed');
      if (isPiece) this.#giveBack(whole);
    }
    return isSafe;
  }

  /** A member is this far. */
  acknowledge(source: number, delivered: number): void {
    const before = this.#acked.get(source);
    if (before === undefined || delivered <= before) return;
    this.#acked.set(source, delivered);
    if (this.#held.length > 0) this.#release(this.stable);
  }

  /** The view ends: what is held belongs to the transitional configuration. */
  releaseAll(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  /** @returns the whole message, in memory of the pool, with its last piece. */
  #piece(source: number, first: boolean, last: boolean, bytes: Uint8Array): Uint8Array | undefined {
    const { pool, malformed } = this.#options;
    const message = first ? { bytes: NO_BYTES, length: 0 } : this.#assemblies.get(source);
    if (message === undefined || !append(message, bytes, pool, MESSAGE_BYTES_MAX)) {
      this.#discard(source);
      malformed(source);
      return undefined;
    }
    if (!last) {
      this.#assemblies.set(source, message);
      return undefined;
    }
    this.#assemblies.delete(source);
    return message.bytes.subarray(0, message.length);
  }

  #discard(source: number): void {
    const message = this.#assemblies.get(source);
    this.#assemblies.delete(source);
    if (message !== undefined) this.#giveBack(message.bytes);
  }

  #giveBack(bytes: Uint8Array): void {
    if (bytes.buffer !== NO_BYTES.buffer) this.#options.pool.give(bytes);
  }

  #hand(group: string, source: number, bytes: Uint8Array, guarantee: Guarantee): void {
    const { ringId, deliver } = this.#options;
    const needs = guarantee === 'safe' && this.#acked.size > 1 ? this.#delivered : 0;
    if (needs === 0 && this.#held.length === 0) deliver({ group, source, ringId, bytes });
    else this.#held.push({ group, source, bytes: bytes.slice(), needs });
  }

  #release(stable: number): void {
    const { ringId, deliver } = this.#options;
    const held = this.#held;
    let count = 0;
    while (count < held.length && held[count]!.needs <= stable) count++;
    if (count === 0) return;
    this.#held = held.slice(count);
    for (const { group, source, bytes } of held.slice(0, count)) {
      deliver({ group, source, ringId, bytes });
    }
  }
}
