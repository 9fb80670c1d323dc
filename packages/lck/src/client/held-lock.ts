/** A lock that was granted. */
import { type CallOptions, deadlineOf } from '@aisexec/ipc';
import type { LockLostReason } from './errors.ts';
import type { PendingLock, Session } from './session.ts';

/** `PR`: shared with other readers. `EX`: exclusive. */
export type LockMode = 'PR' | 'EX';

/**
 * Holds as long as `signal` is not aborted. A paused process learns of a loss only when it runs again:
 * what the lock protects should check {@link fencingToken}.
 */
export class HeldLock implements AsyncDisposable {
  readonly mode: LockMode;
  /**
   * Rises with every exclusive grant of the resource, over restarts and partitions. Let the protected
   * store remember the highest it has seen and refuse lower ones.
   */
  readonly fencingToken: bigint;
  readonly #session: Session;
  readonly #lock: PendingLock;
  #released: Promise<unknown> | undefined;

  constructor(session: Session, lock: PendingLock, mode: LockMode, fencingToken: bigint) {
    this.#session = session;
    this.#lock = lock;
    this.mode = mode;
    this.fencingToken = fencingToken;
  }

  /** Name of the lock resource. */
  get resource(): string {
    return this.#lock.resource;
  }

  /** Aborted with a `LockLostError` as soon as the lock is, or may be, lost; and when it is released. */
  get signal(): AbortSignal {
    return this.#lock.signal;
  }

  /** Why the lock does not hold any more; undefined while it does. */
  get lost(): LockLostReason | undefined {
    return this.#lock.lost;
  }

  /** Releases the lock; resolves when another may have it. Without effect on one that is lost. */
  async unlock(options: CallOptions = {}): Promise<void> {
    if (this.#released === undefined && this.lost === undefined) {
      this.#lock.lose('released');
      this.#released = this.#session.release(this.#lock);
    }
    if (this.#released === undefined) return;
    await deadlineOf(options, 'saLckResourceUnlock').race(this.#released);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unlock();
  }
}
