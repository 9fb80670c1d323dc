/** What the idiomatic layer says about locks that were not granted or did not last. */
import type { RevocationReason } from '../protocol.ts';

/**
 * Why a held lock must not be relied on any more: what the executive says ({@link RevocationReason}; it is
 * `revoked`, too, when an administrator takes this node out of the membership), or `session-lost`: the executive or
 * the connection to it is gone; or `released`: unlocked, closed or disposed of by the application itself.
 */
export type LockLostReason = RevocationReason | 'session-lost' | 'released';

/** The reason of `HeldLock.signal`; thrown where a lock is lost under somebody who needs it. */
export class LockLostError extends Error {
  readonly reason: LockLostReason;
  /** Name of the lock resource. */
  readonly resource: string;

  constructor(resource: string, reason: LockLostReason) {
    super(`lock on '${resource}' ${TEXT[reason]}`);
    this.name = 'LockLostError';
    this.resource = resource;
    this.reason = reason;
  }
}

/** Why a request was answered without a grant. */
export type RefusalStatus = 'not-queued' | 'deadlock' | 'orphaned' | 'duplicate-ex' | 'no-more';

/** Thrown by `acquire` for an answer that `lock` reports as a status. */
export class LockNotGranted extends Error {
  readonly status: RefusalStatus;
  readonly resource: string;

  constructor(resource: string, status: RefusalStatus) {
    super(`lock on '${resource}' not granted: ${status}`);
    this.name = 'LockNotGranted';
    this.resource = resource;
    this.status = status;
  }
}

const TEXT: Readonly<Record<LockLostReason, string>> = {
  'node-isolated': 'lost: this node is alone, without quorum',
  'quorum-lost': 'lost: this part of the cluster has no quorum',
  revoked: 'lost: an administrator revoked it or removed this node',
  merged: 'lost: dropped when the cluster came together again',
  'session-lost': 'lost: the connection to the executive ended',
  released: 'released',
};
