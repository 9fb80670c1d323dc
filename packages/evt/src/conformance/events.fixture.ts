/** Rows of event handles: allocate, free, attributes, data, publish (AIS B.2 rules 8 and 9). */
import assert from 'node:assert/strict';
import { ok } from '../../../../test/fixtures/ais-table.ts';
import { createSaEvt } from '../client/literal.ts';
import type { SaEvtChannelHandleT, SaEvtEventHandleT } from '../client/literal-types.ts';
import { RETAINED_EVENTS_MAX } from '../limits.ts';
import {
  type Actor,
  bytes,
  CREATE,
  inTurns,
  PUBLISHER,
  type Row,
  row,
  SECOND,
  SUBSCRIBER,
} from './stage.fixture.ts';

const NO_CHANNEL = 5n as SaEvtChannelHandleT;
const NO_EVENT = 5n as SaEvtEventHandleT;
type Answer = Promise<{ readonly rc: number }>;
type OnEvent = (sa: Actor['sa'], event: SaEvtEventHandleT, actor: Actor) => Answer;

/** On an event that was allocated on a channel opened with these flags. */
const allocated =
  (call: OnEvent, flags = PUBLISHER | SUBSCRIBER, majorVersion = 3): Row['run'] =>
  async (stage) => {
    await (await stage.far()).open(stage.channel, CREATE);
    const near = await stage.near(majorVersion);
    const event = await near.allocate(await near.open(stage.channel, flags));
    return call(near.sa, event, near);
  };

/** On an event that a far client published and this one received. */
const received =
  (call: OnEvent): Row['run'] =>
  async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await near.subscribe(here, 42);
    const publication = { patterns: ['a', 'b'], priority: 1, retention: SECOND } as const;
    const id = await far.publish(there, 'xyz', publication);
    const [delivered] = await near.deliveries(1);
    assert.deepEqual([delivered?.subscriptionId, delivered?.id], [42, id]);
    return call(near.sa, delivered?.event as SaEvtEventHandleT, near);
  };

const freed =
  (call: OnEvent): Row['run'] =>
  (stage) =>
    allocated(async (sa, event, actor) => {
      ok(await sa.saEvtEventFree(event));
      return call(sa, event, actor);
    })(stage);

const neverWas =
  (call: OnEvent): Row['run'] =>
  () =>
    call(createSaEvt(), NO_EVENT, undefined as unknown as Actor);

interface Attributes {
  readonly patterns?: readonly Uint8Array[] | null;
  readonly priority?: number;
  readonly retention?: bigint;
  readonly publisher?: string | null;
}

const set =
  ({ patterns = [], priority = 3, retention = 0n, publisher = 'me' }: Attributes = {}): OnEvent =>
  (sa, event) =>
    sa.saEvtEventAttributesSet(event, patterns, priority as 0, retention, publisher);

const publish =
  (data: Uint8Array | null = bytes('x')): OnEvent =>
  async (sa, event) => {
    const answer = await sa.saEvtEventPublish(event, data);
    assert.equal(answer.eventId !== undefined && answer.eventId > 1000n, answer.rc === 1);
    return answer;
  };

const dataOf =
  (buffer: Uint8Array | null | undefined, size: number | undefined): OnEvent =>
  async (sa, event) => {
    const answer = await sa.saEvtEventDataGet(event, buffer);
    assert.equal(answer.eventDataSize, size);
    if (answer.rc === 1) assert.deepEqual(answer.eventData?.subarray(0, size), bytes('xyz'));
    return answer;
  };

