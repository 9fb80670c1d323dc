/** Rows of the life cycle (AIS B.0), and of the two functions about time. */
import assert from 'node:assert/strict';
import {
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import type { Answer } from '../../../../test/fixtures/ais-table.ts';
import { createSaTmr } from '../client/literal.ts';
import type { SaTmrHandleT } from '../client/literal-types.ts';
import { type Actor, after, MS, type Row, row } from './stage.fixture.ts';

export const UNKNOWN = 1n as SaTmrHandleT;

/** The two ways in which a handle is none, for every function that takes one. */
export function handleRows(fn: Row['fn'], call: (actor: Actor) => Answer): readonly Row[] {
  return [
    row(fn, 'BAD_HANDLE', 'the handle never was', async (stage) => {
      const actor = await stage.actor();
      const { handle } = actor;
      actor.handle = UNKNOWN;
      const answer = await call(actor);
      actor.handle = handle;
      return answer;
    }),
    row(fn, 'BAD_HANDLE', 'the handle is finalised', async (stage) => {
      const actor = await stage.actor();
      await actor.sa.saTmrFinalize(actor.handle);
      return call(actor);
    }),
  ];
}

const initialize =
  (releaseCode: string, majorVersion: number, minorVersion: number): Row['run'] =>
  async ({ connect }) => {
    const sa = createSaTmr();
    const version = { releaseCode, majorVersion, minorVersion };
    const answer = await sa.saTmrInitialize(null, version, connect);
    assert.deepEqual(version, { releaseCode: 'A', majorVersion: 1, minorVersion: 1 });
    if (answer.timerHandle !== undefined) await sa.saTmrFinalize(answer.timerHandle);
    return answer;
  };

const dispatch =
  (flags: number): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.actor();
    return sa.saTmrDispatch(handle, flags as SaDispatchFlagsT);
  };

export const lifeCycleRows: readonly Row[] = [
  row('saTmrInitialize', 'OK', 'the version is A.01.01', initialize('A', 1, 1)),
  row('saTmrInitialize', 'OK', 'the minor version is higher: ignored', initialize('A', 1, 9)),
  row('saTmrInitialize', 'VERSION', 'the major version is higher', initialize('A', 2, 1)),
  row('saTmrInitialize', 'VERSION', 'the major version is 0', initialize('A', 0, 1)),
  row('saTmrInitialize', 'VERSION', 'the release is later', initialize('B', 1, 1)),
  row('saTmrInitialize', 'INVALID_PARAM', 'the version is null', ({ connect }) =>
    createSaTmr().saTmrInitialize(null, null, connect),
  ),
  row('saTmrSelectionObjectGet', 'OK', 'readable with a callback queued', async (stage) => {
    const { actor } = await stage.expired();
    return actor.sa.saTmrSelectionObjectGet(actor.handle);
  }),
  ...handleRows('saTmrSelectionObjectGet', ({ sa, handle }) => sa.saTmrSelectionObjectGet(handle)),
  row('saTmrDispatch', 'OK', 'ONE with nothing queued', dispatch(SA_DISPATCH_ONE)),
  row('saTmrDispatch', 'OK', 'ALL with nothing queued', dispatch(SA_DISPATCH_ALL)),
  row('saTmrDispatch', 'OK', 'the callback gets the timer, its data and 1', async (stage) => {
    const data = { mine: true };
    const { actor, id } = await stage.expired(data);
    const answer = await actor.sa.saTmrDispatch(actor.handle, SA_DISPATCH_ALL);
    assert.equal(actor.expired[0]?.data, data);
    assert.deepEqual(actor.expired, [{ timer: id, data, count: 1n }]);
    return answer;
  }),
  row('saTmrDispatch', 'OK', 'a periodic timer: the count rises', async (stage) => {
    const actor = await stage.actor();
    await actor.timer(after(MS, 2n * MS));
    while ((actor.expired.at(-1)?.count ?? 0n) < 4n) {
      await stage.elapse(2);
      await actor.ready();
      await actor.dispatch();
    }
    const counts = actor.expired.map(({ count }) => count);
    assert.ok(counts.every((count, i) => count > (counts[i - 1] ?? 0n)));
    return actor.sa.saTmrDispatch(actor.handle, SA_DISPATCH_ONE);
  }),
  row('saTmrDispatch', 'OK', 'BLOCKING serves until Finalize', async (stage) => {
    const { actor } = await stage.expired();
    const serving = actor.sa.saTmrDispatch(actor.handle, SA_DISPATCH_BLOCKING);
    await actor.sa.saTmrTimeGet(actor.handle);
    await actor.sa.saTmrFinalize(actor.handle);
    return serving;
  }),
  row('saTmrDispatch', 'INVALID_PARAM', 'the flag is 0', dispatch(0)),
  row('saTmrDispatch', 'INVALID_PARAM', 'the flag is unknown', dispatch(4)),
  ...handleRows('saTmrDispatch', ({ sa, handle }) => sa.saTmrDispatch(handle, SA_DISPATCH_ALL)),
  row('saTmrFinalize', 'OK', 'ends the timers and drops their callbacks', async (stage) => {
    const { actor } = await stage.expired();
    const answer = await actor.sa.saTmrFinalize(actor.handle);
    assert.deepEqual(actor.expired, []);
    return answer;
  }),
  ...handleRows('saTmrFinalize', ({ sa, handle }) => sa.saTmrFinalize(handle)),
  row('saTmrTimeGet', 'OK', 'time passes', async (stage) => {
    const actor = await stage.actor();
    const before = await actor.now();
    await stage.elapse(2);
    const answer = await actor.sa.saTmrTimeGet(actor.handle);
    assert.ok((answer.currentTime ?? 0n) >= before + MS);
    return answer;
  }),
  ...handleRows('saTmrTimeGet', ({ sa, handle }) => sa.saTmrTimeGet(handle)),
  row('saTmrClockTickGet', 'OK', 'one millisecond', async (stage) => {
    const { sa, handle } = await stage.actor();
    const answer = await sa.saTmrClockTickGet(handle);
    assert.equal(answer.clockTick, MS);
    return answer;
  }),
  ...handleRows('saTmrClockTickGet', ({ sa, handle }) => sa.saTmrClockTickGet(handle)),
];
