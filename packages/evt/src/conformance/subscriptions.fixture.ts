/** Rows of subscriptions and retention (AIS B.2 rules 1 to 5, 10, 11). */
import assert from 'node:assert/strict';
import { SA_DISPATCH_ALL } from '@aisexec/ais';
import { ok } from '../../../../test/fixtures/ais-table.ts';
import { createSaEvt } from '../client/literal.ts';
import type {
  SaEvtChannelHandleT,
  SaEvtEventFilterArrayT,
  SaEvtEventFilterT,
} from '../client/literal-types.ts';
import { FILTERS_MAX, SUBSCRIPTIONS_PER_OPEN_MAX } from '../limits.ts';
import {
  type Actor,
  bytes,
  inTurns,
  PUBLISHER,
  type Publication,
  passAll,
  type Row,
  row,
  SECOND,
} from './stage.fixture.ts';

const NO_CHANNEL = 5n as SaEvtChannelHandleT;
type Answer = Promise<{ readonly rc: number }>;
type OnChannel = (sa: Actor['sa'], channel: SaEvtChannelHandleT, actor: Actor) => Answer;

const PREFIX = 1;
const SUFFIX = 2;
const EXACT = 3;
const PASS_ALL = 4;
const filter = (filterType: number, text: string | null): SaEvtEventFilterT => ({
  filterType: filterType as 1,
  filter: text === null ? null : bytes(text),
});

const onChannel =
  (call: OnChannel, flags?: number): Row['run'] =>
  async (stage) => {
    const { near, here } = await stage.pair(flags);
    return call(near.sa, here, near);
  };

const subscribe =
  (filters: SaEvtEventFilterArrayT | null, id = 1): OnChannel =>
  (sa, channel) =>
    sa.saEvtEventSubscribe(channel, filters, id);

/** Subscribes; the far client publishes one event per list of patterns; these pass, in this order. */
const passes =
  (filters: SaEvtEventFilterArrayT, published: readonly string[][], passing: readonly number[]) =>
  async (stage: Parameters<Row['run']>[0]): Answer => {
    const { near, far, here, there } = await stage.pair();
    const answer = await near.sa.saEvtEventSubscribe(here, filters, 1);
    for (const [index, patterns] of published.entries()) {
      await far.publish(there, String(index), { patterns });
    }
    await near.subscribe(here, 2);
    await far.publish(there, 'end', { patterns: ['\0no filter passes this'] });
    const events = await near.deliveries(passing.length + 1);
    assert.deepEqual(
      events.map(({ data }) => data),
      [...passing.map(String), 'end'],
    );
    return answer;
  };

const unsubscribe =
  (id: number): OnChannel =>
  (sa, channel) =>
    sa.saEvtEventUnsubscribe(channel, id);

/** Clears an event that a far client published; `before` may do something to it. */
const clear =
  (
    publication: Publication,
    before?: (id: bigint, far: Actor, there: SaEvtChannelHandleT) => Answer,
  ) =>
  async (stage: Parameters<Row['run']>[0]): Answer => {
    const { near, far, here, there } = await stage.pair();
    const id = await far.publish(there, 'x', publication);
    if (before !== undefined) ok(await before(id, far, there));
    const answer = await near.sa.saEvtEventRetentionTimeClear(here, id);
    if (answer.rc === 1) {
      await near.subscribe(here);
      await far.publish(there, 'after');
      assert.deepEqual(await near.data(1), ['after']);
    }
    return answer;
  };
const KEPT = { retention: 600n * SECOND };

