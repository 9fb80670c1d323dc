import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { seqAfter, seqDistance, seqLess, seqMax, seqMin } from './seqno.ts';

const WRAP = 1n << 32n;
const u32 = fc.oneof(
  fc.nat({ max: 0xffffffff }),
  fc.integer({ min: 0xffffff00, max: 0xffffffff }),
  fc.nat({ max: 256 }),
);
/** Live numbers of a ring are within its sort queue of each other. */
const near = fc.integer({ min: -16_384, max: 16_384 });

/** The numbers as they would be had they never wrapped. */
function wrapped(unwrapped: bigint): number {
  return Number(((unwrapped % WRAP) + WRAP) % WRAP);
}

describe('sequence numbers against unbounded integers', () => {
  test('comparison, distance, minimum and maximum agree across the wrap', () => {
    fc.assert(
      fc.property(u32, near, (start, step) => {
        const a = BigInt(start);
        const b = a + BigInt(step);
        const [x, y] = [wrapped(a), wrapped(b)];
        expect(seqLess(x, y)).toBe(a < b);
        expect(seqDistance(x, y)).toBe(step);
        expect(seqMin(x, y)).toBe(wrapped(a < b ? a : b));
        expect(seqMax(x, y)).toBe(wrapped(a < b ? b : a));
      }),
    );
  });

  test('counting on stays in 32 bits', () => {
    fc.assert(
      fc.property(u32, fc.nat({ max: 16_384 }), (start, count) => {
        expect(seqAfter(start, count)).toBe(wrapped(BigInt(start) + BigInt(count)));
      }),
    );
    expect(seqAfter(0xffffffff)).toBe(0);
  });
});
