/** One open channel of the idiomatic layer: publish to it, subscribe to it. */
import {
  isSaName,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_OK,
  SaAisError,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type AisHandle,
  bigintOf,
  type CallOptions,
  type Deadline,
  deadlineOf,
  okOrThrow,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { SUBSCRIPTION_BUFFER_MAX } from '../limits.ts';
import {
  type EventCallback,
  type PublishRequest,
  SA_EVT_LOWEST_PRIORITY,
  type SaEvtEventPriorityT,
  type SubscribeRequest,
} from '../protocol.ts';
import {
  checkAttributes,
  checkData,
  checkFilters,
  releaseOpen,
  releaseSubscription,
} from './calls.ts';
import { bytesOf, type FilterLike, filterOf, type Pattern } from './filters.ts';
import { eventItem } from './items.ts';
import type { PublishWindow } from './publish-window.ts';
import { Subscription } from './subscription.ts';

export interface ChannelOptions {
  /** Make the channel when it does not exist; else that is NOT_EXIST. */
  readonly create?: boolean;
  /** Allow `publish`. */
  readonly publisher?: boolean;
  /** Allow `subscribe`. */
  readonly subscriber?: boolean;
}

export interface EventInit {
  /** What filters look at; up to 10 of at most 255 bytes. */
  readonly patterns?: readonly Pattern[];
  /** 0 is served first; 3, the default, last. */
  readonly priority?: SaEvtEventPriorityT;
  /** Keep the event for later subscriptions. */
  readonly retentionMs?: number;
  /** Name of who publishes, up to 256 bytes. */
  readonly publisher?: string;
  /** At most 64 KiB. */
  readonly data?: Pattern;
}

export interface SubscribeOptions extends CallOptions {
  /** Events that may wait for the reader before some are dropped and a `lost` item says so. */
  readonly bufferMax?: number;
}

/** What a channel needs of the connection it belongs to. */
export interface ChannelHost {
  readonly handle: AisHandle;
  readonly retry: RetryOptions | false;
  /** Of all channels together: their executive bounds what one connection asks at a time. */
  readonly window: PublishWindow;
  closed(channel: Channel): void;
}

/** An open channel. Made by `EventService.open`. */
export class Channel implements AsyncDisposable {
  readonly name: string;
  /** @internal */
  readonly id: bigint;
  readonly #host: ChannelHost;
  readonly #options: ChannelOptions;
  /** By serial, which is the subscription's id, too. */
  readonly #subscriptions = new Map<number, Subscription>();
  #serials = 0;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(host: ChannelHost, id: bigint, name: string, options: ChannelOptions) {
    this.#host = host;
    this.id = id;
    this.name = name;
    this.#options = options;
  }

  /**
   * Resolves with the event's id when the event has its place in the total order and is on every executive of the ring.
   * Calls need not wait for each other; they keep their order unless the executive answers TRY_AGAIN in between. After a
   * TIMEOUT or abort the event may still be published.
   * @throws SaAisError: ACCESS without `publisher`, TOO_BIG, NO_RESOURCES when too much is retained …
   */
  async publish(event: EventInit, options: CallOptions = {}): Promise<bigint> {
    const call = 'saEvtEventPublish';
    const deadline = deadlineOf(options, call);
    this.#check(this.#options.publisher, call);
    const request = publishRequest(this.id, event);
    if (!this.#host.window.tryEnter()) await this.#host.window.enter(deadline);
    try {
      const reply = await this.#ask('publish', request, deadline, call);
      return bigintOf(reply['eventId']);
    } finally {
      this.#host.window.leave();
    }
  }

  /**
   * A stream of the events whose patterns pass the filters, one for each pattern by its place; none lets
   * everything pass. Retained events come first. In effect once its `ready` resolves. Every
   * subscription is a stream of its own: an event that two of them match is in both.
   * @param options `timeoutMs` bounds the way to `ready`; `signal` ends the stream.
   */
  subscribe(filters: readonly FilterLike[] = [], options: SubscribeOptions = {}): Subscription {
    const call = 'saEvtEventSubscribe';
    const { bufferMax = SUBSCRIPTION_BUFFER_MAX, signal } = options;
    this.#check(this.#options.subscriber, call);
    if (!Number.isInteger(bufferMax) || bufferMax < 1) {
      throw new TypeError('bufferMax must be a whole number of at least 1');
    }
    const wanted = filters.map(filterOf);
    okOrThrow({ rc: checkFilters(wanted) }, call);
    const deadline = deadlineOf(options, call);
    deadline.check();
    const serial = ++this.#serials;
    const request: SubscribeRequest = { handle: this.id, id: serial, serial, filters: wanted };
    const subscription = new Subscription({
      bufferMax,
      signal,
      subscribe: () => this.#ask('subscribe', request, deadline, call),
      unsubscribe: () => this.#unsubscribe(serial),
    });
    this.#subscriptions.set(serial, subscription);
    return subscription;
  }

  /** Ends the retention of an event. @throws SaAisError NOT_EXIST when it is not retained here. */
  async clearRetention(eventId: bigint, options: CallOptions = {}): Promise<void> {
    const call = 'saEvtEventRetentionTimeClear';
    this.#check(true, call);
    const request = { handle: this.id, id: eventId };
    await this.#ask('retentionClear', request, deadlineOf(options, call), call);
  }

  /** Ends the subscriptions and the open; the channel itself stays. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  deliver(event: EventCallback): void {
    const item = eventItem(event);
    for (const serial of event.serials) this.#subscriptions.get(serial)?.push(item);
  }

  /** @internal */
  tellLost(): void {
    for (const subscription of this.#subscriptions.values()) subscription.tellLost();
  }

  /** @internal The connection is closed, or with a reason: lost. */
  end(lostBecause?: SaAisError): void {
    this.#closing ??= Promise.resolve();
    for (const subscription of this.#subscriptions.values()) subscription.end(lostBecause);
    this.#subscriptions.clear();
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
    this.#host.closed(this);
    await releaseOpen(this.#host.handle, this.id);
  }

  async #unsubscribe(serial: number): Promise<void> {
    if (!this.#subscriptions.delete(serial)) return;
    await releaseSubscription(this.#host.handle, this.id, serial);
  }

  async #ask(fn: string, argument: unknown, deadline: Deadline, call: string): Promise<Reply> {
    const { handle, retry } = this.#host;
    const ask = () => deadline.race(handle.request(fn, argument));
    return okOrThrow(await withRetry(ask, deadline, retry), call);
  }

  #check(allowed: boolean | undefined, call: string): void {
    const { standing } = this.#host.handle;
    if (standing !== SA_AIS_OK) throw new SaAisError(standing, call);
    if (this.#closing !== undefined) {
      throw new SaAisError(SA_AIS_ERR_BAD_HANDLE, call, `channel '${this.name}' is closed`);
    }
    if (allowed !== true) {
      throw new SaAisError(
        SA_AIS_ERR_ACCESS,
        call,
        `channel '${this.name}' was not opened for this`,
      );
    }
  }
}

function publishRequest(handle: bigint, event: EventInit): PublishRequest {
  const call = 'saEvtEventPublish';
  const { patterns = [], priority = SA_EVT_LOWEST_PRIORITY, retentionMs = 0, data = '' } = event;
  const { publisher = '' } = event;
  if (!Number.isFinite(retentionMs)) throw new TypeError('retentionMs must be a finite number');
  const attributes = {
    patterns: patterns.map(bytesOf),
    priority,
    retention: BigInt(Math.round(retentionMs * 1_000_000)),
    publisher,
  };
  const bytes = bytesOf(data);
  okOrThrow({ rc: firstError(checkAttributes(attributes), checkData(bytes)) }, call);
  if (publisher !== '' && !isSaName(publisher)) {
    throw new SaAisError(SA_AIS_ERR_INVALID_PARAM, call, 'publisher is no name');
  }
  return { handle, ...attributes, data: bytes };
}

function firstError(...codes: readonly SaAisErrorT[]): SaAisErrorT {
  return codes.find((code) => code !== SA_AIS_OK) ?? SA_AIS_OK;
}
