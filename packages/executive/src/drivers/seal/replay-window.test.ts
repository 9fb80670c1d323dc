import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { REPLAY_WINDOW_PACKETS } from '../../limits.ts';
import { ReplayWindow } from './replay-window.ts';

/** Takes a packet as the opener does. */
function take(window: ReplayWindow, counter: number): boolean {
  if (!window.isFresh(counter)) return false;
  window.mark(counter);
  return true;
}

describe('the replay window', () => {
  test('takes every packet once, in any order inside of it', () => {
    const window = new ReplayWindow();
    for (let counter = REPLAY_WINDOW_PACKETS - 1; counter >= 0; counter--) {
      expect(take(window, counter)).toBe(true);
    }
    for (let counter = 0; counter < REPLAY_WINDOW_PACKETS; counter++) {
      expect(take(window, counter)).toBe(false);
    }
  });

  test('has exactly its size', () => {
    const window = new ReplayWindow();
    expect(take(window, REPLAY_WINDOW_PACKETS)).toBe(true);
    expect(take(window, 0)).toBe(false);
    expect(take(window, 1)).toBe(true);
  });

  test('judges any arrival as plain bookkeeping would, near its borders and those of its words', () => {
    const near = (place: number) => fc.integer({ min: Math.max(0, place - 70), max: place + 70 });
    const counter = fc.oneof(
      ...[0, 1, 2, 3].map((n) => near(n * REPLAY_WINDOW_PACKETS)),
      fc.nat({ max: 4 * REPLAY_WINDOW_PACKETS }),
      near(REPLAY_WINDOW_PACKETS / 2),
    );
    fc.assert(
      fc.property(fc.array(counter, { maxLength: 300 }), (counters) => {
        const window = new ReplayWindow();
        const seen = new Set<number>();
        let newest = -1;
        for (const counter of counters) {
          const isTaken = !seen.has(counter) && counter > newest - REPLAY_WINDOW_PACKETS;
          expect(take(window, counter)).toBe(isTaken);
          if (!isTaken) continue;
          seen.add(counter);
          newest = Math.max(newest, counter);
        }
      }),
      { numRuns: 500 },
    );
  });
});
