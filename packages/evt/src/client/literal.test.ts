import { SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_DISPATCH_ONE, SA_TIME_END } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { SaEvtEventFilterTypeT } from '../protocol.ts';
import { createSaEvt } from './literal.ts';
import type {
  SaEvt,
  SaEvtCallbacksT,
  SaEvtChannelHandleT,
  SaEvtEventHandleT,
  SaEvtHandleT,
} from './literal-types.ts';
import { bytes, createWorld, type World } from './testing.fixture.ts';

const [PUBLISHER, SUBSCRIBER, CREATE] = [1, 2, 4];
const ALL = PUBLISHER | SUBSCRIBER | CREATE;
const SECOND = 1_000_000_000n;
const passAll = [{ filterType: 4 as const, filter: null }];
const exact = (text: string) => [{ filterType: 3 as const, filter: bytes(text) }];

interface Delivered {
  readonly subscriptionId: number;
  readonly data: string;
  readonly id: bigint;
  readonly patterns: readonly string[];
}

/** One process of one node, with what was delivered to it. */
async function start(world: World, node = 1, majorVersion = 3, callbacks?: SaEvtCallbacksT | null) {
  const sa = createSaEvt();
  const delivered: Delivered[] = [];
  const opened: unknown[][] = [];
  const { evtHandle } = await sa.saEvtInitialize(
    callbacks === undefined
      ? {
          saEvtChannelOpenCallback: (...args) => void opened.push(args),
          saEvtEventDeliverCallback: async (subscriptionId, eventHandle, size) => {
            const { eventData, eventDataSize } = await sa.saEvtEventDataGet(eventHandle);
            const { eventId, patternArray } = await sa.saEvtEventAttributesGet(eventHandle);
            expect(eventDataSize).toBe(size);
            delivered.push({
              subscriptionId,
              data: new TextDecoder().decode(eventData),
              id: eventId!,
              patterns: patternArray!.map((pattern) => new TextDecoder().decode(pattern)),
            });
            await sa.saEvtEventFree(eventHandle);
          },
        }
      : callbacks,
    { releaseCode: 'B', majorVersion, minorVersion: 1 },
    { connector: world.connector(node) },
  );
  const handle = evtHandle!;
  return {
    sa,
    handle,
    delivered,
    opened,
    open: async (name: string, flags = ALL) => {
      const answer = await sa.saEvtChannelOpen(handle, name, flags, SA_TIME_END);
      expect(answer.rc).toBe(1);
      return answer.channelHandle!;
    },
    publish: async (
      channel: SaEvtChannelHandleT,
      data: string,
      options: { patterns?: string[]; priority?: 0 | 1 | 2 | 3; retention?: bigint } = {},
    ) => {
      const { patterns = [], priority = 3, retention = 0n } = options;
      const { eventHandle } = await sa.saEvtEventAllocate(channel);
      const set = await sa.saEvtEventAttributesSet(
        eventHandle!,
        patterns.map(bytes),
        priority,
        retention,
        'me',
      );
      expect(set.rc).toBe(1);
      const answer = await sa.saEvtEventPublish(eventHandle!, bytes(data));
      await sa.saEvtEventFree(eventHandle!);
      return answer;
    },
    /** Dispatches until this many were delivered in all. */
    deliveries: async (count: number) => {
      const { selectionObject } = await sa.saEvtSelectionObjectGet(handle);
      while (delivered.length < count) {
        await selectionObject!.ready();
        await sa.saEvtDispatch(handle, SA_DISPATCH_ALL);
      }
      return delivered.splice(0);
    },
  };
}

