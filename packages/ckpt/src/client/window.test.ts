import { describe, expect, test } from '@jest/globals';
import { RequestWindow } from './window.ts';

const patient = (turn: Promise<void>) => turn;

describe('the window of requests', () => {
  test('lets its size pass at once and the others in their order', async () => {
    const window = new RequestWindow(2);
    const passed: number[] = [];
    expect([window.enter(patient), window.enter(patient)]).toEqual([undefined, undefined]);
    const waiting = [1, 2, 3].map((n) => window.enter(patient)?.then(() => passed.push(n)));
    window.leave();
    await waiting[0];
    expect(passed).toEqual([1]);
    window.leave();
    window.leave();
    await Promise.all(waiting);
    expect(passed).toEqual([1, 2, 3]);
  });

  test('passes on the turn of one that gave up, before or after it was its turn', async () => {
    const window = new RequestWindow(1);
    window.enter(patient);
    const early = window.enter(() => Promise.reject(new Error('gave up')));
    await expect(early).rejects.toThrow('gave up');
    let fail = (_error: Error) => {};
    const late = window.enter(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    window.leave();
    fail(new Error('too late'));
    await expect(late).rejects.toThrow('too late');
    expect(window.enter(patient)).toBeUndefined();
  });
});
