import { SA_AIS_ERR_INVALID_PARAM, SA_AIS_ERR_LIBRARY, SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createWorld, type World } from '../cluster.fixture.ts';
import { TimerService } from './timer-service.ts';

async function start(): Promise<{ readonly world: World; readonly timers: TimerService }> {
  const world = createWorld(2);
  return { world, timers: await TimerService.connect({ connector: world.connector(2) }) };
}

describe('the idiomatic layer', () => {
  test('a single shot yields once and ends', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ afterMs: 5 });
    expect(await timer.remainingMs()).toBe(5);
    world.cluster.advance(5);
    const expiries = [];
    for await (const expiry of timer) expiries.push(expiry);
    expect(expiries).toEqual([{ count: 1n, missed: 0n }]);
    await expect(timer.cancel()).rejects.toMatchObject({ code: SA_AIS_ERR_NOT_EXIST });
  });

  test('a periodic timer says how many expiries nobody was told of', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ everyMs: 10 });
    world.cluster.advance(10);
    expect((await timer.next()).value).toEqual({ count: 1n, missed: 0n });
    world.cluster.advance(35);
    // Its answer comes after the expiries before it.
    await timers.now();
    expect((await timer.next()).value).toEqual({ count: 4n, missed: 2n });
    const later = timer.next();
    world.cluster.advance(5);
    expect((await later).value).toEqual({ count: 5n, missed: 0n });
  });

  test('what was skipped on purpose was not missed', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ everyMs: 10 });
    await timer.skip();
    world.cluster.advance(20);
    await timers.now();
    expect((await timer.next()).value).toEqual({ count: 2n, missed: 0n });
    await timer.skip();
    world.cluster.advance(45);
    await timers.now();
    expect((await timer.next()).value).toEqual({ count: 6n, missed: 2n });
  });

  test('leaving the loop cancels, and so does the signal', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ everyMs: 1 });
    world.cluster.advance(1);
    for await (const _ of timer) break;
    const controller = new AbortController();
    const aborted = await timers.start({ everyMs: 1, signal: controller.signal });
    const next = aborted.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ name: 'AbortError' });
    // Its answer comes after the cancels before it.
    await timers.now();
    expect(world.cluster.host(2).inspect('tmr')).toEqual({ timers: [] });
  });

  test('other times, and refusals by their code', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ at: new Date((await timers.now()).getTime() + 1000) });
    expect(await timer.remainingMs()).toBe(1000);
    await timer.reschedule({ afterMs: 20 });
    await expect(timer.reschedule({ everyMs: 20 })).rejects.toMatchObject({
      code: SA_AIS_ERR_INVALID_PARAM,
    });
    world.cluster.advance(20);
    expect(await timer.next()).toMatchObject({ done: false });
    await expect(timer.skip()).rejects.toMatchObject({ code: SA_AIS_ERR_NOT_EXIST });
  });

  test.each([{ afterMs: -1 }, { everyMs: 0 }, { afterMs: Number.NaN }, { afterMs: 1e15 }])(
    '%p is no time',
    async (times) => {
      const { timers } = await start();
      await expect(timers.start(times)).rejects.toThrow(RangeError);
    },
  );

  test('closing ends the timers, a lost executive ends them with an error', async () => {
    const { world, timers } = await start();
    const timer = await timers.start({ everyMs: 10 });
    const next = timer.next();
    await timers.close();
    expect(await next).toEqual({ done: true, value: undefined });
    const other = await TimerService.connect({ connector: world.connector(1) });
    const lost = await other.start({ everyMs: 10 });
    expect(world.cluster.host(1).unload('tmr')).toBeUndefined();
    await expect(lost.next()).rejects.toMatchObject({ code: SA_AIS_ERR_LIBRARY });
    expect(await lost.next()).toEqual({ done: true, value: undefined });
  });
});
