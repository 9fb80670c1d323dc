/** The way to the lock: connect, open, wait; bounded by `--timeout`, ended by signals. */
import {
  isSaAisError,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
} from '@aisexec/ais';
import { Membership } from '@aisexec/clm';
import { deadlineOf, openWithin } from '@aisexec/ipc';
import { type HeldLock, type LockMode, LockNotGranted, LockService } from '@aisexec/lck';
import { EXIT } from '../exit-codes.ts';
import { VIEW_MS_MAX } from '../limits.ts';
import { Failure } from '../problems.ts';

export interface LockRequest {
  readonly socket: string;
  readonly name: string;
  readonly mode: LockMode;
  /** A semaphore of so many places. */
  readonly max: number | undefined;
  /** Bounds the wait for the lock; undefined: for ever. */
  readonly timeoutMs: number | undefined;
  /** Do not wait for other holders. */
  readonly noQueue: boolean;
}

/** What ends the wait. */
interface Bound {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** A lock and what it hangs on. */
export interface Holding {
  readonly lock: HeldLock;
  /** The number of the current view; undefined when CLM does not say. */
  viewNumber(signal: AbortSignal): Promise<bigint | undefined>;
  /** Hangs up, which also releases the lock. */
  close(): Promise<void>;
}

/**
 * @throws Failure 75 when the lock is not to be had, AbortError, SaAisError when no executive answers.
 */
export async function acquire(request: LockRequest, signal: AbortSignal): Promise<Holding> {
  const { socket, timeoutMs, noQueue } = request;
  const end = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
  const bound = (): Bound => ({ signal, ...leftUntil(end) });
  const open: AsyncDisposable[] = [];
  const close = async (): Promise<void> => {
    await Promise.allSettled(open.map((service) => service[Symbol.asyncDispose]()));
  };
  try {
    // First, and without a retry: says at once when there is no executive.
    const membership = await membershipOf(socket, bound());
    if (membership !== undefined) open.push(membership);
    const retry =
      noQueue && timeoutMs === undefined ? false : { totalMs: Number.POSITIVE_INFINITY };
    const locks = await LockService.connect({ socket, retry, ...bound() });
    open.push(locks);
    const lock = await lockOf(locks, request, bound());
    return { lock, viewNumber: (until) => viewNumberOf(membership, until), close };
  } catch (error) {
    await close();
    throw notAcquired(error, request) ?? error;
  }
}

async function membershipOf(socket: string, bound: Bound): Promise<Membership | undefined> {
  // A suspended executive lets one connect and then says nothing: not even then may the wait be longer.
  const connecting = Membership.connect({ socket, retry: false });
  try {
    return await deadlineOf(bound, 'saClmInitialize_4').race(connecting);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => {});
    if (isSaAisError(error, SA_AIS_ERR_NOT_SUPPORTED)) return undefined;
    throw error;
  }
}

async function lockOf(
  locks: LockService,
  { name, mode, max, noQueue }: LockRequest,
  bound: Bound,
): Promise<HeldLock> {
  const options = { mode, noQueue, ...(max === undefined ? {} : { max }), ...bound };
  // A semaphore asks several times, so the bound is on the whole.
  const deadline = deadlineOf(bound, 'saLckResourceLock');
  try {
    const claim = await openWithin(deadline, locks.claim(name, options), (late) => late.release());
    return claim.lock;
  } catch (error) {
    if (!(error instanceof LockNotGranted)) throw error;
    const why = REFUSALS[error.status] ?? error.status;
    const what = max === undefined ? `aisctl locks ${name}` : 'aisctl locks';
    throw new Failure(`lock '${name}' not acquired: ${why}`, EXIT.tryAgain, what);
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  'not-queued': 'others hold it',
  orphaned: 'its holder ended and left it as an orphan',
  'no-more': 'the executive has no room for more locks',
};

function leftUntil(end: number): { timeoutMs?: number } {
  if (end === Number.POSITIVE_INFINITY) return {};
  return { timeoutMs: Math.max(0, end - performance.now()) };
}

/** No time left, or no quorum for `--try`: an ordinary outcome, with the exit code that scripts test. */
function notAcquired(error: unknown, { name, timeoutMs }: LockRequest): Failure | undefined {
  if (isSaAisError(error, SA_AIS_ERR_TIMEOUT)) {
    const message = `lock '${name}' not acquired within ${timeoutMs} ms`;
    return new Failure(message, EXIT.tryAgain, `aisctl locks ${name}; aisctl quorum`);
  }
  if (isSaAisError(error, SA_AIS_ERR_TRY_AGAIN) && error.call !== 'connect') {
    const message = `lock '${name}' not acquired: the executive cannot grant it now`;
    return new Failure(message, EXIT.tryAgain, 'aisctl quorum; or --timeout to wait');
  }
  return undefined;
}

async function viewNumberOf(
  membership: Membership | undefined,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  try {
    return (await membership?.view({ signal, timeoutMs: VIEW_MS_MAX }))?.viewNumber;
  } catch {
    return undefined;
  }
}
