/** Rows of the timers themselves. */
import assert from 'node:assert/strict';
import { type Answer, ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaTmr, SaTmrTimerIdT } from '../client/literal-types.ts';
import { TIMERS_PER_CLIENT_MAX } from '../limits.ts';
import type { SaTmrTimerAttributesT } from '../protocol.ts';
import { handleRows } from './life-cycle.fixture.ts';
import { type Actor, after, at, LONG, MS, type Row, row } from './stage.fixture.ts';

const NOBODY = 1n as SaTmrTimerIdT;
const odd = (type: number) => ({ ...after(LONG), type }) as unknown as SaTmrTimerAttributesT;

/** Starts a timer with these attributes, or none. */
const start =
  (attributes: SaTmrTimerAttributesT | null): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.actor();
    return sa.saTmrTimerStart(handle, attributes, undefined);
  };

/** Reschedules a timer of the first attributes to the second. */
const reschedule =
  (from: SaTmrTimerAttributesT, to: SaTmrTimerAttributesT | null): Row['run'] =>
  async (stage) => {
    const actor = await stage.actor();
    return actor.sa.saTmrTimerReschedule(actor.handle, await actor.timer(from), to);
  };

type OnTimer = (actor: Actor, id: SaTmrTimerIdT) => Answer;

/** The ways in which a timer is none, for every function that takes one. */
function timerRows(fn: keyof SaTmr, call: OnTimer): readonly Row[] {
  return [
    row(fn, 'NOT_EXIST', 'the timer never was', async (stage) => call(await stage.actor(), NOBODY)),
    row(fn, 'NOT_EXIST', 'the timer is cancelled', async (stage) => {
      const actor = await stage.actor();
      const id = await actor.timer(after(LONG));
      ok(await actor.sa.saTmrTimerCancel(actor.handle, id));
      return call(actor, id);
    }),
    row(fn, 'NOT_EXIST', 'the callback of the single shot was called', async (stage) => {
      const { actor, id } = await stage.expired();
      await actor.dispatch();
      return call(actor, id);
    }),
    row(fn, 'NOT_EXIST', 'it is a timer of another handle', async (stage) => {
      const [mine, other] = [await stage.actor(), await stage.actor()];
      return call(mine, await other.timer(after(LONG, LONG)));
    }),
    ...handleRows(fn, (actor) => call(actor, NOBODY)),
  ];
}

const cancel: OnTimer = ({ sa, handle }, id) => sa.saTmrTimerCancel(handle, id);
const skip: OnTimer = ({ sa, handle }, id) => sa.saTmrPeriodicTimerSkip(handle, id);
const remaining: OnTimer = ({ sa, handle }, id) => sa.saTmrTimerRemainingTimeGet(handle, id);
const attributesGet: OnTimer = ({ sa, handle }, id) => sa.saTmrTimerAttributesGet(handle, id);

const startRows: readonly Row[] = [
  row('saTmrTimerStart', 'OK', 'a duration', start(after(LONG))),
  row('saTmrTimerStart', 'OK', 'a duration, periodic', start(after(LONG, LONG))),
  row('saTmrTimerStart', 'OK', 'a duration of 0 expires at once', async (stage) => {
    const actor = await stage.actor();
    const answer = await actor.sa.saTmrTimerStart(actor.handle, after(0n), 'now');
    await stage.elapse(1);
    await actor.ready();
    await actor.dispatch();
    assert.deepEqual(actor.expired, [{ timer: answer.timerId, data: 'now', count: 1n }]);
    return answer;
  }),
  row('saTmrTimerStart', 'OK', 'an absolute time; the call time is told', async (stage) => {
    const actor = await stage.actor();
    const before = await actor.now();
    const answer = await actor.sa.saTmrTimerStart(actor.handle, at(before + LONG), null);
    assert.ok((answer.callTime ?? 0n) >= before);
    return answer;
  }),
  row('saTmrTimerStart', 'OK', 'an absolute time that is past expires at once', async (stage) => {
    const actor = await stage.actor();
    const answer = await actor.sa.saTmrTimerStart(actor.handle, at(1n), null);
    await stage.elapse(1);
    await actor.ready();
    return answer;
  }),
  row('saTmrTimerStart', 'INVALID_PARAM', 'the attributes are null', start(null)),
  row('saTmrTimerStart', 'INVALID_PARAM', 'the type is 0', start(odd(0))),
  row('saTmrTimerStart', 'INVALID_PARAM', 'the type is unknown', start(odd(3))),
  row('saTmrTimerStart', 'INVALID_PARAM', 'the initial time is negative', start(after(-1n))),
  row('saTmrTimerStart', 'INVALID_PARAM', 'the period is negative', start(after(1n, -1n))),
  row('saTmrTimerStart', 'INIT', 'there is no callback', async (stage) => {
    const { sa, handle } = await stage.actor(null);
    return sa.saTmrTimerStart(handle, after(LONG), null);
  }),
  row('saTmrTimerStart', 'NO_RESOURCES', 'the client has too many', async (stage) => {
    const actor = await stage.actor();
    for (let i = 0; i < TIMERS_PER_CLIENT_MAX; i++) await actor.timer(after(LONG));
    return actor.sa.saTmrTimerStart(actor.handle, after(LONG), null);
  }),
  ...handleRows('saTmrTimerStart', ({ sa, handle }) => sa.saTmrTimerStart(handle, after(1n), null)),
];

