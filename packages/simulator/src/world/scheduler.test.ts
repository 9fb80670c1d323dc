import { expect, test } from '@jest/globals';
import { createRandom } from '../random.ts';
import { createScheduler } from './scheduler.ts';

test('events fire by time, equal times in the order of scheduling', () => {
  const scheduler = createScheduler();
  const random = createRandom(5);
  const fired: { time: number; order: number }[] = [];
  for (let order = 0; order < 2000; order += 1) {
    scheduler.at(random.below(50), {
      fire: (event) => fired.push({ time: event.time, order }),
    });
  }
  scheduler.runUntil(100);
  const sorted = [...fired].sort((x, y) => x.time - y.time || x.order - y.order);
  expect(fired).toHaveLength(2000);
  expect(fired).toEqual(sorted);
  expect(scheduler.now).toBe(100);
});

test('an event scheduled in the past fires now, after what is due already', () => {
  const scheduler = createScheduler();
  const seen: string[] = [];
  scheduler.at(10, {
    fire: () => scheduler.at(3, { fire: () => seen.push(`late ${scheduler.now}`) }),
  });
  scheduler.at(10, { fire: () => seen.push('second') });
  scheduler.runUntil(20);
  expect(seen).toEqual(['second', 'late 10']);
});

test('events without end at one instant stop the run instead of hanging it', () => {
  const scheduler = createScheduler();
  const again = { fire: () => scheduler.at(scheduler.now, again) };
  scheduler.at(1, again);
  expect(() => scheduler.runUntil(2)).toThrow('livelock');
});
