/** Leader election: the leader is who holds an exclusive lock, and its term has the lock's token. */
import type { CallOptions } from '@aisexec/ipc';
import type { Claim } from './claim.ts';
import type { LockLostReason } from './errors.ts';

/** Bounds the wait for the election, not the term. */
export interface ElectOptions extends CallOptions {}

/** A term of office: begins with the election, ends when it is lost or resigned. */
export class Leadership implements AsyncDisposable {
  readonly #claim: Claim;
  #resigned: Promise<void> | undefined;

  /** Made by `LockService.elect`. */
  constructor(claim: Claim) {
    this.#claim = claim;
    // Who lost the office does not stay on the list of candidates.
    if (this.signal.aborted) this.#release();
    else this.signal.addEventListener('abort', () => this.#release(), { once: true });
  }

  /** Name of the office. */
  get name(): string {
    return this.#claim.lock.resource;
  }

  /** Higher than that of every leader before: let the followers refuse lower ones. */
  get fencingToken(): bigint {
    return this.#claim.lock.fencingToken;
  }

  /** Aborted with a `LockLostError` as soon as another may lead; and on {@link resign}. */
  get signal(): AbortSignal {
    return this.#claim.lock.signal;
  }

  /** Why the term is over; undefined while it is not. */
  get lost(): LockLostReason | undefined {
    return this.#claim.lock.lost;
  }

  /** Ends the term; resolves when the next may lead. Idempotent. */
  async resign(): Promise<void> {
    await this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }

  #release(): Promise<void> {
    this.#resigned ??= this.#claim.release();
    return this.#resigned;
  }
}
