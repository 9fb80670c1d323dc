/** One timer of the idiomatic layer: an async iterator of its expiries. */
import { SA_AIS_ERR_LIBRARY, SaAisError } from '@aisexec/ais';
import { abortError, bigintOf, type CallOptions, DONE, Readers, type Reply } from '@aisexec/ipc';
import { type ExpiredPayload, SA_TIME_ABSOLUTE, SA_TIME_DURATION } from '../protocol.ts';

const NS_PER_MS = 1_000_000;

/** When a timer expires: after a while, or at a time; then every `everyMs`, or once. */
export interface TimerTimes {
  /** Milliseconds from the call on; fractions count. 0 when neither this nor `at` is given, or `everyMs` if that is. */
  readonly afterMs?: number;
  /** A point in time by the executive's wall clock, instead of `afterMs`. */
  readonly at?: Date;
  /** Milliseconds between expiries; absent: a single shot. */
  readonly everyMs?: number;
}

/** One expiry, or several that came together because nobody read the first in time. */
export interface Expiry {
  /** Expirations since the start, this one and skipped ones included. */
  readonly count: bigint;
  /** How many before this one were not told by themselves, beyond those that were skipped on purpose. */
  readonly missed: bigint;
}

/** What a timer needs of its service. */
export interface TimerHost {
  readonly ask: (
    fn: string,
    argument: unknown,
    options: CallOptions,
    call: string,
  ) => Promise<Reply>;
  /** Told once, when it will not expire any more. */
  readonly ended: (timer: Timer) => void;
}

/**
 * Yields each expiry; at most one waits to be read, and takes up those that follow (`missed`). Ends after the
 * expiry of a single shot, and when the timer is cancelled or its service closed; throws AbortError when its
 * signal is aborted, and SaAisError LIBRARY when the connection to the executive is lost.
 */
export class Timer implements AsyncIterableIterator<Expiry, undefined>, AsyncDisposable {
  /** Unique among the timers of its service object. */
  readonly id: bigint;
  readonly #host: TimerHost;
  readonly #signal: AbortSignal | undefined;
  readonly #readers = new Readers<Expiry>(() => this.#take());
  readonly #onAbort = () => void this.#abort();
  readonly #isSingle: boolean;
  /** The latest expiration that nobody has read, and the last that somebody has. */
  #waiting: ExpiredPayload | undefined;
  #read = { count: 0n, skipped: 0n };

  /** @internal Made by `TimerService.start`. */
  constructor(id: bigint, host: TimerHost, isSingle: boolean, signal: AbortSignal | undefined) {
    this.id = id;
    this.#host = host;
    this.#isSingle = isSingle;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Expiry, undefined>> {
    return this.#readers.next();
  }

  /** Leaving `for await` cancels the timer. */
  async return(): Promise<IteratorResult<Expiry, undefined>> {
    await this[Symbol.asyncDispose]();
    return DONE;
  }

  /**
   * Other times; counts go on, and what was to be skipped is not any more.
   * @throws SaAisError: NOT_EXIST when it has ended, INVALID_PARAM for a time that is past, or a single shot that
   * would become periodic or the reverse.
   */
  async reschedule(times: TimerTimes, options: CallOptions = {}): Promise<void> {
    const argument = { id: this.id, attributes: attributesFrom(times) };
    await this.#host.ask('reschedule', argument, options, 'saTmrTimerReschedule');
  }

  /** The next expiration counts, but is not told. Each call skips one more. @throws SaAisError NOT_EXIST. */
  async skip(options: CallOptions = {}): Promise<void> {
    await this.#host.ask('skip', { id: this.id }, options, 'saTmrPeriodicTimerSkip');
  }

  /** Milliseconds until the next expiration. @throws SaAisError NOT_EXIST when it has ended. */
  async remainingMs(options: CallOptions = {}): Promise<number> {
    const call = 'saTmrTimerRemainingTimeGet';
    const { remaining } = await this.#host.ask('get', { id: this.id }, options, call);
    return Number(bigintOf(remaining)) / NS_PER_MS;
  }

  /** Ends it; what was not read is dropped. @throws SaAisError NOT_EXIST when it has ended already. */
  async cancel(options: CallOptions = {}): Promise<void> {
    await this.#host.ask('cancel', { id: this.id }, options, 'saTmrTimerCancel');
    this.end();
  }

  /** Cancels it if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#readers.ended) return;
    this.end();
    await this.#release();
  }

  /** @internal */
  expired(payload: ExpiredPayload): void {
    if (this.#readers.ended) return;
    this.#waiting = payload;
    this.#readers.serve();
    if (this.#isSingle) this.#finish(undefined);
  }

  /** @internal It was cancelled or its service closed; with a reason: the connection is lost, what came before counts. */
  end(lostBecause?: string): void {
    if (lostBecause === undefined) this.#waiting = undefined;
    const error =
      lostBecause === undefined
        ? undefined
        : new SaAisError(SA_AIS_ERR_LIBRARY, 'saTmrDispatch', `connection lost: ${lostBecause}`);
    this.#finish(error);
  }

  #take(): Expiry | undefined {
    const latest = this.#waiting;
    if (latest === undefined) return undefined;
    const { count, skipped } = latest;
    const missed = count - this.#read.count - 1n - (skipped - this.#read.skipped);
    this.#waiting = undefined;
    this.#read = { count, skipped };
    return { count, missed };
  }

  async #abort(): Promise<void> {
    this.#waiting = undefined;
    this.#finish(abortError(this.#signal as AbortSignal));
    await this.#release();
  }

  /** Whether it still was there is all the same. */
  async #release(): Promise<void> {
    await this.#host.ask('cancel', { id: this.id }, {}, 'saTmrTimerCancel').catch(() => {});
  }

  #finish(error: Error | undefined): void {
    if (!this.#readers.end(error)) return;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#host.ended(this);
  }
}

/** The same in the standard's terms. @throws RangeError for what is no time. */
export function attributesFrom({ afterMs, at, everyMs }: TimerTimes) {
  const timerPeriodDuration = everyMs === undefined ? 0n : nanoseconds('everyMs', everyMs);
  if (everyMs !== undefined && timerPeriodDuration === 0n)
    throw new RangeError('everyMs must be above 0');
  if (at !== undefined && afterMs !== undefined) throw new RangeError('either afterMs or at');
  const type = at === undefined ? SA_TIME_DURATION : SA_TIME_ABSOLUTE;
  const initialExpirationTime =
    at === undefined
      ? nanoseconds('afterMs', afterMs ?? everyMs ?? 0)
      : nanoseconds('at', at.getTime());
  return { type, initialExpirationTime, timerPeriodDuration };
}

/** Milliseconds up to what a double holds exactly are far beyond the end of AIS time. */
function nanoseconds(name: string, ms: number): bigint {
  const ns = ms * NS_PER_MS;
  if (!(ns >= 0 && ns < 2 ** 63))
    throw new RangeError(`${name} must be a time of 0 or more, found ${ms}`);
  return BigInt(Math.round(ns));
}
