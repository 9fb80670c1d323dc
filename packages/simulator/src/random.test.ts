import { describe, expect, test } from '@jest/globals';
import { createRandom } from './random.ts';

describe('the generator', () => {
  test('repeats itself for one seed and label, and differs for others', () => {
    const draw = (seed: number, label: string): number[] => {
      const random = createRandom(seed, label);
      return Array.from({ length: 8 }, () => random.u32());
    };
    expect(draw(42, 'a')).toEqual(draw(42, 'a'));
    expect(draw(42, 'a')).not.toEqual(draw(42, 'b'));
    expect(draw(42, 'a')).not.toEqual(draw(43, 'a'));
    expect(draw(42, 'a')).not.toEqual(draw(42 + 2 ** 32, 'a'));
  });

  test('forks do not depend on what was drawn before', () => {
    const used = createRandom(7);
    for (let i = 0; i < 100; i += 1) used.next();
    expect(used.fork('x').u32()).toBe(createRandom(7).fork('x').u32());
  });

  test('draws evenly', () => {
    const random = createRandom(1);
    const buckets = new Array<number>(16).fill(0);
    for (let i = 0; i < 160_000; i += 1) buckets[random.below(16)]! += 1;
    // Chi-squared with 15 degrees of freedom: above 37.7 once in a thousand seeds.
    const chi = buckets.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(37.7);
  });
});
