/** A stream of changes of one section or of all, with a bounded buffer and explicit gaps. */
import type { SaAisError } from '@aisexec/ais';
import { abortError, DONE, Readers } from '@aisexec/ipc';
import type { SectionChangedCallback, SectionChangeKind } from '../protocol.ts';
import { idOf } from './requests.ts';
import { dateOf } from './times.ts';

/** One change, in the order in which the cluster applied them. */
export interface SectionChange {
  readonly type: 'change';
  readonly change: SectionChangeKind;
  readonly id: Uint8Array;
  /** Rises from change to change, the same on every node; equal for sections changed by one request. */
  readonly sequence: bigint;
  readonly time: Date;
  readonly size: number;
  /** The whole content after the change, where it was asked for and is at most 64 KiB. */
  readonly data: Uint8Array | null;
}

/** Changes are missing here: read again what matters. */
export interface Gap {
  readonly type: 'gap';
}

const GAP: Gap = { type: 'gap' };

export function sectionChange(event: SectionChangedCallback): SectionChange {
  const { change, sectionId, order: sequence, size, data } = event;
  const time = dateOf(event.time) ?? new Date(0);
  return { type: 'change', change, id: idOf(sectionId), sequence, time, size, data };
}

export interface WatchSource<T> {
  readonly bufferMax: number;
  /** Ends the iteration with AbortError. */
  readonly signal: AbortSignal | undefined;
  /** What the reader gets for a change; `gap` where it cannot be told. */
  readonly convert: (event: SectionChangedCallback) => T | 'gap';
  /** Sends the request; settles when the executive has answered. */
  readonly begin: () => Promise<unknown>;
  /** Called once, when the watch ends from this side. */
  readonly end: () => Promise<unknown>;
}

/**
 * Ends when it, its checkpoint or the service is closed; throws AbortError when its signal is aborted, and
 * SaAisError LIBRARY when the connection is lost and all that came before is read.
 */
export class Watch<T> implements AsyncIterableIterator<T | Gap, undefined>, AsyncDisposable {
  readonly #source: WatchSource<T>;
  readonly #items: (T | Gap)[] = [];
  readonly #readers = new Readers<T | Gap>(() => this.#take());
  readonly #onAbort = () => this.#finish(abortError(this.#source.signal as AbortSignal), true);
  /** Full: what comes is dropped until half is read. */
  #dropping = false;
  #closing: Promise<unknown> | undefined;

  /** Resolves when the watch is in effect: every change from then on is in the stream, or a gap is. */
  readonly ready: Promise<void>;

  /** @internal Made by `watch` of a section, a checkpoint, a map. */
  constructor(source: WatchSource<T>) {
    this.#source = source;
    source.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.ready = this.#begin();
    this.ready.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T | Gap, undefined>> {
    return this.#readers.next();
  }

  /** Leaving `for await` ends the watch. */
  async return(): Promise<IteratorResult<T | Gap, undefined>> {
    await this.close();
    return DONE;
  }

  /** Ends the watch and drops what was not read. Idempotent. */
  async close(): Promise<void> {
    this.#finish(undefined, true);
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  push(event: SectionChangedCallback): void {
    if (this.#readers.ended) return;
    try {
      const item = this.#source.convert(event);
      this.#add(item === 'gap' ? GAP : item);
    } catch (error) {
      this.#finish(error instanceof Error ? error : new Error(String(error)), true);
    }
  }

  /** @internal */
  gap(): void {
    if (!this.#readers.ended) this.#add(GAP);
  }

  /** @internal The checkpoint is closed, or with a reason: the connection is lost, what came before counts. */
  end(lostBecause?: SaAisError): void {
    this.#closing ??= Promise.resolve();
    this.#finish(lostBecause, lostBecause === undefined);
  }

  async #begin(): Promise<void> {
    try {
      await this.#source.begin();
    } catch (error) {
      this.#finish(error instanceof Error ? error : new Error(String(error)), true);
      throw error;
    }
  }

  #add(item: T | Gap): void {
    if (this.#dropping) return;
    this.#dropping = this.#items.length >= this.#source.bufferMax;
    const next = this.#dropping ? GAP : item;
    // Two gaps in a row say no more than one.
    if (next !== GAP || this.#items.at(-1) !== GAP) this.#items.push(next);
    this.#readers.serve();
  }

  #take(): T | Gap | undefined {
    const item = this.#items.shift();
    if (this.#items.length * 2 <= this.#source.bufferMax) this.#dropping = false;
    return item;
  }

  #finish(error: Error | undefined, forget: boolean): void {
    if (forget) {
      this.#items.length = 0;
      this.#closing ??= this.#source.end().catch(() => undefined);
    }
    if (this.#readers.end(error)) this.#source.signal?.removeEventListener('abort', this.#onAbort);
  }
}
