/**
 * The arguments of the literal layers: a wrong JavaScript type is the caller's mistake and throws a TypeError;
 * a null pointer or an impossible value is for the function to answer with its AIS code.
 */
import { randomFillSync } from 'node:crypto';

const UINT64_MAX = 0xffff_ffff_ffff_ffffn;

/** A handle, an id or an invocation: 64 bits without sign. */
export function expect64<T extends bigint>(name: string, value: T): T {
  if (typeof value === 'bigint' && value >= 0n && value <= UINT64_MAX) return value;
  throw new TypeError(`${name} must be a bigint of 64 bits, not ${String(value)}`);
}

/** A `SaTimeT`: 64 bits with sign. */
export function expectTime(name: string, value: bigint): bigint {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
  throw new TypeError(`${name} must be a bigint of 64 bits (SaTimeT), not ${String(value)}`);
}

/** Flags, an enumerated value, a count: whatever number, for the function to judge. */
export function expectNumber(name: string, value: number): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`${name} must be a number, not ${String(value)}`);
}

/** An unsigned number that travels as it is: a whole one from 0. */
export function expectCount(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} must be a non-negative integer, not ${String(value)}`);
}

/** A `SaNameT`; null for the null pointer. */
export function expectName(name: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  throw new TypeError(`${name} must be a string`);
}

/** A buffer; null for the null pointer. */
export function expectBytes(name: string, value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${name} must be a Uint8Array`);
}

/** A copy of the callbacks given to Initialize: none, or functions and null pointers. */
export function expectCallbacks<T extends object>(
  callbacks: T | null | undefined,
): T | Record<never, never> {
  if (callbacks === null || callbacks === undefined) return {};
  if (typeof callbacks !== 'object') throw new TypeError('callbacks must be an object');
  for (const [name, callback] of Object.entries(callbacks)) {
    if (callback !== null && callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`${name} must be a function`);
    }
  }
  return { ...callbacks };
}

/** An out-parameter of a reply that must be a bigint; 0n when an executive of another version left it out. */
export function bigintOf(value: unknown): bigint {
  return typeof value === 'bigint'
    ? value
    : BigInt(Number.isSafeInteger(value) ? Number(value) : 0);
}

/** 64 random bits that nobody guesses, never 0: what a client names its opens and locks with. */
export function random64(): bigint {
  const [bits = 0n] = randomFillSync(new BigUint64Array(1));
  return bits === 0n ? random64() : bits;
}
