/**
 * The receiving side of one view: frames in Corosync's order become messages in ours. Puts pieces together,
 * and holds a safe message, with all that follows it, until every member of the view has said that it is
 * as far. Corosync has no safe delivery, so our members tell each other; since what they tell is ordered,
 * all release a message at the same place.
 */
import { type GroupMessage, type Guarantee, MESSAGE_BYTES_MAX, type RingId } from '@aisexec/totem';
import { HEADER_BYTES, readEntry } from './wire.ts';

interface Held {
  readonly group: string;
  readonly source: number;
  readonly bytes: Uint8Array;
  /** The frame that all members must have; 0 for an agreed message. */
  readonly needs: number;
}

interface Assembly {
  readonly pieces: Uint8Array[];
  length: number;
}

export interface InboxOptions {
  readonly ringId: RingId;
  readonly members: readonly number[];
  readonly deliver: (message: GroupMessage) => void;
  /** A message of ours is whole again. */
  readonly cameBack: (source: number, sync: boolean) => void;
  readonly malformed: (source: number) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #acked: Map<number, number>;
  readonly #assemblies = new Map<number, Assembly>();
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
      if (first && last) this.#assemblies.delete(source);
      const whole = first && last ? bytes : this.#piece(source, first, last, bytes);
      if (whole === undefined) continue;
      this.#options.cameBack(source, sync);
      this.#hand(group, source, whole, safe ? 'safe' : 'agreed');
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

  #piece(source: number, first: boolean, last: boolean, bytes: Uint8Array): Uint8Array | undefined {
    if (first) this.#assemblies.set(source, { pieces: [], length: 0 });
    const assembly = this.#assemblies.get(source);
    if (assembly === undefined || assembly.length + bytes.length > MESSAGE_BYTES_MAX) {
      this.#assemblies.delete(source);
      this.#options.malformed(source);
      return undefined;
    }
    assembly.pieces.push(bytes.slice());
    assembly.length += bytes.length;
    if (!last) return undefined;
    this.#assemblies.delete(source);
    const whole = new Uint8Array(assembly.length);
    let at = 0;
    for (const piece of assembly.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
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
