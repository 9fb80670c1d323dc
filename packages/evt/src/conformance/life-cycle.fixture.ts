/** Rows of the life cycle (AIS B.0) and of LimitGet. */
import assert from 'node:assert/strict';
import {
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import { createSaEvt } from '../client/literal.ts';
import type { SaEvtHandleT } from '../client/literal-types.ts';
import type { SaEvtLimitIdT } from '../protocol.ts';
import { type Actor, type Row, row, type Stage } from './stage.fixture.ts';

const UNKNOWN = 1n as SaEvtHandleT;
const FIRST = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };
const HIGHEST = { releaseCode: 'B', majorVersion: 3, minorVersion: 1 };

/** Initialises with a version and looks at what became of it: B.01 stays, all else becomes the highest. */
const initialize =
  (releaseCode: string, majorVersion: number, minorVersion: number): Row['run'] =>
  async ({ connect }) => {
    const sa = createSaEvt();
    const version = { releaseCode, majorVersion, minorVersion };
    const answer = await sa.saEvtInitialize(null, version, connect);
    assert.deepEqual(version, releaseCode === 'B' && majorVersion === 1 ? FIRST : HIGHEST);
    if (answer.evtHandle !== undefined) await sa.saEvtFinalize(answer.evtHandle);
    return answer;
  };

const onFinalized =
  (call: (actor: Actor) => Promise<{ readonly rc: number }>): Row['run'] =>
  async (stage) => {
    const near = await stage.near();
    await near.finalize();
    return call(near);
  };

const dispatch =
  (flags: number): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.near();
    return sa.saEvtDispatch(handle, flags as SaDispatchFlagsT);
  };

const limit =
  (id: number, majorVersion: number, value?: bigint): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stage.near(majorVersion);
    const answer = await sa.saEvtLimitGet(handle, id as SaEvtLimitIdT);
    assert.equal(answer.limitValue, value);
    return answer;
  };

async function readable(stage: Stage): Promise<{ readonly rc: number }> {
  const { near, far, here, there } = await stage.pair();
  await near.subscribe(here);
  const first = await near.sa.saEvtSelectionObjectGet(near.handle);
  await far.publish(there, 'x');
  await first.selectionObject?.ready();
  const again = await near.sa.saEvtSelectionObjectGet(near.handle);
  assert.equal(again.selectionObject, first.selectionObject);
  return again;
}

async function blocking(stage: Stage): Promise<{ readonly rc: number }> {
  const { near, far, here, there } = await stage.pair();
  await near.subscribe(here);
  const serving = near.sa.saEvtDispatch(near.handle, SA_DISPATCH_BLOCKING);
  await far.publish(there, 'x');
  await near.data(1);
  await near.finalize();
  return serving;
}

async function oneAtATime(stage: Stage): Promise<{ readonly rc: number }> {
  const { near, far, here, there } = await stage.pair();
  await near.subscribe(here);
  for (const data of ['1', '2']) await far.publish(there, data);
  const { selectionObject } = await near.sa.saEvtSelectionObjectGet(near.handle);
  await selectionObject?.ready();
  const answer = await near.sa.saEvtDispatch(near.handle, SA_DISPATCH_ONE);
  assert.equal(near.delivered.length, 1);
  return answer;
}