const rescheduleRows: readonly Row[] = [
  row('saTmrTimerReschedule', 'OK', 'another duration', async (stage) => {
    const actor = await stage.actor();
    const id = await actor.timer(after(LONG));
    const answer = await actor.sa.saTmrTimerReschedule(actor.handle, id, after(MS));
    await stage.elapse(1);
    await actor.ready();
    return answer;
  }),
  row('saTmrTimerReschedule', 'OK', 'to an absolute time', async (stage) => {
    const actor = await stage.actor();
    const id = await actor.timer(after(LONG));
    const to = at((await actor.now()) + LONG);
    return actor.sa.saTmrTimerReschedule(actor.handle, id, to);
  }),
  row('saTmrTimerReschedule', 'OK', 'another period', reschedule(after(1n, LONG), after(1n, MS))),
  row(
    'saTmrTimerReschedule',
    'OK',
    'expired, its callback not called: it starts anew',
    async (stage) => {
      const { actor, id } = await stage.expired();
      const answer = await actor.sa.saTmrTimerReschedule(actor.handle, id, after(LONG));
      await actor.dispatch();
      assert.deepEqual(actor.expired, []);
      return answer;
    },
  ),
  ...[
    ['the new time is past', after(LONG), at(1n)],
    ['a single shot would be periodic', after(LONG), after(LONG, LONG)],
    ['a periodic one would be single shot', after(LONG, LONG), after(LONG)],
    ['the attributes are null', after(LONG), null],
    ['the type is unknown', after(LONG), odd(3)],
    ['the initial time is negative', after(LONG), after(-1n)],
    ['the period is negative', after(LONG, LONG), after(LONG, -1n)],
  ].map(([when, from, to]) =>
    row(
      ...(['saTmrTimerReschedule', 'INVALID_PARAM', when as string] as const),
      reschedule(from as SaTmrTimerAttributesT, to as SaTmrTimerAttributesT | null),
    ),
  ),
  ...timerRows('saTmrTimerReschedule', ({ sa, handle }, id) =>
    sa.saTmrTimerReschedule(handle, id, after(LONG)),
  ),
];

export const timersRows: readonly Row[] = [
  ...startRows,
  ...rescheduleRows,
  row('saTmrTimerCancel', 'OK', 'gives the data back', async (stage) => {
    const actor = await stage.actor();
    const data = { mine: true };
    const id = await actor.timer(after(LONG), data);
    const answer = await actor.sa.saTmrTimerCancel(actor.handle, id);
    assert.equal(answer.timerData, data);
    return answer;
  }),
  row('saTmrTimerCancel', 'OK', 'expired, its callback not called: it never is', async (stage) => {
    const { actor, id } = await stage.expired();
    const answer = await actor.sa.saTmrTimerCancel(actor.handle, id);
    await actor.dispatch();
    assert.deepEqual(actor.expired, []);
    return answer;
  }),
  ...timerRows('saTmrTimerCancel', cancel),
  row(
    'saTmrPeriodicTimerSkip',
    'OK',
    'the next one counts and is not called back',
    async (stage) => {
      const actor = await stage.actor();
      const id = await actor.timer(after(20n * MS, 20n * MS));
      const answer = await skip(actor, id);
      // What expired before the skip was told before its answer.
      await actor.dispatch();
      if (actor.expired.length > 0) return answer;
      await stage.elapse(40);
      await actor.ready();
      await actor.dispatch();
      assert.ok((actor.expired[0]?.count ?? 0n) >= 2n);
      return answer;
    },
  ),
  row('saTmrPeriodicTimerSkip', 'NOT_EXIST', 'it is a single shot', async (stage) => {
    const actor = await stage.actor();
    return skip(actor, await actor.timer(after(LONG)));
  }),
  ...timerRows('saTmrPeriodicTimerSkip', skip),
  row('saTmrTimerRemainingTimeGet', 'OK', 'until the next expiration', async (stage) => {
    const actor = await stage.actor();
    const id = await actor.timer(after(LONG, MS));
    const answer = await actor.sa.saTmrTimerRemainingTimeGet(actor.handle, id);
    assert.ok((answer.remainingTime ?? 0n) > LONG / 2n && (answer.remainingTime ?? 0n) <= LONG);
    return answer;
  }),
  row('saTmrTimerRemainingTimeGet', 'OK', '0: expired, its callback not called', async (stage) => {
    const { actor, id } = await stage.expired();
    const answer = await actor.sa.saTmrTimerRemainingTimeGet(actor.handle, id);
    assert.equal(answer.remainingTime, 0n);
    return answer;
  }),
  ...timerRows('saTmrTimerRemainingTimeGet', remaining),
  row('saTmrTimerAttributesGet', 'OK', 'as it was started', async (stage) => {
    const actor = await stage.actor();
    const id = await actor.timer(after(LONG, MS));
    const answer = await actor.sa.saTmrTimerAttributesGet(actor.handle, id);
    assert.deepEqual(answer.timerAttributes, after(LONG, MS));
    return answer;
  }),
  row('saTmrTimerAttributesGet', 'OK', 'as it was rescheduled', async (stage) => {
    const actor = await stage.actor();
    const id = await actor.timer(after(LONG));
    ok(await actor.sa.saTmrTimerReschedule(actor.handle, id, after(2n * LONG)));
    const answer = await actor.sa.saTmrTimerAttributesGet(actor.handle, id);
    assert.deepEqual(answer.timerAttributes, after(2n * LONG));
    return answer;
  }),
  ...timerRows('saTmrTimerAttributesGet', attributesGet),
];
