import type { Handle } from './types.ts';

/**
 * Handles to objects: 64-bit numbers drawn at random, so that a stale, forged or foreign handle is
 * never taken for a live one (`SA_AIS_ERR_BAD_HANDLE`).
 */
export class HandleTable<Kind extends string, T> {
  readonly #objects = new Map<bigint, T>();
  readonly #random64: () => bigint;

  /** @param random64 draws 64 random bits; a client passes a cryptographic source. */
  constructor(random64: () => bigint) {
    this.#random64 = random64;
  }

  add(object: T): Handle<Kind> {
    let handle = 0n;
    while (handle === 0n || this.#objects.has(handle)) handle = this.#random64();
    this.#objects.set(handle, object);
    return handle as Handle<Kind>;
  }

  /** The object, or undefined when the handle was never valid or is closed. */
  get(handle: unknown): T | undefined {
    return typeof handle === 'bigint' ? this.#objects.get(handle) : undefined;
  }

  delete(handle: bigint): boolean {
    return this.#objects.delete(handle);
  }

  get size(): number {
    return this.#objects.size;
  }
}
