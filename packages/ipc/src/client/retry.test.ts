import {
  isSaAisError,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  SA_TIME_END,
  type SaAisErrorT,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { deadlineOf, okOrThrow, withRetry } from './retry.ts';

function answers(...codes: SaAisErrorT[]) {
  let calls = 0;
  return {
    call: async () => ({ rc: codes[Math.min(calls++, codes.length - 1)] as SaAisErrorT }),
    calls: () => calls,
  };
}
const quick = { baseMs: 1, maxMs: 2 };

describe('withRetry', () => {
  test('repeats TRY_AGAIN until another code comes', async () => {
    const { call, calls } = answers(SA_AIS_ERR_TRY_AGAIN, SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK);
    const attempts: number[] = [];
    const retry = { ...quick, onRetry: (attempt: number) => attempts.push(attempt) };
    expect((await withRetry(call, deadlineOf({}, 'saX'), retry)).rc).toBe(SA_AIS_OK);
    expect(calls()).toBe(3);
    expect(attempts).toEqual([1, 2]);
  });

  test('surfaces every other code at once, and TRY_AGAIN when retry is off', async () => {
    const unavailable = answers(SA_AIS_ERR_UNAVAILABLE);
    await withRetry(unavailable.call, deadlineOf({}, 'saX'));
    expect(unavailable.calls()).toBe(1);
    const busy = answers(SA_AIS_ERR_TRY_AGAIN);
    expect((await withRetry(busy.call, deadlineOf({}, 'saX'), false)).rc).toBe(
      SA_AIS_ERR_TRY_AGAIN,
    );
  });

  test('gives TRY_AGAIN back after its own total, TIMEOUT after the time-out of the call', async () => {
    const { call } = answers(SA_AIS_ERR_TRY_AGAIN);
    const total = { ...quick, totalMs: 10 };
    expect((await withRetry(call, deadlineOf({}, 'saX'), total)).rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    const error = await withRetry(call, deadlineOf({ timeoutMs: 10 }, 'saX'), quick).catch(
      (e: unknown) => e,
    );
    expect(isSaAisError(error, SA_AIS_ERR_TIMEOUT)).toBe(true);
  });

  test('an abort ends the wait with AbortError and its reason', async () => {
    const controller = new AbortController();
    const { call } = answers(SA_AIS_ERR_TRY_AGAIN);
    const deadline = deadlineOf({ signal: controller.signal }, 'saX');
    const retry = {
      baseMs: 60_000,
      maxMs: 60_000,
      totalMs: 1e9,
      onRetry: () => controller.abort('enough'),
    };
    await expect(withRetry(call, deadline, retry)).rejects.toMatchObject({
      name: 'AbortError',
      cause: 'enough',
    });
  });
});

describe('deadlineOf', () => {
  test('without limits it is endless and passes promises through', async () => {
    const deadline = deadlineOf({}, 'saX');
    expect(deadline.remainingMs()).toBe(Number.POSITIVE_INFINITY);
    expect(deadline.remainingNs()).toBe(SA_TIME_END);
    const promise = Promise.resolve(1);
    expect(deadline.race(promise)).toBe(promise);
  });

  test('a time-out races a promise that never settles', async () => {
    const deadline = deadlineOf({ timeoutMs: 5 }, 'saX');
    await expect(deadline.race(new Promise(() => {}))).rejects.toMatchObject({
      code: SA_AIS_ERR_TIMEOUT,
      call: 'saX',
    });
    expect(() => deadline.check()).toThrow(/TIMEOUT/);
    expect(deadline.remainingNs()).toBe(0n);
  });

  test.each([-1, Number.NaN, 'x'])('timeoutMs %p throws TypeError', (timeoutMs) => {
    expect(() => deadlineOf({ timeoutMs: timeoutMs as number }, 'saX')).toThrow(TypeError);
  });
});

test('okOrThrow throws the code under the name of the call', () => {
  expect(okOrThrow({ rc: SA_AIS_OK, x: 1 }, 'saX').x).toBe(1);
  expect(() => okOrThrow({ rc: SA_AIS_ERR_UNAVAILABLE }, 'saX')).toThrow(
    'saX: SA_AIS_ERR_UNAVAILABLE',
  );
});