const matchingRows: readonly Row[] = [
  row(
    'saEvtEventSubscribe',
    'OK',
    'no filters: everything passes',
    passes([], [['a'], []], [0, 1]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'PREFIX compares bytes, and never passes what is shorter',
    passes([filter(PREFIX, 'ab\0')], [['ab\0c'], ['ab\0'], ['ab'], ['xab\0']], [0, 1]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'SUFFIX compares bytes, and never passes what is shorter',
    passes([filter(SUFFIX, '\0bc')], [['a\0bc'], ['\0bc'], ['bc'], ['\0bcx']], [0, 1]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'EXACT compares all bytes, behind a NUL, too',
    passes([filter(EXACT, 'a\0b')], [['a\0b'], ['a\0c'], ['a'], ['a\0bc']], [0]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'PASS_ALL passes anything and nothing',
    passes([filter(PASS_ALL, null)], [['a'], ['']], [0, 1]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'each filter looks at the pattern of its place; all must pass',
    passes([filter(PASS_ALL, null), filter(EXACT, 'b')], [['a', 'b'], ['b', 'a'], ['b']], [0]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'surplus filters look at the empty pattern',
    passes(
      [filter(EXACT, 'a'), filter(PASS_ALL, null), filter(PREFIX, '')],
      [['a'], ['a', 'x'], ['a', 'x', 'y']],
      [0, 1, 2],
    ),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'a surplus filter that is not empty passes nothing',
    passes([filter(EXACT, 'a'), filter(PREFIX, 'b')], [['a'], ['a', 'bc']], [1]),
  ),
  row(
    'saEvtEventSubscribe',
    'OK',
    'two of one open match: one delivery, to the first',
    async (stage) => {
      const { near, far, here, there } = await stage.pair();
      await near.subscribe(here, 8);
      const answer = await near.sa.saEvtEventSubscribe(here, passAll, 9);
      for (const data of ['1', '2']) await far.publish(there, data);
      const events = await near.deliveries(2);
      assert.deepEqual(
        events.map(({ subscriptionId, data }) => [subscriptionId, data]),
        [
          [8, '1'],
          [8, '2'],
        ],
      );
      return answer;
    },
  ),
  row('saEvtEventSubscribe', 'OK', 'two opens of one client: a delivery each', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await near.subscribe(here, 1);
    const answer = await near.sa.saEvtEventSubscribe(await near.open(stage.channel), passAll, 1);
    await far.publish(there, 'x');
    assert.deepEqual(await near.data(2), ['x', 'x']);
    return answer;
  }),
  row(
    'saEvtEventSubscribe',
    'OK',
    'retained events come to each new subscription once',
    async (stage) => {
      const { near, far, here, there } = await stage.pair();
      await far.publish(there, 'kept', KEPT);
      await far.publish(there, 'not kept');
      await near.subscribe(here, 1);
      const answer = await near.sa.saEvtEventSubscribe(here, passAll, 2);
      await far.publish(there, 'end');
      const events = await near.deliveries(3);
      assert.deepEqual(
        events.map(({ subscriptionId, data }) => [subscriptionId, data]),
        [
          [1, 'kept'],
          [2, 'kept'],
          [1, 'end'],
        ],
      );
      return answer;
    },
  ),
  row('saEvtEventSubscribe', 'OK', 'what is retained no more does not come', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await far.publish(there, 'short', { retention: SECOND / 20n });
    await stage.elapse(60);
    const answer = await near.sa.saEvtEventSubscribe(here, passAll, 1);
    await far.publish(there, 'end');
    assert.deepEqual(await near.data(1), ['end']);
    return answer;
  }),
  row('saEvtEventSubscribe', 'OK', 'a higher priority is served before a lower', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    const answer = await near.sa.saEvtEventSubscribe(here, passAll, 1);
    for (const priority of [3, 0, 2, 3, 0, 1] as const) {
      await far.publish(there, `p${priority}`, { priority });
    }
    // Its answer comes behind the events: then all of them wait.
    await near.open(stage.channel);
    assert.deepEqual(await near.data(6), ['p0', 'p0', 'p1', 'p2', 'p3', 'p3']);
    return answer;
  }),
  row('saEvtEventSubscribe', 'OK', 'the order of all publishers is one', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await far.subscribe(there);
    const answer = await near.sa.saEvtEventSubscribe(here, passAll, 1);
    const publish = (actor: Actor, channel: SaEvtChannelHandleT, who: string) =>
      Promise.all(Array.from({ length: 30 }, (_, i) => actor.publish(channel, `${who}${i}`)));
    await Promise.all([publish(near, here, 'n'), publish(far, there, 'f')]);
    const [one, other] = [await near.data(60), await far.data(60)];
    assert.deepEqual(one, other);
    const own = one.filter((data) => data.startsWith('n'));
    assert.deepEqual(
      own,
      Array.from({ length: 30 }, (_, i) => `n${i}`),
    );
    return answer;
  }),
];

const subscribeRows: readonly Row[] = [
  row('saEvtEventSubscribe', 'INIT', 'no callback was given', async (stage) => {
    await (await stage.far()).open(stage.channel);
    const near = await stage.near(3, null);
    return near.sa.saEvtEventSubscribe(await near.open(stage.channel), passAll, 1);
  }),
  row('saEvtEventSubscribe', 'INVALID_PARAM', 'the filters are null', onChannel(subscribe(null))),
  row('saEvtEventSubscribe', 'INVALID_PARAM', 'handle and filters are null', () =>
    createSaEvt().saEvtEventSubscribe(0n as SaEvtChannelHandleT, null, 1),
  ),
  row(
    'saEvtEventSubscribe',
    'INVALID_PARAM',
    'the filter type is 0',
    onChannel(subscribe([filter(0, 'x')])),
  ),
  row(
    'saEvtEventSubscribe',
    'INVALID_PARAM',
    'the filter type is unknown',
    onChannel(subscribe([filter(5, 'x')])),
  ),
  row(
    'saEvtEventSubscribe',
    'INVALID_PARAM',
    'a filter has 256 bytes',
    onChannel(subscribe([filter(EXACT, 'x'.repeat(256))])),
  ),
  row(
    'saEvtEventSubscribe',
    'INVALID_PARAM',
    'there are more filters than FILTERS_MAX',
    onChannel(subscribe(Array.from({ length: FILTERS_MAX + 1 }, () => filter(PASS_ALL, null)))),
  ),
  row(
    'saEvtEventSubscribe',
    'ACCESS',
    'the channel is not open for subscribing',
    onChannel(subscribe(passAll), PUBLISHER),
  ),
  row(
    'saEvtEventSubscribe',
    'EXIST',
    'the id is in use',
    onChannel(async (sa, channel, actor) => {
      await actor.subscribe(channel, 7);
      return sa.saEvtEventSubscribe(channel, [], 7);
    }),
  ),
  row(
    'saEvtEventSubscribe',
    'NO_RESOURCES',
    'the open has SUBSCRIPTIONS_PER_OPEN_MAX',
    onChannel(async (sa, channel, actor) => {
      await inTurns(SUBSCRIPTIONS_PER_OPEN_MAX, (id) => actor.subscribe(channel, id));
      return sa.saEvtEventSubscribe(channel, passAll, SUBSCRIPTIONS_PER_OPEN_MAX);
    }),
  ),
  row('saEvtEventSubscribe', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtEventSubscribe(NO_CHANNEL, passAll, 1),
  ),
];

const endRows: readonly Row[] = [
  row('saEvtEventUnsubscribe', 'OK', 'what is queued for it alone is dropped', async (stage) => {
    const { near, far, here, there } = await stage.pair();
    await near.subscribe(here, 1);
    await near.subscribe(here, 2, [filter(EXACT, 'both')]);
    await far.publish(there, 'one');
    await far.publish(there, 'both', { patterns: ['both'] });
    await near.sa.saEvtSelectionObjectGet(near.handle).then((o) => o.selectionObject?.ready());
    const answer = await near.sa.saEvtEventUnsubscribe(here, 1);
    const [delivered] = await near.deliveries(1);
    await near.sa.saEvtDispatch(near.handle, SA_DISPATCH_ALL);
    assert.deepEqual([delivered?.subscriptionId, delivered?.data], [2, 'both']);
    assert.equal(near.delivered.length, 0);
    return answer;
  }),
  row(
    'saEvtEventUnsubscribe',
    'OK',
    'its id may be used again',
    onChannel(async (sa, channel, actor) => {
      await actor.subscribe(channel, 7);
      const answer = await sa.saEvtEventUnsubscribe(channel, 7);
      await actor.subscribe(channel, 7);
      return answer;
    }),
  ),
  row('saEvtEventUnsubscribe', 'NOT_EXIST', 'no such subscription', onChannel(unsubscribe(7))),
  row(
    'saEvtEventUnsubscribe',
    'NOT_EXIST',
    'ended already',
    onChannel(async (sa, channel, actor) => {
      await actor.subscribe(channel, 7);
      ok(await sa.saEvtEventUnsubscribe(channel, 7));
      return sa.saEvtEventUnsubscribe(channel, 7);
    }),
  ),
  row('saEvtEventUnsubscribe', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtEventUnsubscribe(NO_CHANNEL, 1),
  ),
  row('saEvtEventRetentionTimeClear', 'OK', 'published on another node', clear(KEPT)),
  ...[0n, 1n, 1000n].map((id) =>
    row(
      'saEvtEventRetentionTimeClear',
      'INVALID_PARAM',
      `the id is ${id}`,
      onChannel((sa, channel) => sa.saEvtEventRetentionTimeClear(channel, id)),
    ),
  ),
  row(
    'saEvtEventRetentionTimeClear',
    'NOT_EXIST',
    'no such event',
    onChannel((sa, channel) => sa.saEvtEventRetentionTimeClear(channel, 1001n)),
  ),
  row('saEvtEventRetentionTimeClear', 'NOT_EXIST', 'published without retention', clear({})),
  row(
    'saEvtEventRetentionTimeClear',
    'NOT_EXIST',
    'cleared already',
    clear(KEPT, (id, far, there) => far.sa.saEvtEventRetentionTimeClear(there, id)),
  ),
  row('saEvtEventRetentionTimeClear', 'NOT_EXIST', 'its retention is over', (stage) =>
    clear({ retention: SECOND / 20n }, async () => {
      await stage.elapse(60);
      return { rc: 1 };
    })(stage),
  ),
  row('saEvtEventRetentionTimeClear', 'NOT_EXIST', 'of another channel', async (stage) => {
    const { near, far, there } = await stage.pair();
    const id = await far.publish(there, 'x', KEPT);
    ok(await far.sa.saEvtChannelUnlink(far.handle, stage.channel));
    const other = await near.open(stage.channel);
    return near.sa.saEvtEventRetentionTimeClear(other, id);
  }),
  row('saEvtEventRetentionTimeClear', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtEventRetentionTimeClear(NO_CHANNEL, 1001n),
  ),
];

export const subscriptionRows: readonly Row[] = [...matchingRows, ...subscribeRows, ...endRows];