/** Lets everything that is on its way arrive. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

describe('life cycle', () => {
  test('the version is negotiated and rewritten, wrong ones are VERSION', async () => {
    const connect = { connector: createWorld().connector(1) };
    const sa = createSaEvt();
    const version = { releaseCode: 'B', majorVersion: 2, minorVersion: 7 };
    expect((await sa.saEvtInitialize(null, version, connect)).rc).toBe(1);
    expect(version).toEqual({ releaseCode: 'B', majorVersion: 3, minorVersion: 1 });
    for (const wrong of [
      { releaseCode: 'C', majorVersion: 1, minorVersion: 1 },
      { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
      { releaseCode: 'B', majorVersion: 0, minorVersion: 1 },
    ]) {
      expect((await sa.saEvtInitialize(null, wrong, connect)).rc).toBe(3);
      expect(wrong).toEqual({ releaseCode: 'B', majorVersion: 3, minorVersion: 1 });
    }
    expect((await sa.saEvtInitialize(null, null, connect)).rc).toBe(7);
  });

  test('every function answers BAD_HANDLE to a handle that never was', async () => {
    const sa: SaEvt = createSaEvt();
    const [handle, channel, event] = [
      1n as SaEvtHandleT,
      2n as SaEvtChannelHandleT,
      3n as SaEvtEventHandleT,
    ];
    const answers = await Promise.all([
      sa.saEvtSelectionObjectGet(handle),
      sa.saEvtDispatch(handle, SA_DISPATCH_ONE),
      sa.saEvtFinalize(handle),
      sa.saEvtChannelOpen(handle, 'c', ALL, SA_TIME_END),
      sa.saEvtChannelOpenAsync(handle, 1n, 'c', ALL),
      sa.saEvtChannelClose(channel),
      sa.saEvtChannelUnlink(handle, 'c'),
      sa.saEvtEventAllocate(channel),
      sa.saEvtEventFree(event),
      sa.saEvtEventAttributesSet(event, [], 0, 0n, 'me'),
      sa.saEvtEventAttributesGet(event),
      sa.saEvtEventPatternFree(event, []),
      sa.saEvtEventDataGet(event),
      sa.saEvtEventPublish(event, null),
      sa.saEvtEventSubscribe(channel, [], 1),
      sa.saEvtEventUnsubscribe(channel, 1),
      sa.saEvtEventRetentionTimeClear(channel, 5000n),
      sa.saEvtLimitGet(handle, 1),
    ]);
    expect(answers.map(({ rc }) => rc)).toEqual(answers.map(() => 9));
  });

  test('finalising ends channels and events; BLOCKING dispatch ends with OK', async () => {
    const { sa, handle, open } = await start(createWorld());
    const channel = await open('c');
    const { eventHandle } = await sa.saEvtEventAllocate(channel);
    const blocking = sa.saEvtDispatch(handle, SA_DISPATCH_BLOCKING);
    expect((await sa.saEvtDispatch(handle, 0 as never)).rc).toBe(7);
    expect((await sa.saEvtFinalize(handle)).rc).toBe(1);
    expect((await blocking).rc).toBe(1);
    expect((await sa.saEvtFinalize(handle)).rc).toBe(9);
    expect((await sa.saEvtEventAllocate(channel)).rc).toBe(9);
    expect((await sa.saEvtEventFree(eventHandle!)).rc).toBe(9);
  });

  test('a handle of the wrong JavaScript type throws', async () => {
    const sa = createSaEvt();
    await expect(sa.saEvtChannelClose(1 as never)).rejects.toThrow(TypeError);
    await expect(
      sa.saEvtInitialize({ saEvtEventDeliverCallback: 1 } as never, null),
    ).rejects.toThrow(TypeError);
  });
});

describe('return codes', () => {
  test.each([
    ['no name', null, ALL, SA_TIME_END, 7],
    ['an empty name', '', ALL, SA_TIME_END, 7],
    ['a name of 257 bytes', 'x'.repeat(257), ALL, SA_TIME_END, 7],
    ['no flags', 'c', 0, SA_TIME_END, 25],
    ['unknown flags', 'c', 8 | PUBLISHER, SA_TIME_END, 25],
    ['no time', 'c', ALL, 0n, 5],
    ['negative time', 'c', ALL, -1n, 5],
    ['no channel and no CREATE', 'c', PUBLISHER, SA_TIME_END, 12],
    ['all that is needed', 'c', ALL, SA_TIME_END, 1],
  ])('of ChannelOpen with %s', async (_what, name, flags, timeout, rc) => {
    const { sa, handle, opened } = await start(createWorld());
    expect((await sa.saEvtChannelOpen(handle, name, flags, timeout)).rc).toBe(rc);
    if (timeout <= 0n) return;
    const asynchronous = await sa.saEvtChannelOpenAsync(handle, 77n, name, flags);
    if (rc !== 1 && rc !== 12) {
      expect(asynchronous.rc).toBe(rc);
      return;
    }
    expect(asynchronous.rc).toBe(1);
    await (await sa.saEvtSelectionObjectGet(handle)).selectionObject!.ready();
    await sa.saEvtDispatch(handle, SA_DISPATCH_ALL);
    expect(opened).toEqual([[77n, rc === 1 ? expect.any(BigInt) : 0n, rc]]);
  });

  test('of what needs callbacks that were not given', async () => {
    const { sa, handle, open } = await start(createWorld(), 1, 3, null);
    expect((await sa.saEvtChannelOpenAsync(handle, 1n, 'c', ALL)).rc).toBe(4);
    expect((await sa.saEvtEventSubscribe(await open('c'), passAll, 1)).rc).toBe(4);
  });

  test('of unlink and close', async () => {
    const { sa, handle, open } = await start(createWorld());
    const channel = await open('c');
    expect((await sa.saEvtChannelUnlink(handle, null)).rc).toBe(7);
    expect((await sa.saEvtChannelUnlink(handle, 'd')).rc).toBe(12);
    expect((await sa.saEvtChannelUnlink(handle, 'c')).rc).toBe(1);
    expect((await sa.saEvtChannelClose(channel)).rc).toBe(1);
    expect((await sa.saEvtChannelClose(channel)).rc).toBe(9);
  });

  test.each([
    ['a priority beyond the lowest', [], 4, 0n, 'me', 7],
    ['an empty publisher', [], 3, 0n, '', 7],
    ['a publisher of 257 bytes', [], 3, 0n, 'x'.repeat(257), 7],
    ['a negative retention', [], 3, -1n, 'me', 7],
    ['a retention beyond the limit', [], 3, 100_000_000_000_001n, 'me', 26],
    ['a pattern of 256 bytes', [new Uint8Array(256)], 3, 0n, 'me', 26],
    ['eleven patterns', Array.from({ length: 11 }, () => bytes('x')), 3, 0n, 'me', 26],
    [
      'the largest of everything',
      Array.from({ length: 10 }, () => new Uint8Array(255)),
      0,
      1n,
      'x',
      1,
    ],
  ])('of AttributesSet with %s', async (_what, patterns, priority, retention, publisher, rc) => {
    const { sa, open } = await start(createWorld());
    const { eventHandle } = await sa.saEvtEventAllocate(await open('c'));
    const answer = await sa.saEvtEventAttributesSet(
      eventHandle!,
      patterns,
      priority as 0,
      retention,
      publisher,
    );
    expect(answer.rc).toBe(rc);
  });

  test('of publishing: ACCESS without the flag, TOO_BIG beyond 64 KiB', async () => {
    const { sa, open } = await start(createWorld());
    const reader = await sa.saEvtEventAllocate(await open('c', CREATE | SUBSCRIBER));
    expect(reader.rc).toBe(1);
    expect((await sa.saEvtEventAttributesSet(reader.eventHandle!, [], 0, 0n, 'me')).rc).toBe(11);
    expect((await sa.saEvtEventPublish(reader.eventHandle!, null)).rc).toBe(11);
    const { eventHandle } = await sa.saEvtEventAllocate(await open('c'));
    expect((await sa.saEvtEventPublish(eventHandle!, new Uint8Array(65_537))).rc).toBe(26);
    const { rc, eventId } = await sa.saEvtEventPublish(eventHandle!, new Uint8Array(65_536));
    expect([rc, eventId! > 1000n]).toEqual([1, true]);
    expect((await sa.saEvtEventPublish(eventHandle!, null)).rc).toBe(1);
  });

  test('of subscribing and unsubscribing', async () => {
    const { sa, open } = await start(createWorld());
    const channel = await open('c');
    const subscribe = (filters: Parameters<SaEvt['saEvtEventSubscribe']>[1], id = 1) =>
      sa.saEvtEventSubscribe(channel, filters, id);
    expect((await subscribe(null)).rc).toBe(7);
    expect((await subscribe([{ filterType: 5 as SaEvtEventFilterTypeT, filter: null }])).rc).toBe(
      7,
    );
    expect((await subscribe(passAll, -1)).rc).toBe(7);
    expect((await subscribe(passAll)).rc).toBe(1);
    expect((await subscribe(passAll)).rc).toBe(14);
    expect((await sa.saEvtEventUnsubscribe(channel, 2)).rc).toBe(12);
    expect((await sa.saEvtEventUnsubscribe(channel, 1)).rc).toBe(1);
    expect((await subscribe(passAll)).rc).toBe(1);
    const writer = await open('c', PUBLISHER);
    expect((await sa.saEvtEventSubscribe(writer, passAll, 1)).rc).toBe(11);
  });

  test('of clearing a retention', async () => {
    const { sa, open, publish } = await start(createWorld());
    const channel = await open('c');
    const { eventId } = await publish(channel, 'x', { retention: 60n * SECOND });
    const none = await publish(channel, 'x');
    const clear = async (id: bigint) => (await sa.saEvtEventRetentionTimeClear(channel, id)).rc;
    expect(await clear(1000n)).toBe(7);
    expect(await clear(none.eventId!)).toBe(12);
    expect(await clear(eventId!)).toBe(1);
    expect(await clear(eventId!)).toBe(12);
  });

  test('of limits and PatternFree, which are of B.03', async () => {
    const world = createWorld();
    const young = await start(world);
    const values = [];
    for (const id of [1, 2, 3, 4, 5] as const) {
      values.push((await young.sa.saEvtLimitGet(young.handle, id)).limitValue);
    }
    expect(values).toEqual([1024n, 65_536n, 255n, 10n, 100_000_000_000_000n]);
    expect((await young.sa.saEvtLimitGet(young.handle, 6 as 5)).rc).toBe(7);
    const event = (await young.sa.saEvtEventAllocate(await young.open('c'))).eventHandle!;
    expect((await young.sa.saEvtEventPatternFree(event, [])).rc).toBe(1);
    expect((await young.sa.saEvtEventPatternFree(event, null)).rc).toBe(7);
    const old = await start(world, 1, 1);
    expect((await old.sa.saEvtLimitGet(old.handle, 1)).rc).toBe(3);
    const oldEvent = (await old.sa.saEvtEventAllocate(await old.open('c'))).eventHandle!;
    expect((await old.sa.saEvtEventPatternFree(oldEvent, [])).rc).toBe(3);
  });
});

describe('events', () => {
  test('an allocated event has the standard’s defaults and no data', async () => {
    const { sa, open } = await start(createWorld());
    const { eventHandle } = await sa.saEvtEventAllocate(await open('c'));
    expect(await sa.saEvtEventAttributesGet(eventHandle!)).toEqual({
      rc: 1,
      patternArray: [],
      priority: 3,
      retentionTime: 0n,
      publisherName: '',
      publishTime: -0x8000_0000_0000_0000n,
      eventId: 0n,
    });
    expect((await sa.saEvtEventDataGet(eventHandle!)).rc).toBe(9);
    expect((await sa.saEvtEventFree(eventHandle!)).rc).toBe(1);
    expect((await sa.saEvtEventFree(eventHandle!)).rc).toBe(9);
  });

  test('a received event has all its attributes, and DataGet checks a buffer', async () => {
    const world = createWorld();
    const publisher = await start(world, 2);
    let done: (checks: unknown[]) => void = () => {};
    const checked = new Promise<unknown[]>((resolve) => {
      done = resolve;
    });
    const sa = createSaEvt();
    const { evtHandle } = await sa.saEvtInitialize(
      {
        saEvtEventDeliverCallback: async (id, event, size) =>
          done([
            [id, size],
            await sa.saEvtEventAttributesGet(event),
            await sa.saEvtEventDataGet(event, null),
            await sa.saEvtEventDataGet(event, new Uint8Array(2)),
            await sa.saEvtEventDataGet(event, new Uint8Array(5)),
            (await sa.saEvtEventAttributesSet(event, [], 0, 0n, 'me')).rc,
          ]),
      },
      { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
      { connector: world.connector(1) },
    );
    const opened = await sa.saEvtChannelOpen(evtHandle!, 'c', ALL, SA_TIME_END);
    await sa.saEvtEventSubscribe(opened.channelHandle!, passAll, 42);
    const options = { patterns: ['a', 'b'], priority: 1, retention: SECOND } as const;
    const channel = await publisher.open('c');
    const { eventId } = await publisher.publish(channel, 'xyz', {
      ...options,
      patterns: ['a', 'b'],
    });
    void sa.saEvtDispatch(evtHandle!, SA_DISPATCH_BLOCKING);
    expect(await checked).toEqual([
      [42, 3],
      {
        rc: 1,
        patternArray: [bytes('a'), bytes('b')],
        priority: 1,
        retentionTime: SECOND,
        publisherName: 'me',
        publishTime: world.cluster.now,
        eventId,
      },
      { rc: 15, eventDataSize: 3 },
      { rc: 15, eventDataSize: 3 },
      { rc: 1, eventData: Uint8Array.from([120, 121, 122, 0, 0]), eventDataSize: 3 },
      11,
    ]);
    await sa.saEvtFinalize(evtHandle!);
  });

  test('dispatch serves higher priorities first, equal ones in their order', async () => {
    const world = createWorld();
    const a = await start(world);
    const channel = await a.open('c');
    await a.sa.saEvtEventSubscribe(channel, passAll, 1);
    for (const priority of [3, 0, 2, 3, 0] as const) {
      await a.publish(channel, `p${priority}`, { priority });
    }
    await settle();
    const events = await a.deliveries(5);
    expect(events.map(({ data }) => data)).toEqual(['p0', 'p0', 'p2', 'p3', 'p3']);
  });

  test('publishes that overlap keep their order and get different ids', async () => {
    const world = createWorld();
    const [a, b] = [await start(world, 1), await start(world, 2)];
    await b.sa.saEvtEventSubscribe(await b.open('c'), passAll, 1);
    const channel = await a.open('c');
    const { eventHandle } = await a.sa.saEvtEventAllocate(channel);
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => a.sa.saEvtEventPublish(eventHandle!, bytes(`${i}`))),
    );
    expect(new Set(answers.map(({ eventId }) => eventId)).size).toBe(300);
    const events = await b.deliveries(300);
    expect(events.map(({ data }) => data)).toEqual(answers.map((_, i) => `${i}`));
    expect(events.map(({ id }) => id)).toEqual(answers.map(({ eventId }) => eventId));
  });
});

describe('what is queued when a subscription ends', () => {
  test('goes to the next that matches and else is dropped', async () => {
    const a = await start(createWorld());
    const channel = await a.open('c');
    await a.sa.saEvtEventSubscribe(channel, passAll, 1);
    await a.sa.saEvtEventSubscribe(channel, exact('p'), 2);
    await a.publish(channel, 'both', { patterns: ['p'] });
    await a.publish(channel, 'one');
    await settle();
    await a.sa.saEvtEventUnsubscribe(channel, 1);
    // Made after the events: not theirs.
    await a.sa.saEvtEventSubscribe(channel, passAll, 3);
    await a.publish(channel, 'after');
    await settle();
    const events = await a.deliveries(2);
    expect(events.map(({ subscriptionId, data }) => [subscriptionId, data])).toEqual([
      [2, 'both'],
      [3, 'after'],
    ]);
  });

  test('closing the channel drops it, and an id may be used again', async () => {
    const a = await start(createWorld());
    const [channel, other] = [await a.open('c'), await a.open('c')];
    await a.sa.saEvtEventSubscribe(channel, passAll, 1);
    await a.sa.saEvtEventSubscribe(other, passAll, 1);
    await a.publish(channel, 'x');
    await settle();
    await a.sa.saEvtChannelClose(channel);
    const events = await a.deliveries(1);
    await a.sa.saEvtDispatch(a.handle, SA_DISPATCH_ALL);
    expect([...events, ...a.delivered].map(({ data }) => data)).toEqual(['x']);
  });
});

test('a merge of partitions delivers the lost event, first', async () => {
  const world = createWorld(3);
  const a = await start(world, 1);
  const channel = await a.open('c');
  await a.sa.saEvtEventSubscribe(channel, exact('p'), 9);
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
