/**
 * A canonical 64-bit hash of plain data: how replicas are compared after every synchronisation, without
 * building strings. Fields of objects count in the order of their sorted names and absent is the same as
 * undefined. Maps, Sets and arrays count in their own order: code that iterates them acts in that
 * order, so replicas that differ in it are not equal (ADR 0042).
 *
 * Not cryptographic: it finds bugs and divergence, it does not stop an attacker.
 */
import { invariant } from './invariant.ts';
import { STATE_DEPTH_MAX } from './limits.ts';

/** Type tags, so that values of different types never hash alike. */
const TAG = {
  absent: 1,
  nothing: 2,
  no: 3,
  yes: 4,
  int: 5,
  float: 6,
  bigint: 7,
  text: 8,
  bytes: 9,
  list: 10,
  map: 11,
  set: 12,
  object: 13,
} as const;

/** Two 32-bit murmur-like lanes; words go in, 16 hex digits come out. */
export class Hash64 {
  #a = 0x243f6a88;
  #b = 0x13198a2e;

  word(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x85ebca6b);
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    const b = Math.imul(this.#b ^ word, 0xc2b2ae35);
    this.#b = (((b << 17) | (b >>> 15)) + this.#a) | 0;
  }

  text(text: string): void {
    this.word(text.length);
    let i = 0;
    for (; i + 1 < text.length; i += 2) {
      this.word(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    }
    if (i < text.length) this.word(text.charCodeAt(i));
  }

  bytes(bytes: Uint8Array): void {
    this.word(bytes.length);
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    }
    for (let i = whole; i < bytes.length; i++) this.word(bytes[i]!);
  }

  /** A bigint of 64 bit, signed or not. */
  long(value: bigint): void {
    // Through memory: arithmetic on bigints would allocate.
    scratch.setBigInt64(0, value);
    this.word(scratch.getInt32(0));
    this.word(scratch.getInt32(4));
  }

  /** A safe integer, all of its bits. */
  integer(value: number): void {
    this.word(value | 0);
    this.word(Math.floor(value / 0x1_0000_0000));
  }

  /** The hash so far in 52 bits: an integer that two of can be added exactly, see {@link sum52}. */
  number52(): number {
    const high = finish(this.#a ^ this.#b) & 0xf_ffff;
    return high * 0x1_0000_0000 + finish(this.#b);
  }

  /** The hash so far; more may follow. */
  hex(): string {
    return hex32(finish(this.#a ^ this.#b)) + hex32(finish(this.#b));
  }
}

const SUM_END = 2 ** 52;

/**
 * A sum of hashes in 52 bits, to which `hash` is added or, negative, from which it is taken: the digest of a
 * collection in no order, corrected by each change.
 */
export function sum52(sum: number, hash: number): number {
  const next = sum + hash;
  if (next < 0) return next + SUM_END;
  return next >= SUM_END ? next - SUM_END : next;
}

/**
 * Hash of plain data, 16 hex digits.
 * @throws InvariantError for what is not plain data (a function, a class instance) or too deep (a cycle).
 */
export function hashState(state: unknown): string {
  const hash = new Hash64();
  addValue(hash, state, 0);
  return hash.hex();
}

function addValue(hash: Hash64, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'number':
      addNumber(hash, value);
      return;
    case 'string':
      hash.word(TAG.text);
      hash.text(value);
      return;
    case 'boolean':
      hash.word(value ? TAG.yes : TAG.no);
      return;
    case 'bigint':
      addBigint(hash, value);
      return;
    case 'undefined':
      hash.word(TAG.absent);
      return;
    case 'object':
      value === null ? hash.word(TAG.nothing) : addObject(hash, value, depth + 1);
      return;
    default:
      invariant(false, 'state holds what is not plain data', { type: typeof value });
  }
}

const scratch = new DataView(new ArrayBuffer(8));

function addNumber(hash: Hash64, value: number): void {
  if ((value | 0) === value) {
    hash.word(TAG.int);
    hash.word(value | 0);
    return;
  }
  scratch.setFloat64(0, value);
  hash.word(TAG.float);
  hash.word(scratch.getInt32(0));
  hash.word(scratch.getInt32(4));
}

const INT64_MIN = -(2n ** 63n);
const UINT64_END = 2n ** 64n;

function addBigint(hash: Hash64, value: bigint): void {
  hash.word(TAG.bigint);
  hash.word(value < 0n ? 1 : 0);
  if (value >= INT64_MIN && value < UINT64_END) {
    hash.long(value);
    return;
  }
  hash.text(value.toString(16));
}

function addObject(hash: Hash64, value: object, depth: number): void {
  invariant(depth <= STATE_DEPTH_MAX, 'state is nested too deep', { depth });
  if (Array.isArray(value)) {
    hash.word(TAG.list);
    hash.word(value.length);
    for (const item of value) addValue(hash, item, depth);
  } else if (value instanceof Map) {
    hash.word(TAG.map);
    hash.word(value.size);
    for (const [key, item] of value) {
      addValue(hash, key, depth);
      addValue(hash, item, depth);
    }
  } else if (value instanceof Set) {
    hash.word(TAG.set);
    hash.word(value.size);
    for (const item of value) addValue(hash, item, depth);
  } else if (value instanceof Uint8Array) {
    hash.word(TAG.bytes);
    hash.bytes(value);
  } else {
    addRecord(hash, value as Readonly<Record<string, unknown>>, depth);
  }
}

function addRecord(hash: Hash64, value: Readonly<Record<string, unknown>>, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  invariant(isPlainPrototype(prototype), 'state holds a class instance');
  hash.word(TAG.object);
  for (const name of sortedKeys(value)) {
    const field = value[name];
    if (field === undefined) continue;
    hash.text(name);
    addValue(hash, field, depth);
  }
  hash.word(TAG.object);
}

/** Most objects of one kind were made alike; looking is cheaper than sorting. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i++) {
    if (keys[i - 1]! > keys[i]!) return keys.sort();
  }
  return keys;
}

/** Object.prototype of any realm (a test runner has its own) or null. */
function isPlainPrototype(prototype: unknown): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function finish(lane: number): number {
  let h = lane ^ (lane >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex32(word: number): string {
  return word.toString(16).padStart(8, '0');
}
