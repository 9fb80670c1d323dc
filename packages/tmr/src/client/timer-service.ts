/** The idiomatic layer's way in: a connection to the timer service of an executive. */
import {
  type AisHandle,
  bigintOf,
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  deadlineOf,
  okOrThrow,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { EXPIRED, type ExpiredPayload, TMR_SERVICE_NAME, TMR_VERSIONS } from '../protocol.ts';
import { attributesFrom, Timer, type TimerHost, type TimerTimes } from './timer.ts';

export interface TimerServiceOptions extends ConnectOptions, CallOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

/** `signal` and `timeoutMs` bound the call; `signal` cancels the timer afterwards, too. */
export interface StartOptions extends TimerTimes, CallOptions {}

/** A client of the timer service. Closing it, or the end of the process, ends all of its timers. */
export class TimerService implements AsyncDisposable {
  readonly #handle: AisHandle;
  readonly #retry: RetryOptions | false;
  readonly #timers = new Map<bigint, Timer>();
  #lastId = 0n;
  readonly #host: TimerHost;

  private constructor(handle: AisHandle, retry: RetryOptions | false) {
    this.#handle = handle;
    this.#retry = retry;
    this.#host = {
      ask: (...request) => this.#ask(...request),
      ended: (timer) => this.#timers.delete(timer.id),
    };
    handle.onLost((reason) => this.#end(reason));
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED. */
  static async connect(options: TimerServiceOptions = {}): Promise<TimerService> {
    const call = 'saTmrInitialize';
    const { retry = {} } = options;
    let service: TimerService | undefined;
    const handle = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: TMR_SERVICE_NAME,
      supported: TMR_VERSIONS,
      version: { releaseCode: 'A', majorVersion: 1, minorVersion: 1 },
      onEvent: ({ name, payload }) => {
        if (name === EXPIRED && service !== undefined)
          service.#onExpired(payload as ExpiredPayload);
      },
    });
    service = new TimerService(handle, retry);
    return service;
  }

  /**
   * Starts a timer in the executive of this node.
   * @throws SaAisError: NO_RESOURCES with too many timers; RangeError for what is no time.
   */
  async start(options: StartOptions): Promise<Timer> {
    const call = 'saTmrTimerStart';
    const attributes = attributesFrom(options);
    this.#lastId++;
    const id = this.#lastId;
    const isSingle = attributes.timerPeriodDuration === 0n;
    const timer = new Timer(id, this.#host, isSingle, options.signal);
    this.#timers.set(id, timer);
    try {
      await this.#ask('start', { id, attributes }, options, call);
    } catch (error) {
      // A time-out says nothing about what the executive did.
      await timer[Symbol.asyncDispose]();
      throw error;
    }
    return timer;
  }

  /** The wall clock of the executive. */
  async now(options: CallOptions = {}): Promise<Date> {
    const { time } = await this.#ask('time', null, options, 'saTmrTimeGet');
    return new Date(Number(bigintOf(time) / 1_000_000n));
  }

  /** Ends all timers and the connection. Idempotent. */
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

  #onExpired(payload: ExpiredPayload): void {
    this.#timers.get(payload.id)?.expired(payload);
  }

  #end(lostBecause?: string): void {
    for (const timer of this.#timers.values()) timer.end(lostBecause);
  }

  async #ask(fn: string, argument: unknown, options: CallOptions, call: string): Promise<Reply> {
    const deadline = deadlineOf(options, call);
    const ask = () => deadline.race(this.#handle.request(fn, argument));
    return okOrThrow(await withRetry(ask, deadline, this.#retry), call);
  }
}