export const lifeCycleRows: readonly Row[] = [
  row('saEvtInitialize', 'OK', 'the version is B.03.01', initialize('B', 3, 1)),
  row('saEvtInitialize', 'OK', 'the version is B.01.01', initialize('B', 1, 1)),
  row('saEvtInitialize', 'OK', 'the minor version is higher: ignored', initialize('B', 3, 9)),
  row('saEvtInitialize', 'OK', 'the major version lies between', initialize('B', 2, 0)),
  row('saEvtInitialize', 'VERSION', 'the major version is higher', initialize('B', 4, 1)),
  row('saEvtInitialize', 'VERSION', 'the major version is 0', initialize('B', 0, 1)),
  row('saEvtInitialize', 'VERSION', 'the release is later', initialize('C', 1, 1)),
  row('saEvtInitialize', 'VERSION', 'the release is earlier', initialize('A', 1, 1)),
  row('saEvtInitialize', 'INVALID_PARAM', 'the version is null', ({ connect }) =>
    createSaEvt().saEvtInitialize(null, null, connect),
  ),
  row(
    'saEvtSelectionObjectGet',
    'OK',
    'readable with a callback queued, the same object again',
    readable,
  ),
  row('saEvtSelectionObjectGet', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtSelectionObjectGet(UNKNOWN),
  ),
  row(
    'saEvtSelectionObjectGet',
    'BAD_HANDLE',
    'the handle is finalised',
    onFinalized(({ sa, handle }) => sa.saEvtSelectionObjectGet(handle)),
  ),
  row('saEvtDispatch', 'OK', 'ONE with nothing queued', dispatch(SA_DISPATCH_ONE)),
  row('saEvtDispatch', 'OK', 'ONE runs one callback of two', oneAtATime),
  row('saEvtDispatch', 'OK', 'ALL with nothing queued', dispatch(SA_DISPATCH_ALL)),
  row('saEvtDispatch', 'OK', 'BLOCKING serves until Finalize', blocking),
  row('saEvtDispatch', 'INVALID_PARAM', 'the flag is 0', dispatch(0)),
  row('saEvtDispatch', 'INVALID_PARAM', 'the flag is unknown', dispatch(4)),
  row('saEvtDispatch', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtDispatch(UNKNOWN, SA_DISPATCH_ALL),
  ),
  row(
    'saEvtDispatch',
    'BAD_HANDLE',
    'the handle is finalised',
    onFinalized(({ sa, handle }) => sa.saEvtDispatch(handle, SA_DISPATCH_ALL)),
  ),
  row('saEvtFinalize', 'OK', 'closes channels and frees events', async (stage) => {
    const { near, here } = await stage.pair();
    const event = await near.allocate(here);
    const answer = await near.sa.saEvtFinalize(near.handle);
    assert.equal((await near.sa.saEvtEventFree(event)).rc, 9);
    assert.equal((await near.sa.saEvtChannelClose(here)).rc, 9);
    return answer;
  }),
  row('saEvtFinalize', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtFinalize(UNKNOWN),
  ),
  row(
    'saEvtFinalize',
    'BAD_HANDLE',
    'the handle is finalised already',
    onFinalized(({ sa, handle }) => sa.saEvtFinalize(handle)),
  ),
  row('saEvtLimitGet', 'OK', 'channels', limit(1, 3, 1024n)),
  row('saEvtLimitGet', 'OK', 'bytes of an event', limit(2, 3, 65_536n)),
  row('saEvtLimitGet', 'OK', 'bytes of a pattern', limit(3, 3, 255n)),
  row('saEvtLimitGet', 'OK', 'patterns of an event', limit(4, 3, 10n)),
  row('saEvtLimitGet', 'OK', 'retention', limit(5, 3, 100_000_000_000_000n)),
  row('saEvtLimitGet', 'INVALID_PARAM', 'the limit id is 0', limit(0, 3)),
  row('saEvtLimitGet', 'INVALID_PARAM', 'the limit id is unknown', limit(6, 3)),
  row('saEvtLimitGet', 'VERSION', 'the handle is of B.01', limit(1, 1)),
  row('saEvtLimitGet', 'BAD_HANDLE', 'the handle never was', () =>
    createSaEvt().saEvtLimitGet(UNKNOWN, 1),
  ),
  row(
    'saEvtLimitGet',
    'BAD_HANDLE',
    'the handle is finalised',
    onFinalized(({ sa, handle }) => sa.saEvtLimitGet(handle, 1)),
  ),
];
