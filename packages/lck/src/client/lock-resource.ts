/** An open lock resource of the idiomatic layer. */
import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import {
  bigintOf,
  type CallOptions,
  deadlineOf,
  okOrThrow,
  type Reply,
  withRetry,
} from '@aisexec/ipc';
import {
  type LockRequest,
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_DUPLICATE_EX,
  SA_LCK_LOCK_NO_MORE,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
  SA_LCK_PR_LOCK_MODE,
} from '../protocol.ts';
import { releaseOpen, statusOf } from './calls.ts';
import { LockLostError, LockNotGranted, type RefusalStatus } from './errors.ts';
import { HeldLock, type LockMode } from './held-lock.ts';
import type { PendingLock, Session, WaiterListener } from './session.ts';

export interface LockOptions extends CallOptions {
  /** Do not wait: `not-queued` when the lock is not free. */
  readonly noQueue?: boolean;
  /** Once granted, the lock stays when this process ends without unlocking, until it is purged. */
  readonly orphan?: boolean;
  /**
   * The request comes from a client that does one thing at a time: `duplicate-ex` and `deadlock` are
   * answered. Off by default: tasks of one process wait for each other like processes do.
   */
  readonly detectDeadlock?: boolean;
  /** Any number that the holder's `onWaiter` gets. */
  readonly waiterSignal?: bigint;
}

/** What became of a request. Contention is an answer, not an error. */
export type LockOutcome =
  | { readonly status: 'granted'; readonly lock: HeldLock }
  | { readonly status: RefusalStatus };

/** Somebody waits for a lock that is held here. */
export interface Waiter {
  readonly lock: HeldLock;
  /** The requester's `waiterSignal`. */
  readonly signal: bigint;
  readonly modeRequested: LockMode;
}

export interface WaiterOptions {
  /** Called for every request that a lock held through this open blocks. */
  readonly onWaiter?: (waiter: Waiter) => void;
  /** Some of those calls were dropped since this process did not keep up. */
  readonly onWaitersMissed?: () => void;
}

/** Opened with `LockService.open`. */
export class LockResource implements AsyncDisposable {
  readonly name: string;
  readonly #session: Session;
  readonly #handle: bigint;
  readonly #held = new WeakMap<PendingLock, HeldLock>();
  readonly #listener: WaiterListener;
  #closed: Promise<Reply> | undefined;

  /** Made by `LockService.open`. */
  constructor(session: Session, handle: bigint, name: string, options: WaiterOptions) {
    this.#session = session;
    this.#handle = handle;
    this.name = name;
    this.#listener = {
      waiter: (pending, { waiterSignal, modeRequested }) => {
        const lock = this.#held.get(pending);
        const { onWaiter } = options;
        if (lock === undefined || onWaiter === undefined) return;
        const mode = modeRequested === SA_LCK_EX_LOCK_MODE ? 'EX' : 'PR';
        queueMicrotask(() => onWaiter({ lock, signal: waiterSignal, modeRequested: mode }));
      },
      missed: () => queueMicrotask(() => options.onWaitersMissed?.()),
    };
  }

  /**
   * Asks for the lock and waits for it. After an abort or a time-out nothing is held and nothing waits,
   * whatever the executive had decided meanwhile.
   * @throws SaAisError (TIMEOUT, TRY_AGAIN when there is no quorum for too long, LIBRARY when the
   * connection ends …), AbortError, LockLostError when the lock was lost before this resolved.
   */
  async lock(mode: LockMode, options: LockOptions = {}): Promise<LockOutcome> {
    const call = 'saLckResourceLock';
    const deadline = deadlineOf(options, call);
    deadline.check();
    if (mode !== 'PR' && mode !== 'EX') throw new TypeError(`mode must be 'PR' or 'EX'`);
    let pending = this.#session.register(this.name, this.#listener);
    const ask = async () => {
      const request = this.#request(pending.id, mode, options);
      const reply = await deadline.race(this.#session.handle.request('lock', request));
      // The next attempt is another lock: what is still said of this one does not concern it.
      if (reply.rc === SA_AIS_ERR_TRY_AGAIN) {
        this.#session.forget(pending);
        pending = this.#session.register(this.name, this.#listener);
      }
      return reply;
    };
    try {
      const reply = await withRetry(ask, deadline, this.#session.retry);
      const status = refusalOf(reply);
      if (status !== undefined) {
        this.#session.forget(pending);
        return { status };
      }
      okOrThrow(reply, call);
      if (pending.lost !== undefined) throw new LockLostError(this.name, pending.lost);
      const token = bigintOf(reply['fencingToken']);
      const lock = new HeldLock(this.#session, pending, mode, token);
      this.#held.set(pending, lock);
      return { status: 'granted', lock };
    } catch (error) {
      this.#session.release(pending);
      throw error;
    }
  }

  /** Like {@link lock}, for who wants the lock or nothing. @throws LockNotGranted besides. */
  async acquire(mode: LockMode, options: LockOptions = {}): Promise<HeldLock> {
    const outcome = await this.lock(mode, options);
    if (outcome.status === 'granted') return outcome.lock;
    throw new LockNotGranted(this.name, outcome.status);
  }

  /** The lock if it is free now, else undefined. */
  async tryAcquire(mode: LockMode, options: LockOptions = {}): Promise<HeldLock | undefined> {
    const outcome = await this.lock(mode, { ...options, noQueue: true });
    if (outcome.status === 'granted') return outcome.lock;
    if (outcome.status === 'not-queued') return undefined;
    throw new LockNotGranted(this.name, outcome.status);
  }

  /** Removes the locks that owners left behind with `orphan`, so that the resource can be locked. */
  async purgeOrphans(options: CallOptions = {}): Promise<void> {
    const call = 'saLckLockPurge';
    const deadline = deadlineOf(options, call);
    const ask = () => this.#session.handle.request('purge', { handle: this.#handle });
    okOrThrow(await withRetry(() => deadline.race(ask()), deadline, this.#session.retry), call);
  }

  /** Releases what is held through this open and cancels what waits. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#session.forgetAllOf(this.#listener);
      this.#closed = releaseOpen(this.#session.handle, this.#handle);
    }
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #request(lockId: bigint, mode: LockMode, options: LockOptions): LockRequest {
    const flags =
      (options.noQueue === true ? SA_LCK_LOCK_NO_QUEUE : 0) |
      (options.orphan === true ? SA_LCK_LOCK_ORPHAN : 0);
    return {
      handle: this.#handle,
      lockId,
      mode: mode === 'EX' ? SA_LCK_EX_LOCK_MODE : SA_LCK_PR_LOCK_MODE,
      flags: flags as LockRequest['flags'],
      waiterSignal: options.waiterSignal ?? 0n,
      detect: options.detectDeadlock === true,
    };
  }
}

const REFUSALS: Readonly<Record<number, RefusalStatus>> = {
  [SA_LCK_LOCK_NOT_QUEUED]: 'not-queued',
  [SA_LCK_LOCK_DEADLOCK]: 'deadlock',
  [SA_LCK_LOCK_ORPHANED]: 'orphaned',
  [SA_LCK_LOCK_DUPLICATE_EX]: 'duplicate-ex',
  [SA_LCK_LOCK_NO_MORE]: 'no-more',
};

function refusalOf(reply: Reply): RefusalStatus | undefined {
  if (reply.rc === SA_AIS_ERR_NO_RESOURCES) return 'no-more';
  return REFUSALS[statusOf(reply['lockStatus'])];
}
