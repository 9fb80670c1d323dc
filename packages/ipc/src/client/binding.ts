/** What the bindings of several services have in common beyond the handle: beginnings and time-outs. */
import {
  SA_AIS_ERR_TIMEOUT,
  SA_TIME_END,
  SA_TIME_ONE_MILLISECOND,
  SaAisError,
  type SaAisErrorT,
  type SaTimeT,
} from '@aisexec/ais';
import type { Reply } from './contract.ts';
import { type OpenHandleOptions, openHandle } from './handle.ts';
import type { AisHandle } from './handle-contract.ts';
import {
  type CallOptions,
  type Deadline,
  deadlineOf,
  type RetryOptions,
  withRetry,
} from './retry.ts';

export interface ConnectHandleOptions extends OpenHandleOptions {
  /** The AIS function in whose name errors are thrown. */
  readonly call: string;
  readonly deadline: Deadline;
  readonly retry: RetryOptions | false;
}

/**
 * The `connect` of an idiomatic layer: `openHandle`, repeated on TRY_AGAIN, within the deadline even while a
 * connection is being made.
 * @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED; AbortError.
 */
export async function connectHandle(options: ConnectHandleOptions): Promise<AisHandle> {
  const { call, deadline, retry } = options;
  const open = () => openWithin(deadline, openHandle(options), (late) => late.handle?.finalize());
  const { handle, rc, cause } = await withRetry(open, deadline, retry);
  if (handle !== undefined) return handle;
  throw cause instanceof SaAisError ? cause : new SaAisError(rc, call);
}

/** What is being opened, within the deadline; when nobody waits any more, what comes about after all is abandoned. */
export async function openWithin<T>(
  deadline: Deadline,
  opening: Promise<T>,
  abandon: (late: T) => unknown,
): Promise<T> {
  try {
    return await deadline.race(opening);
  } catch (error) {
    // An opening that fails leaves nothing behind.
    opening.then(abandon, () => {});
    throw error;
  }
}

/**
 * A request that takes something back, whatever became of the call that asked for it: repeated until the executive
 * has accepted it, or is gone.
 */
export function insist(handle: AisHandle, fn: string, argument: unknown): Promise<Reply> {
  const retry = { totalMs: Number.POSITIVE_INFINITY };
  return withRetry(() => handle.request(fn, argument), deadlineOf({}, fn), retry);
}

/** For literal layers: the reply, or TIMEOUT as an answer when none came within an AIS time-out. */
export async function withinTimeout<R extends { readonly rc: SaAisErrorT }>(
  pending: Promise<R>,
  timeout: SaTimeT,
): Promise<R | { readonly rc: typeof SA_AIS_ERR_TIMEOUT }> {
  if (timeout === SA_TIME_END) return pending;
  const options: CallOptions = { timeoutMs: Number(timeout) / Number(SA_TIME_ONE_MILLISECOND) };
  return deadlineOf(options, 'AIS call')
    .race(pending)
    .catch(() => ({ rc: SA_AIS_ERR_TIMEOUT }));
}
