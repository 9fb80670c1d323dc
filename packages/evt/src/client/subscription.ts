/** One subscription of the idiomatic layer: a stream with a bounded buffer. */
import type { SaAisError } from '@aisexec/ais';
import { abortError, DONE, Readers } from '@aisexec/ipc';
import { EventBuffer } from './event-buffer.ts';
import type { EventItem, SubscriptionItem } from './items.ts';

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
  readonly #readers = new Readers<SubscriptionItem>(() => this.#buffer.shift());
  readonly #onAbort = () => this.#abort();
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
    return this.#readers.next();
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
    if (this.#readers.ended) return;
    this.#buffer.push(item);
    this.#readers.serve();
  }

  /** @internal */
  tellLost(): void {
    if (this.#readers.ended) return;
    this.#buffer.lost();
    this.#readers.serve();
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
    if (this.#readers.end(error)) this.#source.signal?.removeEventListener('abort', this.#onAbort);
  }
}
