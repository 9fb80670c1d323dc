/** What the rows of `conformance/` do not say about the literal layer: overlaps, merges, time-outs, types. */
import { SA_DISPATCH_ALL } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { createWorld, type World } from '../cluster.fixture.ts';
import { Actor, ALL, bytes } from '../conformance/stage.fixture.ts';
import { createSaEvt } from './literal.ts';

const exact = (text: string) => [{ filterType: 3 as const, filter: bytes(text) }];
const start = (world: World, node = 1) => Actor.start({ connector: world.connector(node) });

/** Lets everything that is on its way arrive. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('a wrong JavaScript type throws', async () => {
  const sa = createSaEvt();
  await expect(sa.saEvtChannelClose(1 as never)).rejects.toThrow(TypeError);
  await expect(sa.saEvtInitialize({ saEvtEventDeliverCallback: 1 } as never, null)).rejects.toThrow(
    TypeError,
  );
});

test('publishes that overlap keep their order and get different ids', async () => {
  const world = createWorld();
  const [a, b] = [await start(world, 1), await start(world, 2)];
  await b.subscribe(await b.open('c'));
  const event = await a.allocate(await a.open('c'));
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => a.sa.saEvtEventPublish(event, bytes(`${i}`))),
  );
  expect(new Set(answers.map(({ eventId }) => eventId)).size).toBe(300);
  const events = await b.deliveries(300);
  expect(events.map(({ data }) => data)).toEqual(answers.map((_, i) => `${i}`));
  expect(events.map(({ id }) => id)).toEqual(answers.map(({ eventId }) => eventId));
});

describe('what is queued when a subscription ends', () => {
  test('goes to the next that matches and else is dropped', async () => {
    const a = await start(createWorld());
    const channel = await a.open('c');
    await a.subscribe(channel, 1);
    await a.subscribe(channel, 2, exact('p'));
    await a.publish(channel, 'both', { patterns: ['p'] });
    await a.publish(channel, 'one');
    await settle();
    await a.sa.saEvtEventUnsubscribe(channel, 1);
    // Made after the events: not theirs.
    await a.subscribe(channel, 3);
    await a.publish(channel, 'after');
    await settle();
    const events = await a.deliveries(2);
    expect(events.map(({ subscriptionId, data }) => [subscriptionId, data])).toEqual([
      [2, 'both'],
      [3, 'after'],
    ]);
  });

  test('closing the channel drops it, another open keeps its own', async () => {
    const a = await start(createWorld());
    const [channel, other] = [await a.open('c'), await a.open('c')];
    await a.subscribe(channel);
    await a.subscribe(other);
    await a.publish(channel, 'x');
    await settle();
    await a.sa.saEvtChannelClose(channel);
    const data = await a.data(1);
    await a.sa.saEvtDispatch(a.handle, SA_DISPATCH_ALL);
    expect([...data, ...a.delivered.map((delivered) => delivered.data)]).toEqual(['x']);
  });
});

test('a merge of partitions delivers the lost event, first', async () => {
  const world = createWorld(3);
  const a = await start(world, 1);
  const channel = await a.open('c');
  await a.subscribe(channel, 9, exact('p'));
  world.cluster.split([[1, 2], [3]]);
  await a.publish(channel, 'x', { patterns: ['p'], priority: 1 });
  const c = await start(world, 3);
  await c.publish(await c.open('c'), 'y');
  world.cluster.heal();
  const events = await a.deliveries(2);
  expect(events).toMatchObject([
    { subscriptionId: 9, id: 1n, patterns: ['SA_EVT_LOST_EVENT_PATTERN'], data: '' },
    { subscriptionId: 9, data: 'x' },
  ]);
});

test('an open that ran out of time leaves nothing behind', async () => {
  const world = createWorld(1);
  const { sa, handle } = await start(world);
  world.freeze(true);
  expect((await sa.saEvtChannelOpen(handle, 'c', ALL, 1_000_000n)).rc).toBe(5);
  world.freeze(false);
  await settle();
  await settle();
  world.cluster.run();
  expect(world.cluster.host(1).inspect('evt')).toMatchObject({
    channels: [{ name: 'c', opens: [] }],
  });
});
