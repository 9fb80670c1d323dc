import { isSaAisError, SA_AIS_ERR_UNAVAILABLE } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { createWorld, type World } from '../cluster.fixture.ts';
import type { Channel } from './channel.ts';
import { EventService } from './event-service.ts';
import { exact, passAll, prefix, suffix, textOf } from './filters.ts';
import type { SubscriptionItem } from './items.ts';
import type { Subscription } from './subscription.ts';

const connect = (world: World, node = 1) =>
  EventService.connect({ connector: world.connector(node), retry: { baseMs: 1 } });
const both = { create: true, publisher: true, subscriber: true };

async function ready(channel: Channel, ...args: Parameters<Channel['subscribe']>) {
  const subscription = channel.subscribe(...args);
  await subscription.ready;
  return subscription;
}

async function read(subscription: Subscription, count: number): Promise<string[]> {
  const items: string[] = [];
  while (items.length < count) {
    const { value } = await subscription.next();
    if (value === undefined) break;
    items.push(show(value));
  }
  return items;
}

const show = (item: SubscriptionItem) =>
  item.type === 'event' ? textOf(item.data) : `lost ${item.count ?? '?'}`;

async function code(promise: Promise<unknown>): Promise<number | string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return isSaAisError(error) ? error.code : (error as Error).name;
  }
}

test('a node that is removed ends subscriptions with UNAVAILABLE, after what had come', async () => {
  const world = createWorld();
  const service = await connect(world, 2);
  const channel = await service.open('orders', both);
  const subscription = await ready(channel, [passAll()]);
  await channel.publish({ data: 'before' });
  await whileRemoved({ connector: world.connector(1) }, 2, async () => {
    expect(await read(subscription, 1)).toEqual(['before']);
    expect(await code(subscription.next())).toBe(SA_AIS_ERR_UNAVAILABLE);
  });
  expect(await code(channel.publish({ data: 'after' }))).toBe(SA_AIS_ERR_UNAVAILABLE);
  await service.close();
});

describe('publish and subscribe', () => {
  test('across nodes, with text for patterns, filters and data', async () => {
    const world = createWorld();
    await using near = await connect(world, 1);
    await using far = await connect(world, 2);
    const channel = await near.open('orders', both);
    const subscription = await ready(await far.open('orders', both), [
      prefix('order.'),
      suffix('.eu'),
    ]);
    await channel.publish({ patterns: ['invoice.7', 'x.eu'], data: 'no' });
    const id = await channel.publish({
      patterns: ['order.7', 'x.eu'],
      priority: 1,
      retentionMs: 1.5,
      publisher: 'shop',
      data: 'yes',
    });
    const { value } = await subscription.next();
    expect(value).toMatchObject({
      ...{ type: 'event', id, priority: 1, retentionMs: 1.5, publisher: 'shop' },
      publishTime: world.cluster.now,
    });
    expect(value?.type === 'event' && value.patterns.map(textOf)).toEqual(['order.7', 'x.eu']);
  });

  test('every subscription is a stream of its own, though the channel is open once', async () => {
    await using service = await connect(createWorld());
    const channel = await service.open('c', both);
    const streams = await Promise.all([
      ready(channel),
      ready(channel, ['p']),
      ready(channel, [exact('p')]),
      ready(channel, [passAll(), 'q']),
    ]);
    await channel.publish({ patterns: ['p'], data: '1' });
    await channel.publish({ patterns: ['p', 'q'], data: '2' });
    expect(await read(streams[0]!, 2)).toEqual(['1', '2']);
    expect(await read(streams[1]!, 2)).toEqual(['1', '2']);
    expect(await read(streams[2]!, 2)).toEqual(['1', '2']);
    expect(await read(streams[3]!, 1)).toEqual(['2']);
  });

  test('thousands of publishes may be under way and keep their order', async () => {
    const world = createWorld();
    await using a = await connect(world, 1);
    await using b = await connect(world, 2);
    const subscription = await ready(await b.open('c', both), [], { bufferMax: 10_000 });
    const channel = await a.open('c', both);
    const wanted = Array.from({ length: 3000 }, (_, i) => `${i}`);
    await Promise.all(wanted.map((data) => channel.publish({ data })));
    expect(await read(subscription, 3000)).toEqual(wanted);
  });

  test('a retained event waits for subscriptions until it is cleared', async () => {
    await using service = await connect(createWorld());
    const channel = await service.open('c', both);
    const id = await channel.publish({ data: 'kept', retentionMs: 60_000 });
    expect(await read(await ready(channel), 1)).toEqual(['kept']);
    await channel.clearRetention(id);
    expect(await code(channel.clearRetention(id))).toBe(12);
    const late = await ready(channel);
    await channel.publish({ data: 'new' });
    expect(await read(late, 1)).toEqual(['new']);
  });
});

describe('a reader that is too slow', () => {
  test('sees how many events it lost, before the ones that were kept, by priority', async () => {
    await using service = await connect(createWorld());
    const channel = await service.open('c', both);
    const subscription = await ready(channel, [], { bufferMax: 4 });
    const publish = (data: string, priority: 0 | 3) => channel.publish({ data, priority });
    for (const data of ['a', 'b', 'c', 'd', 'e']) await publish(data, 3);
    await publish('high', 0);
    await publish('f', 3);
    await new Promise(setImmediate);
    expect(await read(subscription, 5)).toEqual(['lost 3', 'high', 'a', 'b', 'c']);
    await publish('g', 3);
    expect(await read(subscription, 1)).toEqual(['g']);
  });

  test('is told by a merge of partitions that nobody knows how many', async () => {
    const world = createWorld(3);
    await using a = await connect(world, 1);
    await using c = await connect(world, 3);
    const [left, right] = [await a.open('c', both), await c.open('c', both)];
    const subscription = await ready(left);
    world.cluster.split([[1, 2], [3]]);
    await right.publish({ data: 'missed' });
    world.cluster.heal();
    await left.publish({ data: 'x' });
    expect(await read(subscription, 2)).toEqual(['lost ?', 'x']);
  });
});

