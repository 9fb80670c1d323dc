/** The idiomatic layer's way in: a connection to the event service of an executive. */
import {
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_LIBRARY,
  SaAisError,
} from '@aisexec/ais';
import {
  type AisHandle,
  bigintOf,
  type CallbackEvent,
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  deadlineOf,
  type FailedReopen,
  okOrThrow,
  type ReopenedEvent,
  type ReopenOptions,
  type ReopenPlan,
  type Reply,
  type RetryOptions,
  random64,
  withRetry,
} from '@aisexec/ipc';
import { PUBLISHES_IN_FLIGHT_MAX, PUBLISHES_WAITING_MAX } from '../limits.ts';
import {
  EVT_SERVICE_NAME,
  EVT_VERSIONS,
  type EventCallback,
  type LostCallback,
  type OpenRequest,
} from '../protocol.ts';
import { releaseOpen } from './calls.ts';
import { Channel, type ChannelHost, type ChannelOptions } from './channel.ts';
import { noteOpen } from './journal.ts';
import { PublishWindow } from './publish-window.ts';

export interface EventServiceOptions extends ConnectOptions, CallOptions, ReopenOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

export interface OpenOptions extends ChannelOptions, CallOptions {}

/** What the executives accept. */
export interface EventLimits {
  readonly channels: number;
  readonly eventBytes: number;
  readonly patternBytes: number;
  readonly patterns: number;
  readonly retentionMs: number;
}

/** A client of the event service. Closing it, or the end of the process, closes all of its channels. */
export class EventService implements AsyncDisposable {
  readonly #handle: AisHandle;
  readonly #retry: RetryOptions | false;
  readonly #channels = new Map<bigint, Channel>();
  readonly #host: ChannelHost;

  private constructor(handle: AisHandle, retry: RetryOptions | false) {
    this.#handle = handle;
    this.#retry = retry;
    this.#host = {
      handle,
      retry,
      window: new PublishWindow(PUBLISHES_IN_FLIGHT_MAX, PUBLISHES_WAITING_MAX),
      closed: (channel) => this.#channels.delete(channel.id),
    };
    handle.onLost((reason, rc) => this.#end(new SaAisError(rc, 'saEvtDispatch', reason)));
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED. */
  static async connect(options: EventServiceOptions = {}): Promise<EventService> {
    const call = 'saEvtInitialize';
    const { retry = {}, reopen } = options;
    let service: EventService | undefined;
    const plan: ReopenPlan = {
      note: noteOpen,
      cut: () => {
        if (service !== undefined) service.#tellLost();
      },
      reopened: (reason, failed) => {
        const names = service === undefined ? [] : service.#endFailed(failed);
        if (typeof reopen === 'function') reopen({ reason, failed: names });
      },
    };
    const handle = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: EVT_SERVICE_NAME,
      supported: EVT_VERSIONS,
      membersOnly: true,
      version: { releaseCode: 'B', majorVersion: 3, minorVersion: 1 },
      reopen: reopen === undefined ? undefined : plan,
      onEvent: (event) => {
        if (service !== undefined) service.#onEvent(event);
      },
    });
    service = new EventService(handle, retry);
    return service;
  }

  /** @throws SaAisError: NOT_EXIST without `create`, INVALID_PARAM for a name over 256 bytes … */
  async open(name: string, options: OpenOptions = {}): Promise<Channel> {
    const call = 'saEvtChannelOpen';
    const { create = false, publisher = false, subscriber = false } = options;
    if (!create && !publisher && !subscriber) throw new SaAisError(SA_AIS_ERR_BAD_FLAGS, call);
    const request: OpenRequest = { handle: random64(), name, create, publisher, subscriber };
    const channel = new Channel(this.#host, request.handle, name, options);
    try {
      await this.#ask('open', request, options, call);
    } catch (error) {
      releaseOpen(this.#handle, request.handle);
      throw error;
    }
    if (this.#handle.finalized) throw new SaAisError(SA_AIS_ERR_BAD_HANDLE, call);
    this.#channels.set(request.handle, channel);
    return channel;
  }

  /** Frees a channel's name; who has it open keeps it. @throws SaAisError NOT_EXIST. */
  async unlink(name: string, options: CallOptions = {}): Promise<void> {
    await this.#ask('unlink', { name }, options, 'saEvtChannelUnlink');
  }

  async limits(options: CallOptions = {}): Promise<EventLimits> {
    const reply = await this.#ask('limits', null, options, 'saEvtLimitGet');
    const number = (name: string) => Number(bigintOf(reply[name]));
    return {
      channels: number('channels'),
      eventBytes: number('eventBytes'),
      patternBytes: number('patternBytes'),
      patterns: number('patterns'),
      retentionMs: number('retention') / 1_000_000,
    };
  }

  /** Closes all channels and ends the connection. Idempotent. */
  async close(): Promise<void> {
    this.#end();
    await this.#handle.finalize();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether this connection keeps the process alive; it does at first. */
  ref(): void {
    this.#handle.selectionObject().ref();
  }

  unref(): void {
    this.#handle.selectionObject().unref();
  }

  #onEvent(event: CallbackEvent): void {
    if (event.name === 'event') {
      const received = event.payload as EventCallback;
      this.#channels.get(received.handle)?.deliver(received);
    } else if (event.name === 'lost') {
      this.#channels.get((event.payload as LostCallback).handle)?.tellLost();
    }
  }

  /** The executive restarted: what was published meanwhile is missing in every subscription. */
  #tellLost(): void {
    for (const channel of this.#channels.values()) channel.tellLost();
  }

  /** Ends what could not be opened again. */
  #endFailed(failed: readonly FailedReopen[]): ReopenedEvent['failed'] {
    return failed.map(({ argument, code }) => {
      const { handle } = argument as { readonly handle: bigint };
      const channel = this.#channels.get(handle);
      this.#channels.delete(handle);
      channel?.end(new SaAisError(SA_AIS_ERR_LIBRARY, 'saEvtDispatch', 'not opened again'));
      return { name: channel?.name ?? '', code };
    });
  }

  #end(lostBecause?: SaAisError): void {
    for (const channel of this.#channels.values()) channel.end(lostBecause);
    this.#channels.clear();
  }

  async #ask(fn: string, argument: unknown, options: CallOptions, call: string): Promise<Reply> {
    const deadline = deadlineOf(options, call);
    const ask = () => deadline.race(this.#handle.request(fn, argument));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call);
  }
}
