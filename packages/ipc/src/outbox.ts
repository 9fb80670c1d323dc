/**
 * The callbacks that wait for one slow client, bounded by count and bytes: four priorities, and for
 * callbacks that may be lost one marker in the place of all that were dropped (`CallbackOptions` of the
 * service contract). When full, a new droppable callback is dropped, or an older one of a lower
 * priority makes room; until the queue is half empty the same marker swallows what follows (the
 * ancestor's rule for lost events), unless that can take the place of a lower priority of its own kind. What can neither wait nor be dropped ends the connection.
 */
import { encode } from './codec.ts';
import { FRAME_BYTES_MAX, OUTBOUND_BYTES_MAX, OUTBOUND_FRAMES_MAX } from './limits.ts';

/** A callback as the service host hands it over; structurally its `CallbackOptions`. */
export interface OutboundOptions {
  readonly priority?: number;
  readonly lost?: { readonly name: string; readonly payload: unknown };
}

export interface OutboxOptions {
  readonly framesMax?: number;
  readonly bytesMax?: number;
  /** What `shift` gives; default: the body of a frame for each callback. */
  readonly encoder?: CallbackEncoder;
}

/** The bytes of one callback, or undefined for what cannot be said. */
export type CallbackEncoder = (
  name: string,
  payload: unknown,
  priority: number,
) => Uint8Array | undefined;

/** `queued`; `dropped`: its marker is or goes in its place; `full`: end the connection. */
export type PushResult = 'queued' | 'dropped' | 'full';

interface Entry {
  readonly body: Uint8Array;
  readonly lost: OutboundOptions['lost'];
  /** Set on a marker: what it stands for. */
  readonly marks: string | undefined;
  /** See `#keyOf`. */
  key?: string;
}

const PRIORITIES = 4;

export class Outbox {
  readonly #levels: Entry[][] = Array.from({ length: PRIORITIES }, () => []);
  /** Index of the first live entry of each level. */
  readonly #heads = new Array<number>(PRIORITIES).fill(0);
  /** Markers in the queue, and those that still swallow: both by key. */
  readonly #marked = new Set<string>();
  readonly #swallowing = new Set<string>();
  readonly #framesMax: number;
  readonly #bytesMax: number;
  readonly #encode: CallbackEncoder;
  #count = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(options: OutboxOptions = {}) {
    this.#framesMax = options.framesMax ?? OUTBOUND_FRAMES_MAX;
    this.#bytesMax = options.bytesMax ?? OUTBOUND_BYTES_MAX;
    this.#encode = options.encoder ?? callbackFrame;
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Callbacks dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  push(name: string, payload: unknown, options: OutboundOptions = {}): PushResult {
    const priority = clampPriority(options.priority ?? 0);
    const { lost } = options;
    if (lost !== undefined && this.#swallowing.size > 0) {
      const key = markerKey(lost);
      const swallowed = this.#swallowing.has(key) && !this.#evictBelow(priority + 1, key);
      if (swallowed) return this.#drop(lost, priority);
    }
    const body = this.#encode(name, payload, priority);
    if (body === undefined || body.length > FRAME_BYTES_MAX) {
      return lost === undefined ? 'full' : this.#drop(lost, priority);
    }
    while (this.#full(body.length)) {
      if (this.#evictBelow(lost === undefined ? priority : priority + 1)) continue;
      return lost === undefined ? 'full' : this.#drop(lost, priority);
    }
    this.#add({ body, lost, marks: undefined }, priority);
    return 'queued';
  }

  /** The bytes of the next callback, highest priority first. */
  shift(): Uint8Array | undefined {
    for (let level = 0; level < PRIORITIES; level++) {
      const entries = this.#levels[level]!;
      const head = this.#heads[level]!;
      const entry = entries[head];
      if (entry === undefined) continue;
      this.#heads[level] = head + 1;
      this.#trim(level);
      this.#forget(entry);
      if (this.#count * 2 <= this.#framesMax && this.#bytes * 2 <= this.#bytesMax) {
        this.#swallowing.clear();
      }
      return entry.body;
    }
    return undefined;
  }

  #full(more: number): boolean {
    // A single callback larger than the bound may pass when it is alone.
    return (
      this.#count >= this.#framesMax || (this.#count > 0 && this.#bytes + more > this.#bytesMax)
    );
  }

  #add(entry: Entry, level: number, at = Number.POSITIVE_INFINITY): void {
    const entries = this.#levels[level]!;
    if (at < entries.length) entries.splice(at, 0, entry);
    else entries.push(entry);
    this.#count++;
    this.#bytes += entry.body.length;
  }

  #forget(entry: Entry): void {
    this.#count--;
    this.#bytes -= entry.body.length;
    if (entry.marks !== undefined) this.#marked.delete(entry.marks);
  }

  #trim(level: number): void {
    const head = this.#heads[level]!;
    if (head < 64 || head * 2 < this.#levels[level]!.length) return;
    this.#levels[level] = this.#levels[level]!.slice(head);
    this.#heads[level] = 0;
  }

  /** Drops the newest droppable callback, of this marker if one is named, of the lowest priority from `level` on. */
  #evictBelow(level: number, key?: string): boolean {
    for (let at = PRIORITIES - 1; at >= level; at--) {
      const entries = this.#levels[at]!;
      for (let i = entries.length - 1; i >= this.#heads[at]!; i--) {
        const entry = entries[i]!;
        if (entry.lost === undefined || entry.marks !== undefined) continue;
        if (key !== undefined && this.#keyOf(entry, entry.lost) !== key) continue;
        entries.splice(i, 1);
        this.#forget(entry);
        return this.#drop(entry.lost, at, i) === 'dropped';
      }
    }
    return false;
  }

  /** The marker of a queued callback; reckoned only once something must be dropped. */
  #keyOf(entry: Entry, lost: NonNullable<OutboundOptions['lost']>): string {
    entry.key ??= markerKey(lost);
    return entry.key;
  }

  /** Puts the marker where the dropped one would have been, unless it is queued already. */
  #drop(
    lost: NonNullable<OutboundOptions['lost']>,
    level: number,
    at = Number.POSITIVE_INFINITY,
  ): PushResult {
    const key = markerKey(lost);
    this.#swallowing.add(key);
    this.#dropped++;
    if (this.#marked.has(key)) return 'dropped';
    const body = this.#encode(lost.name, lost.payload, level);
    // Markers of many kinds may exceed the bound, but not without a bound of their own.
    if (body === undefined || this.#marked.size >= this.#framesMax) return 'full';
    this.#marked.add(key);
    this.#add({ body, lost, marks: key }, level, at);
    return 'dropped';
  }
}

/** The nearest of the four priorities. */
export function clampPriority(priority: number): number {
  return Math.min(Math.max(Math.trunc(priority), 0), PRIORITIES - 1);
}

/** The frame of one callback. */
function callbackFrame(name: string, payload: unknown, priority: number): Uint8Array | undefined {
  return encode({ t: 'callback', name, payload, priority });
}

function markerKey(lost: NonNullable<OutboundOptions['lost']>): string {
  const body = encode(lost.payload);
  return `${lost.name}\0${body === undefined ? '' : Buffer.from(body).toString('latin1')}`;
}