describe('the end of a subscription', () => {
  test('leaving the loop, closing it, the channel or the service ends it quietly', async () => {
    const world = createWorld();
    const service = await connect(world);
    const channel = await service.open('c', both);
    const left = await ready(channel);
    await channel.publish({ data: 'x' });
    for await (const item of left) {
      expect(show(item)).toBe('x');
      break;
    }
    const closed = await ready(channel);
    const pending = closed.next();
    await closed.close();
    await closed.close();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(world.cluster.host(2).inspect('evt')).toMatchObject({
      channels: [{ opens: [{ subscriptions: 0 }] }],
    });
    const ended = await ready(channel);
    await channel.close();
    expect(await ended.next()).toEqual({ done: true, value: undefined });
    const last = await ready(await service.open('c', both));
    await service.close();
    expect(await last.next()).toEqual({ done: true, value: undefined });
  });

  test('an aborted signal throws AbortError once and unsubscribes', async () => {
    const world = createWorld();
    await using service = await connect(world);
    const channel = await service.open('c', both);
    const stop = new AbortController();
    const subscription = await ready(channel, [], { signal: stop.signal });
    const pending = subscription.next();
    stop.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
    expect((await subscription.next()).done).toBe(true);
    await channel.publish({ data: 'x' });
    expect(world.cluster.host(1).inspect('evt')).toMatchObject({
      channels: [{ opens: [{ subscriptions: 0 }] }],
    });
  });

  test('a refused subscription throws from ready and from the iteration', async () => {
    await using service = await connect(createWorld());
    const channel = await service.open('c', both);
    for (let i = 0; i < 256; i++) await channel.subscribe().ready;
    const refused = channel.subscribe();
    expect(await code(refused.next())).toBe(18);
    expect(await code(refused.ready)).toBe(18);
    expect((await refused.next()).done).toBe(true);
  });
});

describe('errors', () => {
  test('are SaAisErrors with the standard’s codes', async () => {
    await using service = await connect(createWorld());
    expect(await code(service.open('c', { publisher: true }))).toBe(12);
    expect(await code(service.open('c'))).toBe(25);
    expect(await code(service.open('', both))).toBe(7);
    expect(await code(service.unlink('c'))).toBe(12);
    const writer = await service.open('c', { create: true, publisher: true });
    expect(() => writer.subscribe()).toThrow(expect.objectContaining({ code: 11 }));
    const reader = await service.open('c', { subscriber: true });
    expect(await code(reader.publish({}))).toBe(11);
    expect(await code(writer.publish({ data: new Uint8Array(65_537) }))).toBe(26);
    expect(await code(writer.publish({ patterns: ['x'.repeat(256)] }))).toBe(26);
    expect(await code(writer.publish({ priority: 4 as 3 }))).toBe(7);
    await writer.close();
    expect(await code(writer.publish({}))).toBe(9);
  });

  test('limits are the executive’s word', async () => {
    await using service = await connect(createWorld());
    expect(await service.limits()).toEqual({
      ...{ channels: 1024, eventBytes: 65_536, patternBytes: 255, patterns: 10 },
      retentionMs: 100_000_000,
    });
  });

  test('time-outs and signals end a call that gets no answer, and an open leaves nothing behind', async () => {
    const world = createWorld(1);
    await using service = await connect(world);
    const channel = await service.open('c', both);
    world.freeze(true);
    expect(await code(channel.publish({}, { timeoutMs: 5 }))).toBe(5);
    expect(await code(channel.publish({}, { signal: AbortSignal.abort() }))).toBe('AbortError');
    expect(await code(service.open('d', { ...both, timeoutMs: 5 }))).toBe(5);
    expect(await code(channel.subscribe([], { timeoutMs: 5 }).ready)).toBe(5);
    world.freeze(false);
    await channel.publish({});
    expect(world.cluster.host(1).inspect('evt')).toMatchObject({
      channels: [
        { name: 'c', opens: [{ subscriptions: 0 }] },
        { name: 'd', opens: [] },
      ],
    });
  });

  test('a lost executive ends streams with an error, after what came before it', async () => {
    const world = createWorld();
    const connector = world.connector(1);
    let fail: (reason: string) => void = () => {};
    const service = await EventService.connect({
      connector: {
        connect: async (name) => {
          const connection = await connector.connect(name);
          return {
            ...{ request: (fn: string, argument: unknown) => connection.request(fn, argument) },
            onCallback: (listener) => connection.onCallback(listener),
            onLost: (listener) => {
              fail = listener;
            },
            hold: (on) => connection.hold(on),
            close: () => connection.close(),
            ref: () => {},
            unref: () => {},
          };
        },
      },
    });
    const channel = await service.open('c', both);
    const subscription = await ready(channel);
    await channel.publish({ data: 'x' });
    await new Promise(setImmediate);
    fail('killed');
    expect(await read(subscription, 1)).toEqual(['x']);
    expect(await code(subscription.next())).toBe(2);
    expect(await code(channel.publish({}))).toBe(9);
    await service.close();
  });
});