const handleRows: readonly Row[] = [
  row('saEvtEventAllocate', 'OK', 'the channel is open for publishing', allocated(set())),
  row(
    'saEvtEventAllocate',
    'OK',
    'the channel is open for subscribing only',
    allocated((sa, event) => sa.saEvtEventFree(event), SUBSCRIBER),
  ),
  row('saEvtEventAllocate', 'BAD_HANDLE', 'the channel is closed', async (stage) => {
    const { near, here } = await stage.pair();
    ok(await near.sa.saEvtChannelClose(here));
    return near.sa.saEvtEventAllocate(here);
  }),
  row('saEvtEventAllocate', 'BAD_HANDLE', 'the channel handle never was', () =>
    createSaEvt().saEvtEventAllocate(NO_CHANNEL),
  ),
  row(
    'saEvtEventFree',
    'OK',
    'allocated',
    allocated((sa, event) => sa.saEvtEventFree(event)),
  ),
  row(
    'saEvtEventFree',
    'OK',
    'received',
    received((sa, event) => sa.saEvtEventFree(event)),
  ),
  row('saEvtEventFree', 'OK', 'published and retained: the event stays', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    const event = await near.allocate(here);
    ok(await near.sa.saEvtEventAttributesSet(event, [], 3, 60n * SECOND, 'me'));
    ok(await near.sa.saEvtEventPublish(event, bytes('kept')));
    const answer = await near.sa.saEvtEventFree(event);
    await far.subscribe(there);
    assert.deepEqual(await far.data(1), ['kept']);
    return answer;
  }),
  row(
    'saEvtEventFree',
    'BAD_HANDLE',
    'freed already',
    freed((sa, event) => sa.saEvtEventFree(event)),
  ),
  row(
    'saEvtEventFree',
    'BAD_HANDLE',
    'the handle never was',
    neverWas((sa, event) => sa.saEvtEventFree(event)),
  ),
];

const largest = Array.from({ length: 10 }, () => new Uint8Array(255));
const attributeRows: readonly Row[] = [
  row('saEvtEventAttributesSet', 'OK', 'no patterns', allocated(set())),
  row(
    'saEvtEventAttributesSet',
    'OK',
    'everything as large as allowed',
    allocated(
      set({
        patterns: largest,
        priority: 0,
        retention: 100_000_000_000_000n,
        publisher: 'x'.repeat(256),
      }),
    ),
  ),
  row(
    'saEvtEventAttributesSet',
    'OK',
    'null patterns and publisher: those stay',
    allocated(async (sa, event, actor) => {
      ok(await set({ patterns: [bytes('p')], publisher: 'who' })(sa, event, actor));
      const answer = await set({ patterns: null, publisher: null, priority: 1 })(sa, event, actor);
      const { patternArray, publisherName, priority } = await sa.saEvtEventAttributesGet(event);
      assert.deepEqual([patternArray, publisherName, priority], [[bytes('p')], 'who', 1]);
      return answer;
    }),
  ),
  ...(
    [
      ['INVALID_PARAM', 'the priority is 4', { priority: 4 }],
      ['INVALID_PARAM', 'the publisher is empty', { publisher: '' }],
      ['INVALID_PARAM', 'the publisher has 257 bytes', { publisher: 'x'.repeat(257) }],
      ['INVALID_PARAM', 'the retention is negative', { retention: -1n }],
      ['TOO_BIG', 'a pattern has 256 bytes', { patterns: [new Uint8Array(256)] }],
      ['TOO_BIG', 'there are 11 patterns', { patterns: [...largest, bytes('')] }],
      ['TOO_BIG', 'the retention is over its limit', { retention: 100_000_000_000_001n }],
    ] as const
  ).map(([code, when, attributes]) =>
    row('saEvtEventAttributesSet', code, when, allocated(set(attributes))),
  ),
  row('saEvtEventAttributesSet', 'ACCESS', 'the event was received', received(set())),
  row(
    'saEvtEventAttributesSet',
    'ACCESS',
    'the channel is not open for publishing',
    allocated(set(), SUBSCRIBER),
  ),
  row('saEvtEventAttributesSet', 'BAD_HANDLE', 'the event is freed', freed(set())),
  row('saEvtEventAttributesSet', 'BAD_HANDLE', 'the handle never was', neverWas(set())),
  row(
    'saEvtEventAttributesGet',
    'OK',
    'allocated: the defaults of the standard',
    allocated(async (sa, event) => {
      const { rc, ...attributes } = await sa.saEvtEventAttributesGet(event);
      assert.deepEqual(attributes, {
        ...{ patternArray: [], priority: 3, retentionTime: 0n, publisherName: '' },
        ...{ publishTime: -0x8000_0000_0000_0000n, eventId: 0n },
      });
      return { rc };
    }),
  ),
  row(
    'saEvtEventAttributesGet',
    'OK',
    'received: what the publisher set',
    received(async (sa, event) => {
      const { rc, eventId, publishTime, ...attributes } = await sa.saEvtEventAttributesGet(event);
      assert.deepEqual(attributes, {
        patternArray: [bytes('a'), bytes('b')],
        ...{ priority: 1, retentionTime: SECOND, publisherName: 'me' },
      });
      assert.ok((eventId ?? 0n) > 1000n && (publishTime ?? 0n) > 0n);
      return { rc };
    }),
  ),
  row(
    'saEvtEventAttributesGet',
    'BAD_HANDLE',
    'the event is freed',
    freed((sa, event) => sa.saEvtEventAttributesGet(event)),
  ),
  row(
    'saEvtEventAttributesGet',
    'BAD_HANDLE',
    'the handle never was',
    neverWas((sa, event) => sa.saEvtEventAttributesGet(event)),
  ),
  row(
    'saEvtEventPatternFree',
    'OK',
    'patterns of AttributesGet',
    received(async (sa, event) => {
      const { patternArray } = await sa.saEvtEventAttributesGet(event);
      return sa.saEvtEventPatternFree(event, patternArray);
    }),
  ),
  row(
    'saEvtEventPatternFree',
    'INVALID_PARAM',
    'the patterns are null',
    allocated((sa, event) => sa.saEvtEventPatternFree(event, null)),
  ),
  row(
    'saEvtEventPatternFree',
    'VERSION',
    'the handle is of B.01',
    allocated((sa, event) => sa.saEvtEventPatternFree(event, []), PUBLISHER, 1),
  ),
  row(
    'saEvtEventPatternFree',
    'BAD_HANDLE',
    'the event is freed',
    freed((sa, event) => sa.saEvtEventPatternFree(event, [])),
  ),
];

