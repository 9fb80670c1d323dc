/**
 * Deadlines, cancellation and the retry of TRY_AGAIN for the idiomatic layers (AIS E.2). Only code 6 is
 * retried. Waiting holds a referenced timer: unlike `AbortSignal.timeout` it keeps the process alive.
 */
import {
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SA_TIME_END,
  SA_TIME_ONE_MILLISECOND,
  SaAisError,
  type SaAisErrorT,
  type SaTimeT,
} from '@aisexec/ais';
import { RETRY_BASE_MS, RETRY_TOTAL_MS, RETRY_WAIT_MAX_MS } from '../limits.ts';

/** How TRY_AGAIN is retried: full jitter between 0 and `base * 2^n`, at most `max`. */
export interface RetryOptions {
  readonly baseMs?: number;
  readonly maxMs?: number;
  /** Where the call has no time-out of its own. */
  readonly totalMs?: number;
  readonly onRetry?: (attempt: number, waitMs: number) => void;
}

/** What every idiomatic call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A point in time and a signal, whichever comes first. */
export interface Deadline {
  /** Whether the caller set a time-out. */
  readonly limited: boolean;
  /** Milliseconds left, never negative; Infinity without a time-out. */
  remainingMs(): number;
  /** The same for an AIS time-out argument; SA_TIME_END without one. */
  remainingNs(): SaTimeT;
  /** @throws AbortError when the signal is aborted, SaAisError TIMEOUT when the time is over. */
  check(): void;
  /** Resolves after `ms`; rejects like {@link check} as soon as it would throw. */
  wait(ms: number): Promise<void>;
  /** Settles as `promise` does, or rejects like {@link check}, whichever is first. */
  race<T>(promise: Promise<T>): Promise<T>;
}

/** @param call named in the error, e.g. `saLckResourceLock`. */
export function deadlineOf(options: CallOptions, call: string): Deadline {
  const { signal, timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new TypeError(`timeoutMs must be a number of at least 0, not ${String(timeoutMs)}`);
  }
  const limited = timeoutMs !== undefined && Number.isFinite(timeoutMs);
  const end = limited ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
  const remainingMs = () =>
    limited ? Math.max(0, end - performance.now()) : Number.POSITIVE_INFINITY;
  const failure = (): Error | undefined => {
    if (signal?.aborted) return abortError(signal);
    return remainingMs() === 0 ? new SaAisError(SA_AIS_ERR_TIMEOUT, call) : undefined;
  };
  const race = <T>(promise: Promise<T>): Promise<T> =>
    raceAgainst(promise, signal, remainingMs, () => new SaAisError(SA_AIS_ERR_TIMEOUT, call));
  return {
    limited,
    remainingMs,
    remainingNs: () =>
      limited ? BigInt(Math.ceil(remainingMs())) * SA_TIME_ONE_MILLISECOND : SA_TIME_END,
    check() {
      const error = failure();
      if (error !== undefined) throw error;
    },
    wait(ms) {
      let timer: NodeJS.Timeout | undefined;
      const slept = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      return race(slept).finally(() => clearTimeout(timer));
    },
    race,
  };
}

/**
 * Repeats `call` while it answers TRY_AGAIN, until the deadline (then TIMEOUT is thrown) or, without
 * one, for `totalMs` (then the last answer is returned). `false` for `retry`: one attempt only.
 */
export async function withRetry<R extends { readonly rc: SaAisErrorT }>(
  call: () => Promise<R>,
  deadline: Deadline,
  retry: RetryOptions | false = {},
): Promise<R> {
  deadline.check();
  let answer = await call();
  if (retry === false) return answer;
  const { baseMs = RETRY_BASE_MS, maxMs = RETRY_WAIT_MAX_MS, totalMs = RETRY_TOTAL_MS } = retry;
  const giveUp = deadline.limited ? Number.POSITIVE_INFINITY : performance.now() + totalMs;
  for (let attempt = 1; answer.rc === SA_AIS_ERR_TRY_AGAIN; attempt++) {
    const waitMs = Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
    if (performance.now() + waitMs >= giveUp) return answer;
    retry.onRetry?.(attempt, waitMs);
    await deadline.wait(waitMs);
    answer = await call();
  }
  return answer;
}

/** The reply, or SaAisError when its `rc` is not OK. */
export function okOrThrow<R extends { readonly rc: SaAisErrorT }>(reply: R, call: string): R {
  if (reply.rc !== SA_AIS_OK) throw new SaAisError(reply.rc, call);
  return reply;
}

/** The AbortError of a signal, with the signal's own reason as its cause. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return error;
}

/** Longest delay that setTimeout takes. */
const TIMER_MS_MAX = 0x7fff_ffff;

function raceAgainst<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  remainingMs: () => number,
  timedOut: () => Error,
): Promise<T> {
  if (signal?.aborted) {
    promise.catch(() => {});
    return Promise.reject(abortError(signal));
  }
  if (signal === undefined && remainingMs() === Number.POSITIVE_INFINITY) return promise;
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => finish(() => reject(abortError(signal as AbortSignal)));
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const arm = () => {
      const left = remainingMs();
      if (left === Number.POSITIVE_INFINITY) return;
      if (left === 0) finish(() => reject(timedOut()));
      else timer = setTimeout(arm, Math.min(left, TIMER_MS_MAX));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    );
    arm();
  });
}
