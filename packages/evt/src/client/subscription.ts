/** One subscription of the idiomatic layer: a stream with a bounded buffer. */
import type { SaAisError } from '@aisexec/ais';
import { abortError } from '@aisexec/ipc';
import { EventBuffer } from './event-buffer.ts';
import type { EventItem, SubscriptionItem } from './items.ts';

interface Reader {
  readonly resolve: (result: IteratorResult<SubscriptionItem, undefined>) => void;
  readonly reject: (error: Error) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export interface SubscriptionSource {
  readonly bufferMax: number;
  /** Sends the request; settles when the executive has answered. */
  readonly subscribe: () => Promise<unknown>;
  /** Ends the iteration with AbortError. */
  readonly signal: AbortSignal | undefined;
  /** Called once, when the subscription ends from this side. */
  readonly unsubscribe: () => Promise<void>;
}

/**
 * Events in the order of their priority and then of their publication. Ends when it or what it belongs
 * to is closed; throws AbortError when its signal is aborted, and SaAisError LIBRARY when the
 * connection to the executive is lost and all that came before is read. `lost` items say where events are missing.
 */
export class Subscription
  implements AsyncIterableIterator<SubscriptionItem, undefined>, AsyncDisposable
{
  readonly #source: SubscriptionSource;
  readonly #buffer: EventBuffer;
  readonly #readers: Reader[] = [];
  readonly #onAbort = () => this.#abort();
  #ended: { readonly error: Error | undefined } | undefined;
  #unsubscribed: Promise<void> | undefined;

  /**
   * Resolves when the subscription is in effect: what is published from then on is in the stream. Rejects
   * when it was refused; the iteration throws the same, so it need not be awaited.
   */
  readonly ready: Promise<void>;

  /** @internal Made by `Channel.subscribe`. */
  constructor(source: SubscriptionSource) {
    this.#source = source;
    this.#buffer = new EventBuffer(source.bufferMax);
    source.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.ready = this.#subscribe();
    this.ready.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<SubscriptionItem, undefined>> {
    const item = this.#buffer.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#ended === undefined) {
      return new Promise((resolve, reject) => {
        this.#readers.push({ resolve, reject });
      });
    }
    const { error } = this.#ended;
    if (error === undefined) return Promise.resolve(DONE);
    // Thrown once, as generators do.
    this.#ended = { error: undefined };
    return Promise.reject(error);
  }

  /** Leaving `for await` unsubscribes. */
  async return(): Promise<IteratorResult<SubscriptionItem, undefined>> {
    await this.close();
    return DONE;
  }

  /** Unsubscribes and drops what was not read. Idempotent. */
  close(): Promise<void> {
    this.#finish(undefined);
    this.#buffer.clear();
    this.#unsubscribed ??= this.#source.unsubscribe();
    return this.#unsubscribed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  push(item: EventItem): void {
    if (this.#ended !== undefined) return;
    this.#buffer.push(item);
    this.#serve();
  }

  /** @internal */
  tellLost(): void {
    if (this.#ended !== undefined) return;
    this.#buffer.lost();
    this.#serve();
  }

  /** @internal The channel is closed, or with a reason: the connection is lost, what came before counts. */
  end(lostBecause?: SaAisError): void {
    this.#unsubscribed ??= Promise.resolve();
    if (lostBecause === undefined) this.#buffer.clear();
    this.#finish(lostBecause);
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#source.subscribe();
    } catch (error) {
      this.#finish(error instanceof Error ? error : new Error(String(error)));
      // A time-out says nothing about what the executive did.
      this.#unsubscribed ??= this.#source.unsubscribe();
      throw error;
    }
  }

  #abort(): void {
    this.#finish(abortError(this.#source.signal as AbortSignal));
    this.#buffer.clear();
    this.#unsubscribed ??= this.#source.unsubscribe();
  }

  #finish(error: Error | undefined): void {
    if (this.#ended !== undefined) return;
    this.#source.signal?.removeEventListener('abort', this.#onAbort);
    const readers = this.#readers.splice(0);
    // The error belongs to one reader: the first that waits, or the next that comes.
    const first = error === undefined ? undefined : readers.shift();
    this.#ended = { error: first === undefined ? error : undefined };
    if (error !== undefined) first?.reject(error);
    for (const reader of readers) reader.resolve(DONE);
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const item = this.#buffer.shift();
      if (item === undefined) return;
      this.#readers.shift()?.resolve({ done: false, value: item });
    }
  }
}
