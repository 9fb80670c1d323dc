/** Rows of the life cycle (AIS B.0) and of the functions that free memory in C. */
import assert from 'node:assert/strict';
import { SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_DISPATCH_ONE } from '@aisexec/ais';
import type { Answer } from '../../../../test/fixtures/ais-table.ts';
import { createSaCkpt } from '../client/literal.ts';
import type { SaCkptHandleT } from '../client/literal-types.ts';
import {
  ALL,
  bytes,
  NO_CHECKPOINT,
  READ,
  type Row,
  row,
  type Stage,
  UNKNOWN,
} from './stage.fixture.ts';

const FIRST = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };
const HIGHEST = { releaseCode: 'B', majorVersion: 2, minorVersion: 2 };

/** Initialises with a version and looks at what became of it: B.01 stays, all else becomes the highest. */
const initialize =
  (releaseCode: string, majorVersion: number, minorVersion: number): Row['run'] =>
  async ({ sa, connect }) => {
    const version = { releaseCode, majorVersion, minorVersion };
    const answer = await sa.saCkptInitialize(null, version, connect);
    assert.deepEqual(version, releaseCode === 'B' && majorVersion === 1 ? FIRST : HIGHEST);
    if (answer.ckptHandle !== undefined) await sa.saCkptFinalize(answer.ckptHandle);
    return answer;
  };

const onFinalized =
  (call: (stage: Stage, handle: SaCkptHandleT) => Answer): Row['run'] =>
  async (stage) => {
    const handle = await stage.initialize();
    await stage.sa.saCkptFinalize(handle);
    return call(stage, handle);
  };

const dispatch =
  (flags: number): Row['run'] =>
  async (stage) =>
    stage.sa.saCkptDispatch(await stage.near(), flags);

async function readable(stage: Stage): Answer {
  const handle = await stage.near();
  const first = await stage.sa.saCkptSelectionObjectGet(handle);
  await stage.sa.saCkptCheckpointOpenAsync(handle, 1n, stage.checkpoint, null, READ);
  await first.selectionObject?.ready();
  const again = await stage.sa.saCkptSelectionObjectGet(handle);
  assert.equal(again.selectionObject, first.selectionObject);
  return again;
}

async function blocking(stage: Stage): Answer {
  const handle = await stage.near();
  const serving = stage.sa.saCkptDispatch(handle, SA_DISPATCH_BLOCKING);
  await stage.sa.saCkptCheckpointOpenAsync(handle, 1n, stage.checkpoint, null, READ);
  await stage.callback();
  await stage.sa.saCkptFinalize(handle);
  return serving;
}

const free =
  (
    fn: 'saCkptSectionIdFree' | 'saCkptIOVectorElementDataFree',
    pointer: Uint8Array | null = bytes('x'),
    majorVersion = 2,
  ): Row['run'] =>
  async (stage) => {
    await stage.use('full');
    const old = await stage.initialize({}, majorVersion);
    return stage.sa[fn](await stage.open(old, null, READ), pointer);
  };

const freeRows = (['saCkptSectionIdFree', 'saCkptIOVectorElementDataFree'] as const).flatMap(
  (fn) => [
    row(fn, 'OK', 'there is nothing to free', free(fn)),
    row(fn, 'INVALID_PARAM', 'the pointer is null', free(fn, null)),
    row(fn, 'VERSION', 'the handle is of B.01', free(fn, bytes('x'), 1)),
    row(fn, 'BAD_HANDLE', 'the checkpoint is closed', async (stage) =>
      stage.sa[fn](await stage.use('closed'), bytes('x')),
    ),
    row(fn, 'BAD_HANDLE', 'the handle never was', () =>
      createSaCkpt()[fn](NO_CHECKPOINT, bytes('x')),
    ),
  ],
);

export const lifeCycleRows: readonly Row[] = [
  row('saCkptInitialize', 'OK', 'the version is B.02.02', initialize('B', 2, 2)),
  row('saCkptInitialize', 'OK', 'the version is B.01.01', initialize('B', 1, 1)),
  row('saCkptInitialize', 'OK', 'the minor version is higher: ignored', initialize('B', 2, 9)),
  row('saCkptInitialize', 'VERSION', 'the major version is higher', initialize('B', 3, 1)),
  row('saCkptInitialize', 'VERSION', 'the major version is 0', initialize('B', 0, 1)),
  row('saCkptInitialize', 'VERSION', 'the release is later', initialize('C', 1, 1)),
  row('saCkptInitialize', 'VERSION', 'the release is earlier', initialize('A', 1, 1)),
  row('saCkptInitialize', 'INVALID_PARAM', 'the version is null', ({ sa, connect }) =>
    sa.saCkptInitialize(null, null, connect),
  ),
  row(
    'saCkptSelectionObjectGet',
    'OK',
    'readable with a callback queued, the same object again',
    readable,
  ),
  row('saCkptSelectionObjectGet', 'BAD_HANDLE', 'the handle never was', ({ sa }) =>
    sa.saCkptSelectionObjectGet(UNKNOWN),
  ),
  row(
    'saCkptSelectionObjectGet',
    'BAD_HANDLE',
    'the handle is finalised',
    onFinalized(({ sa }, handle) => sa.saCkptSelectionObjectGet(handle)),
  ),
  row('saCkptDispatch', 'OK', 'ONE with nothing queued', dispatch(SA_DISPATCH_ONE)),
  row('saCkptDispatch', 'OK', 'ALL with nothing queued', dispatch(SA_DISPATCH_ALL)),
  row('saCkptDispatch', 'OK', 'BLOCKING serves until Finalize', blocking),
  row('saCkptDispatch', 'INVALID_PARAM', 'the flag is 0', dispatch(0)),
  row('saCkptDispatch', 'INVALID_PARAM', 'the flag is unknown', dispatch(4)),
  row('saCkptDispatch', 'BAD_HANDLE', 'the handle never was', ({ sa }) =>
    sa.saCkptDispatch(UNKNOWN, SA_DISPATCH_ALL),
  ),
  row(
    'saCkptDispatch',
    'BAD_HANDLE',
    'the handle is finalised',
    onFinalized(({ sa }, handle) => sa.saCkptDispatch(handle, SA_DISPATCH_ALL)),
  ),
  row('saCkptFinalize', 'OK', 'closes what is open, queued callbacks never run', async (stage) => {
    const checkpoint = await stage.use('full');
    const handle = await stage.near();
    await stage.sa.saCkptCheckpointOpenAsync(handle, 1n, stage.checkpoint, null, ALL);
    const answer = await stage.sa.saCkptFinalize(handle);
    assert.equal((await stage.sa.saCkptCheckpointStatusGet(checkpoint)).rc, 9);
    return answer;
  }),
  row('saCkptFinalize', 'BAD_HANDLE', 'the handle never was', ({ sa }) =>
    sa.saCkptFinalize(UNKNOWN),
  ),
  row(
    'saCkptFinalize',
    'BAD_HANDLE',
    'the handle is finalised already',
    onFinalized(({ sa }, handle) => sa.saCkptFinalize(handle)),
  ),
  ...freeRows,
];
