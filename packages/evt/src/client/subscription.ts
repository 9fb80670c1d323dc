/** One subscription of the idiomatic layer: a stream with a bounded buffer. */
import { SA_AIS_ERR_LIBRARY, SaAisError } from '@aisexec/ais';
import { abortError } from '@aisexec/ipc';
import { EventBuffer } from './event-buffer.ts';
import type { EventItem, SubscriptionItem } from './items.ts';

interface Reader {
  readonly resolve: (result: IteratorResult<SubscriptionItem, undefined>) => void;
  readonly reject: (error: Error) => void;
}

export interface SubscriptionSource {
  readonly bufferMax: number;
  /** Ends the iteration with AbortError. */
  readonly signal: AbortSignal | undefined;
  /** Called once, when the subscription ends from this side. */
  readonly unsubscribe: () => Promise<void>;
}

/**
 * Events in the order of their priority and then of their publication. Ends when it or what it belongs
 * to is closed; throws AbortError when its signal is aborted, and SaAisError LIBRARY when the
 * connection to the executive is lost. `lost` items say where events are missing.
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

  /** @internal Made by `Channel.subscribe`. */
  constructor(source: SubscriptionSource) {
    this.#source = source;
    this.#buffer = new EventBuffer(source.bufferMax);
    source.signal?.addEventListener('abort', this.#onAbort, { once: true });
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
    if (error === undefined) return Promise.resolve({ done: true, value: undefined });
    // Thrown once, as generators do.
    this.#ended = { error: undefined };
    return Promise.reject(error);
  }

  /** Leaving `for await` unsubscribes. */
  async return(): Promise<IteratorResult<SubscriptionItem, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** Unsubscribes and drops what was not read. Idempotent. */
  close(): Promise<void> {
    this.#finish(undefined);
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

  /** @internal The channel is closed, or with a reason: the connection is lost. */
  end(lostBecause?: string): void {
    this.#unsubscribed ??= Promise.resolve();
    const error =
      lostBecause === undefined
        ? undefined
        : new SaAisError(SA_AIS_ERR_LIBRARY, 'saEvtDispatch', `connection lost: ${lostBecause}`);
    this.#finish(error);
  }

  #abort(): void {
    this.#finish(abortError(this.#source.signal as AbortSignal));
    this.#unsubscribed ??= this.#source.unsubscribe();
  }

  #finish(error: Error | undefined): void {
    if (this.#ended !== undefined) return;
    this.#source.signal?.removeEventListener('abort', this.#onAbort);
    this.#buffer.clear();
    const readers = this.#readers.splice(0);
    // The error belongs to one reader: the first that waits, or the next that comes.
    const first = error === undefined ? undefined : readers.shift();
    this.#ended = { error: first === undefined ? error : undefined };
    if (error !== undefined) first?.reject(error);
    for (const reader of readers) reader.resolve({ done: true, value: undefined });
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const item = this.#buffer.shift();
      if (item === undefined) return;
      this.#readers.shift()?.resolve({ done: false, value: item });
    }
  }
}
