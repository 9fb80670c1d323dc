import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ROTATION_PEAK_DECAY_MS } from './limits.ts';
import { TokenTimeout } from './token-timeout.ts';

const [MIN, MAX] = [400, 2_000];

function turning(timeout: TokenTimeout, from: number, rotations: number, everyMs: number): number {
  let now = from;
  for (let i = 0; i < rotations; i++) {
    now += everyMs;
    timeout.visited(now);
  }
  return now;
}

describe('the derived token time-out', () => {
  test('stays at its lower bound while the token comes by quickly', () => {
    const timeout = new TokenTimeout(MIN, MAX);
    turning(timeout, 0, 1_000, 1);
    expect(timeout.ms).toBe(MIN);
    expect(timeout.meanMs).toBeCloseTo(1);
  });

  test('is twice a silence after which the token came after all, and narrows again', () => {
    const timeout = new TokenTimeout(MIN, MAX);
    let now = turning(timeout, 0, 10, 5);
    now += 390;
    timeout.visited(now);
    expect(timeout.ms).toBe(780);
    now = turning(timeout, now, (3 * ROTATION_PEAK_DECAY_MS) / 100, 100);
    expect(timeout.ms).toBe(MIN);
  });

  test('follows a network that is slow all the time, up to its upper bound', () => {
    const timeout = new TokenTimeout(MIN, MAX);
    turning(timeout, 0, 50, 600);
    expect(timeout.ms).toBe(1_200);
    turning(timeout, 1e6, 50, 5_000);
    expect(timeout.ms).toBe(MAX);
  });

  test('does not take the time without a ring for a rotation', () => {
    const timeout = new TokenTimeout(MIN, MAX);
    const now = turning(timeout, 0, 10, 5);
    timeout.interrupted();
    turning(timeout, now + 10_000, 10, 5);
    expect(timeout.ms).toBe(MIN);
  });

  test('is wide enough for a pause of this process, and for an accusation that was false', () => {
    const timeout = new TokenTimeout(MIN, MAX);
    timeout.silence(300);
    expect(timeout.ms).toBe(600);
    for (const wanted of [1_200, MAX, MAX]) {
      timeout.silence(timeout.ms);
      expect(timeout.ms).toBe(wanted);
    }
  });

  test('with equal bounds is what was configured, whatever happens', () => {
    const timeout = new TokenTimeout(1_000, 1_000);
    turning(timeout, 0, 10, 900);
    timeout.silence(5_000);
    expect(timeout.ms).toBe(1_000);
  });

  test('never leaves its bounds, and is above every silence of late that leaves room', () => {
    const steps = fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (intervals) => {
        const timeout = new TokenTimeout(MIN, MAX);
        let now = 0;
        for (const interval of [0, ...intervals]) {
          now += interval;
          timeout.visited(now);
          expect(timeout.ms).toBeGreaterThanOrEqual(Math.max(MIN, Math.min(MAX, 1.9 * interval)));
          expect(timeout.ms).toBeLessThanOrEqual(MAX);
        }
      }),
    );
  });
});
