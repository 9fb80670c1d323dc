import { SA_DISPATCH_ALL } from '@aisexec/ais';
import { expect, test } from '@jest/globals';
import { createWorld } from '../cluster.fixture.ts';
import { Actor, after, LONG, MS } from '../conformance/stage.fixture.ts';
import { createSaTmr } from './literal.ts';

test('expirations that nobody dispatched are one callback with the latest count', async () => {
  const world = createWorld(1);
  const actor = await Actor.start({ connector: world.connector(1) });
  const id = await actor.timer(after(MS, MS), 'x');
  for (let i = 0; i < 5; i++) world.cluster.advance(1);
  await actor.ready();
  await actor.dispatch();
  expect(actor.expired).toEqual([{ timer: id, data: 'x', count: 5n }]);
});

test('wrong JavaScript types throw a TypeError', async () => {
  const world = createWorld(1);
  const { sa, handle } = await Actor.start({ connector: world.connector(1) });
  const bad = [
    () => createSaTmr().saTmrInitialize({ saTmrTimerExpiredCallback: 1 } as never, null),
    () => sa.saTmrDispatch(1 as never, SA_DISPATCH_ALL),
    () => sa.saTmrTimerStart(handle, { ...after(LONG), timerPeriodDuration: 1 } as never, null),
    () => sa.saTmrTimerCancel(handle, 1 as never),
  ];
  for (const call of bad) await expect(call()).rejects.toThrow(TypeError);
});
