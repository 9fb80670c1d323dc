/**
 * One connection of the idiomatic layer: which locks were asked for, and whom to tell when one is lost
 * or blocks somebody. A lock is registered before it is asked for, since the news of its loss may
 * overtake the continuation that waits for its grant.
 */
import { SA_AIS_ERR_UNAVAILABLE } from '@aisexec/ais';
import {
  type AisHandle,
  type CallbackEvent,
  type Reply,
  type RetryOptions,
  random64,
} from '@aisexec/ipc';
import {
  CALLBACK,
  type LockLostPayload,
  type LocksLostPayload,
  staysOnRecord,
  type WaiterPayload,
} from '../protocol.ts';
import { releaseLock } from './calls.ts';
import { LockLostError, type LockLostReason } from './errors.ts';

/** Who is told about the locks of one open. */
export interface WaiterListener {
  waiter(lock: PendingLock, waiter: WaiterPayload): void;
  missed(): void;
}

/** A lock from the request to its end, whatever that is. */
export class PendingLock {
  readonly id: bigint;
  readonly resource: string;
  readonly listener: WaiterListener;
  readonly #controller = new AbortController();

  constructor(id: bigint, resource: string, listener: WaiterListener) {
    this.id = id;
    this.resource = resource;
    this.listener = listener;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get lost(): LockLostReason | undefined {
    const reason: unknown = this.signal.aborted ? this.signal.reason : undefined;
    return reason instanceof LockLostError ? reason.reason : undefined;
  }

  /** The first reason counts. */
  lose(reason: LockLostReason): void {
    if (!this.signal.aborted) this.#controller.abort(new LockLostError(this.resource, reason));
  }
}

export class Session {
  readonly handle: AisHandle;
  readonly retry: RetryOptions | false;
  readonly #locks = new Map<bigint, PendingLock>();

  constructor(handle: AisHandle, retry: RetryOptions | false) {
    this.handle = handle;
    this.retry = retry;
    handle.onLost((_reason, rc) => {
      this.#loseAll(rc === SA_AIS_ERR_UNAVAILABLE ? 'revoked' : 'session-lost');
    });
  }

  register(resource: string, listener: WaiterListener): PendingLock {
    const lock = new PendingLock(random64(), resource, listener);
    this.#locks.set(lock.id, lock);
    return lock;
  }

  /** No news of this lock matter any more. */
  forget(lock: PendingLock): void {
    this.#locks.delete(lock.id);
  }

  /** Ends a lock at the executive, granted or not; resolves when that is certain. */
  release(lock: PendingLock): Promise<Reply> {
    this.forget(lock);
    return releaseLock(this.handle, lock.id);
  }

  /** The locks of an open that is being closed. */
  forgetAllOf(listener: WaiterListener): void {
    for (const lock of this.#locks.values()) {
      if (lock.listener !== listener) continue;
      this.forget(lock);
      lock.lose('released');
    }
  }

  async close(): Promise<void> {
    this.#loseAll('released');
    await this.handle.finalize();
  }

  onEvent(event: CallbackEvent): void {
    if (event.name === CALLBACK.lockLost) this.#revoke(event.payload as LockLostPayload);
    else if (event.name === CALLBACK.locksLost) {
      const { lockIds, reason } = event.payload as LocksLostPayload;
      for (const lockId of lockIds) this.#revoke({ lockId, reason });
    } else if (event.name === CALLBACK.waiter) {
      const waiter = event.payload as WaiterPayload;
      const lock = this.#locks.get(waiter.lockId);
      if (lock !== undefined) lock.listener.waiter(lock, waiter);
    } else if (event.name === CALLBACK.waitersLost) {
      const listeners = new Set([...this.#locks.values()].map((lock) => lock.listener));
      for (const listener of listeners) listener.missed();
    }
  }

  /**
   * When quorum is lost the executive still has the lock on record: it would be held again if this part
   * of the cluster became quorate. Its owner was told that it is lost, so it is given up.
   */
  #revoke({ lockId, reason }: LockLostPayload): void {
    const lock = this.#locks.get(lockId);
    if (lock === undefined) return;
    lock.lose(reason);
    if (staysOnRecord(reason)) this.release(lock);
    else this.forget(lock);
  }

  #loseAll(reason: LockLostReason): void {
    for (const lock of this.#locks.values()) lock.lose(reason);
    this.#locks.clear();
  }
}