const dataRows: readonly Row[] = [
  row(
    'saEvtEventDataGet',
    'OK',
    'no buffer: the data are in the answer',
    received(dataOf(undefined, 3)),
  ),
  row('saEvtEventDataGet', 'OK', 'a buffer of its size', received(dataOf(new Uint8Array(3), 3))),
  row('saEvtEventDataGet', 'OK', 'a larger buffer', received(dataOf(new Uint8Array(9), 3))),
  row(
    'saEvtEventDataGet',
    'NO_SPACE',
    'the buffer is null: with the size',
    received(dataOf(null, 3)),
  ),
  row(
    'saEvtEventDataGet',
    'NO_SPACE',
    'the buffer is too small: with the size',
    received(dataOf(new Uint8Array(2), 3)),
  ),
  row(
    'saEvtEventDataGet',
    'BAD_HANDLE',
    'the event was allocated here',
    allocated(dataOf(new Uint8Array(9), undefined)),
  ),
  row(
    'saEvtEventDataGet',
    'BAD_HANDLE',
    'the handle never was',
    neverWas(dataOf(undefined, undefined)),
  ),
  row('saEvtEventPublish', 'OK', 'without attributes', allocated(publish())),
  row('saEvtEventPublish', 'OK', 'the data are null', allocated(publish(null))),
  row('saEvtEventPublish', 'OK', '65 536 bytes', allocated(publish(new Uint8Array(65_536)))),
  row('saEvtEventPublish', 'OK', 'the same event again: another id', async (stage) => {
    const { near, here } = await stage.pair();
    const event = await near.allocate(here);
    const first = ok(await near.sa.saEvtEventPublish(event, null));
    const second = await near.sa.saEvtEventPublish(event, null);
    assert.notEqual(first.eventId, second.eventId);
    return second;
  }),
  row('saEvtEventPublish', 'OK', 'an event that was received', received(publish())),
  row('saEvtEventPublish', 'TOO_BIG', '65 537 bytes', allocated(publish(new Uint8Array(65_537)))),
  row(
    'saEvtEventPublish',
    'ACCESS',
    'the channel is not open for publishing',
    allocated(publish(), SUBSCRIBER),
  ),
  {
    ...row('saEvtEventPublish', 'NO_RESOURCES', 'too many events are retained', async (stage) => {
      const { near, here } = await stage.pair();
      const event = await near.allocate(here);
      ok(await near.sa.saEvtEventAttributesSet(event, [], 3, 600n * SECOND, 'me'));
      const answers = await inTurns(RETAINED_EVENTS_MAX, () =>
        near.sa.saEvtEventPublish(event, null),
      );
      for (const answer of answers) ok(answer);
      return near.sa.saEvtEventPublish(event, null);
    }),
    inProcessOnly: true,
  },
  row('saEvtEventPublish', 'BAD_HANDLE', 'the event is freed', freed(publish())),
  row('saEvtEventPublish', 'BAD_HANDLE', 'the handle never was', neverWas(publish())),
];

export const eventRows: readonly Row[] = [...handleRows, ...attributeRows, ...dataRows];
