/**
 * A lock together with the opens it needed: what `withLock` and `elect` stand on. A semaphore is as many
 * exclusive locks as it has places, and whoever gets one of them is in (ADR 0101).
 */
import type { HeldLock, LockMode } from './held-lock.ts';
import { SEMAPHORE_SLOTS_MAX } from './limits.ts';
import type { LockOptions, LockResource } from './lock-resource.ts';

export interface Claim {
  readonly lock: HeldLock;
  /** Gives lock and opens back; resolves when another may have it. */
  release(): Promise<void>;
}

type Open = (name: string) => Promise<LockResource>;

export async function claimOne(
  open: Open,
  name: string,
  mode: LockMode,
  options: LockOptions,
): Promise<Claim> {
  const resource = await open(name);
  try {
    return claimOf(await resource.acquire(mode, options), [resource]);
  } catch (error) {
    await resource.close();
    throw error;
  }
}

/** @throws LockNotGranted with `noQueue` when all places are taken; RangeError for a wrong `max`. */
export async function claimSlot(
  open: Open,
  name: string,
  max: number,
  options: LockOptions,
): Promise<Claim> {
  if (!Number.isInteger(max) || max < 1 || max > SEMAPHORE_SLOTS_MAX) {
    throw new RangeError(`max must be a whole number from 1 to ${SEMAPHORE_SLOTS_MAX}, not ${max}`);
  }
  const names = Array.from({ length: max }, (_, i) => `${name}/${i + 1}`);
  const opened = await Promise.allSettled(names.map(open));
  const slots = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const closeAll = () => Promise.all(slots.map((slot) => slot.close()));
  try {
    for (const one of opened) if (one.status === 'rejected') throw one.reason;
    const lock = (await freeSlot(slots, options)) ?? (await anySlot(slots, options));
    return claimOf(lock, slots);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The first place that is free now. */
async function freeSlot(
  slots: readonly LockResource[],
  options: LockOptions,
): Promise<HeldLock | undefined> {
  for (const slot of slots) {
    const lock = await slot.tryAcquire('EX', options);
    if (lock !== undefined) return lock;
  }
  return undefined;
}

/** Waits for all places at once and keeps the first that comes; with `noQueue` none comes. */
async function anySlot(slots: readonly LockResource[], options: LockOptions): Promise<HeldLock> {
  const enough = new AbortController();
  const signals = options.signal === undefined ? [] : [options.signal];
  const signal = AbortSignal.any([enough.signal, ...signals]);
  const waits = slots.map((slot) => slot.acquire('EX', { ...options, signal }));
  try {
    const lock = await first(waits);
    // Another place may have been granted in the same moment: its turn is given back.
    for (const wait of waits) {
      wait.then(
        (other) => (other === lock ? undefined : other.unlock()),
        () => {},
      );
    }
    return lock;
  } finally {
    enough.abort();
  }
}

/** The first that succeeds, or the error of the first that fails when none does. */
async function first(waits: readonly Promise<HeldLock>[]): Promise<HeldLock> {
  try {
    return await Promise.any(waits);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

function claimOf(lock: HeldLock, resources: readonly LockResource[]): Claim {
  return {
    lock,
    async release() {
      await lock.unlock();
      await Promise.all(resources.map((resource) => resource.close()));
    },
  };
}
