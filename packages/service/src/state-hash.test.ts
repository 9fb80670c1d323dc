import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from './codec.ts';
import { InvariantError } from './invariant.ts';
import { hashState } from './state-hash.ts';

describe('the state hash', () => {
  test('does not see the order of an object’s fields, nor absent ones', () => {
    expect(hashState({ a: 1, b: 2n, c: undefined })).toBe(hashState({ b: 2n, a: 1 }));
  });

  test('sees the order of Maps, Sets and arrays, since handlers act in it', () => {
    const map = (...keys: string[]) => new Map(keys.map((key) => [key, 1]));
    expect(hashState(map('a', 'b'))).not.toBe(hashState(map('b', 'a')));
    expect(hashState(new Set([1, 2]))).not.toBe(hashState(new Set([2, 1])));
    expect(hashState([1, 2])).not.toBe(hashState([2, 1]));
  });

  test('tells neighbouring values and types apart', () => {
    const values = [
      ...[0, 1, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, Number.NaN, Infinity],
      ...[0n, 1n, -1n, 2n ** 32n, 2n ** 64n - 1n, '', '0', '1', 'ab', 'ba', null, true, false],
      ...[[], {}, new Map(), new Set(), [[]], [[], []], ['ab', 'c'], ['a', 'bc'], { a: 1 }],
      ...[new Uint8Array(0), new Uint8Array(1), new Uint8Array(2), new Uint8Array([1, 0, 0, 0])],
    ];
    const hashes = values.map((value) => hashState(value));
    expect(new Set(hashes).size).toBe(values.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is the same for what went through a message', () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.uint8Array(),
        fc.array(tie('value')),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('value'),
        ),
      ),
    }));
    fc.assert(
      fc.property(plain.value, (value) => {
        const decoded = decode(encode(value));
        expect(decoded.ok && hashState(decoded.value)).toBe(hashState(value));
      }),
    );
  });

  test('refuses what is not plain data, and cycles', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [() => 1, new (class {})(), new Date(0), Symbol('x'), cycle]) {
      expect(() => hashState(value)).toThrow(InvariantError);
    }
  });
});

describe('the codec', () => {
  test('refuses rubbish without throwing', () => {
    for (const bytes of [
      [],
      [0xc1],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
      [0x93, 1],
      [1, 1],
      [0xd6, 0xff, 0, 0, 0, 0],
    ]) {
      expect(decode(new Uint8Array(bytes))).toEqual({ ok: false });
    }
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof decode(bytes).ok === 'boolean'));
    const nested = (levels: number) =>
      encode(
        Array(levels)
          .fill(0)
          .reduce((inner) => [inner], 1),
      );
    expect([decode(nested(30)).ok, decode(nested(40)).ok]).toEqual([true, false]);
  });

  test('hands out bytes of its own, as plain Uint8Arrays', () => {
    const bytes = encode({ data: Uint8Array.of(1, 2, 3) });
    const decoded = decode(bytes);
    bytes.fill(0);
    expect(decoded).toStrictEqual({ ok: true, value: { data: Uint8Array.of(1, 2, 3) } });
  });

  test('keeps 64-bit integers bigint whatever their size', () => {
    const value = { a: 1n, b: -1n, c: 2n ** 64n - 1n, d: 1, e: 2 ** 40 };
    expect(decode(encode(value))).toEqual({ ok: true, value });
  });
});
