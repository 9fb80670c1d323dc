import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Filter } from '../protocol.ts';
import { matches } from './matching.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const PREFIX = 1;
const SUFFIX = 2;
const EXACT = 3;
const PASS_ALL = 4;
const filter = (type: Filter['type'], text: string): Filter => ({ type, pattern: bytes(text) });

describe('one filter on one pattern', () => {
  test.each([
    [PREFIX, 'ab', 'abc', true],
    [PREFIX, 'ab', 'ab', true],
    [PREFIX, 'ab', 'a', false],
    [PREFIX, 'bc', 'abc', false],
    [SUFFIX, 'bc', 'abc', true],
    [SUFFIX, 'bc', 'c', false],
    [SUFFIX, 'ab', 'abc', false],
    [EXACT, 'abc', 'abc', true],
    [EXACT, 'abc', 'abcd', false],
    [EXACT, 'a\0b', 'a\0c', false],
    [PREFIX, 'a\0b', 'a\0bc', true],
    [PASS_ALL, 'ignored', 'abc', true],
    [PREFIX, '', 'abc', true],
    [SUFFIX, '', '', true],
    [EXACT, '', '', true],
    [EXACT, '', 'a', false],
  ] as const)('type %i with %j on %j is %s', (type, wanted, pattern, expected) => {
    expect(matches([filter(type, wanted)], [bytes(pattern)])).toBe(expected);
  });
});

describe('filters and patterns of different number', () => {
  test('missing filters pass', () => {
    expect(matches([filter(EXACT, 'a')], [bytes('a'), bytes('b')])).toBe(true);
    expect(matches([], [bytes('a')])).toBe(true);
  });

  test('extra filters meet the empty pattern', () => {
    const one = [bytes('a')];
    expect(matches([filter(EXACT, 'a'), filter(PASS_ALL, 'x')], one)).toBe(true);
    expect(matches([filter(EXACT, 'a'), filter(PREFIX, '')], one)).toBe(true);
    expect(matches([filter(EXACT, 'a'), filter(PREFIX, 'x')], one)).toBe(false);
    expect(matches([filter(EXACT, 'a'), filter(EXACT, 'x')], one)).toBe(false);
  });
});

/** The rule as a sentence, on strings of one char per byte. */
function naive(filters: readonly Filter[], patterns: readonly Uint8Array[]): boolean {
  const text = (part: Uint8Array) => String.fromCharCode(...part);
  return filters.every(({ type, pattern }, i) => {
    const found = text(patterns[i] ?? new Uint8Array(0));
    const wanted = text(pattern);
    if (type === PREFIX) return found.startsWith(wanted);
    if (type === SUFFIX) return found.endsWith(wanted);
    return type === EXACT ? found === wanted : true;
  });
}

test('agrees with a naive model on everything', () => {
  // Few distinct bytes, so that matches happen.
  const part = fc
    .array(fc.constantFrom(0, 1, 255), { maxLength: 4 })
    .map((a) => Uint8Array.from(a));
  const filters = fc.array(
    fc.record({
      type: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
      pattern: part,
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(filters, fc.array(part, { maxLength: 4 }), (wanted, patterns) => {
      expect(matches(wanted, patterns)).toBe(naive(wanted, patterns));
    }),
    { numRuns: 2000 },
  );
});
