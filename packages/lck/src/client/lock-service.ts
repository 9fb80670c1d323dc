/** The idiomatic layer's way in: a connection to the lock service of an executive. */
import {
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  deadlineOf,
  okOrThrow,
  type RetryOptions,
  random64,
  withRetry,
} from '@aisexec/ipc';
import {
  LCK_SERVICE_NAME,
  LCK_VERSIONS,
  type OpenRequest,
  type RevokeRequest,
} from '../protocol.ts';
import { releaseOpen } from './calls.ts';
import { type Claim, claimOne, claimSlot } from './claim.ts';
import { type ElectOptions, Leadership } from './election.ts';
import { LockLostError } from './errors.ts';
import type { HeldLock, LockMode } from './held-lock.ts';
import { type LockOptions, LockResource, type WaiterOptions } from './lock-resource.ts';
import { Session } from './session.ts';

export interface LockServiceOptions extends ConnectOptions, CallOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

export interface OpenOptions extends CallOptions, WaiterOptions {
  /** Make the resource when it does not exist; else that is NOT_EXIST. */
  readonly create?: boolean;
}

export interface WithLockOptions extends LockOptions, WaiterOptions {
  /** `EX` by default. */
  readonly mode?: LockMode;
  /**
   * A semaphore: up to so many hold it at once, 1 to `SEMAPHORE_SLOTS_MAX`. Everybody must say the same number.
   * What is held is one of as many exclusive locks, `NAME/1` to `NAME/MAX` (`lock.resource`), and the token
   * rises for each of those by itself.
   */
  readonly max?: number;
}

export interface RevokeOptions extends CallOptions {
  /** Only the locks that were granted under this token. */
  readonly fencingToken?: bigint;
}

/** A client of the lock service. Closing it, or the end of the process, releases all of its locks. */
export class LockService implements AsyncDisposable {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED. */
  static async connect(options: LockServiceOptions = {}): Promise<LockService> {
    const call = 'saLckInitialize';
    const { retry = {} } = options;
    let session: Session | undefined;
    const handle = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: LCK_SERVICE_NAME,
      supported: LCK_VERSIONS,
      membersOnly: true,
      version: { releaseCode: 'B', majorVersion: 3, minorVersion: 1 },
      onEvent: (event) => session?.onEvent(event),
    });
    session = new Session(handle, retry);
    return new LockService(session);
  }

  /** @throws SaAisError: NOT_EXIST without `create`, INVALID_PARAM for a name over 256 bytes … */
  async open(name: string, options: OpenOptions = {}): Promise<LockResource> {
    const call = 'saLckResourceOpen';
    const deadline = deadlineOf(options, call);
    const request: OpenRequest = {
      handle: random64(),
      name,
      create: options.create === true,
      notify: options.onWaiter !== undefined,
    };
    const { handle, retry } = this.#session;
    const ask = () => deadline.race(handle.request('open', request));
    try {
      okOrThrow(await withRetry(ask, deadline, retry), call);
    } catch (error) {
      releaseOpen(handle, request.handle);
      throw error;
    }
    return new LockResource(this.#session, request.handle, name, options);
  }

  /**
   * Runs `fn` under the lock and releases it afterwards. Options bound the wait for the lock, not `fn`.
   * @throws LockLostError when the lock was lost before `fn` was done; what `fn` throws goes first.
   */
  async withLock<T>(
    name: string,
    fn: (lock: HeldLock) => T | Promise<T>,
    options: WithLockOptions = {},
  ): Promise<T> {
    const claim = await this.claim(name, options);
    try {
      const { lock } = claim;
      const result = await fn(lock);
      if (lock.lost !== undefined && lock.lost !== 'released') {
        throw new LockLostError(lock.resource, lock.lost);
      }
      return result;
    } finally {
      await claim.release();
    }
  }

  /**
   * The lock of {@link withLock} for who cannot say in one function what is done under it: `release` gives back the
   * lock and the opens it needed.
   */
  claim(name: string, options: WithLockOptions = {}): Promise<Claim> {
    const open = (one: string) => this.open(one, { ...options, create: true });
    const { max, mode = 'EX' } = options;
    return max === undefined
      ? claimOne(open, name, mode, options)
      : claimSlot(open, name, max, options);
  }

  /**
   * For root and the executive's own user: takes the locks on a resource from their holders, whose signals are
   * aborted with `revoked`, and removes its orphans; who waits is granted next. With `fencingToken` only what was
   * granted under it: what was looked at is what is taken.
   * @returns how many locks were taken.
   * @throws SaAisError: ACCESS; NOT_EXIST: nobody has the resource open; TRY_AGAIN without quorum for too long.
   */
  async revoke(name: string, options: RevokeOptions = {}): Promise<number> {
    const call = 'saLckLockPurge';
    const request: RevokeRequest = { name, token: options.fencingToken ?? null };
    const { handle, retry } = this.#session;
    const deadline = deadlineOf(options, call);
    const ask = () => deadline.race(handle.request('revoke', request));
    return Number(okOrThrow(await withRetry(ask, deadline, retry), call)['revoked']);
  }

  /**
   * Stands for election and resolves when this client leads; until then it waits behind those before it. An
   * abort or a time-out withdraws it. It leads until `signal` of the result is aborted, or it resigns.
   */
  async elect(name: string, options: ElectOptions = {}): Promise<Leadership> {
    return new Leadership(await this.claim(name, options));
  }

  /** Releases all locks and ends the connection. Idempotent. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether this connection keeps the process alive; it does at first. */
  ref(): void {
    this.#session.handle.selectionObject().ref();
  }

  unref(): void {
    this.#session.handle.selectionObject().unref();
  }
}
