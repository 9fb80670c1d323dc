/**
 * Rows of a client whose node was taken out of the membership and readmitted: a stale handle stays stale (AIS B.0,
 * UNAVAILABLE; LIBRARY in B.01).
 */
import { SA_DISPATCH_ALL, SA_DISPATCH_BLOCKING, SA_TIME_END } from '@aisexec/ais';
import { type Answer, ok } from '../../../../test/fixtures/ais-table.ts';
import type {
  SaCkpt,
  SaCkptCheckpointHandleT,
  SaCkptHandleT,
  SaCkptSectionIterationHandleT,
} from '../client/literal-types.ts';
import {
  ALL,
  bytes,
  element,
  id,
  NEVER,
  READ,
  type Row,
  row,
  type Stage,
  TIMEOUT,
} from './stage.fixture.ts';

interface Stale {
  readonly sa: SaCkpt;
  readonly handle: SaCkptHandleT;
  readonly open: SaCkptCheckpointHandleT;
  readonly iteration: SaCkptSectionIterationHandleT;
  readonly name: string;
}

async function stale(stage: Stage, majorVersion: number): Promise<Stale> {
  const { sa, checkpoint: name } = stage;
  const callbacks = {
    saCkptCheckpointOpenCallback: () => {},
    saCkptCheckpointSynchronizeCallback: () => {},
  };
  const handle = await stage.initialize(callbacks, majorVersion);
  const open = await stage.open(handle, {}, ALL);
  ok(await sa.saCkptSectionCreate(open, { sectionId: id('s'), ...NEVER }, bytes('data')));
  const begun = ok(await sa.saCkptSectionIterationInitialize(open, 4, SA_TIME_END));
  const iteration = begun.sectionIterationHandle as SaCkptSectionIterationHandleT;
  const { selectionObject } = await sa.saCkptSelectionObjectGet(handle);
  await stage.removed(() => selectionObject?.ready());
  return { sa, handle, open, iteration, name };
}

const CALLS: readonly (readonly [keyof SaCkpt, (stale: Stale) => Answer])[] = [
  ['saCkptSelectionObjectGet', ({ sa, handle }) => sa.saCkptSelectionObjectGet(handle)],
  ['saCkptDispatch', ({ sa, handle }) => sa.saCkptDispatch(handle, SA_DISPATCH_ALL)],
  [
    'saCkptCheckpointOpen',
    ({ sa, handle, name }) => sa.saCkptCheckpointOpen(handle, name, null, READ, TIMEOUT),
  ],
  [
    'saCkptCheckpointOpenAsync',
    ({ sa, handle, name }) => sa.saCkptCheckpointOpenAsync(handle, 1n, name, null, READ),
  ],
  ['saCkptCheckpointClose', ({ sa, open }) => sa.saCkptCheckpointClose(open)],
  ['saCkptCheckpointUnlink', ({ sa, handle, name }) => sa.saCkptCheckpointUnlink(handle, name)],
  [
    'saCkptCheckpointRetentionDurationSet',
    ({ sa, open }) => sa.saCkptCheckpointRetentionDurationSet(open, 0n),
  ],
  ['saCkptActiveReplicaSet', ({ sa, open }) => sa.saCkptActiveReplicaSet(open)],
  ['saCkptCheckpointStatusGet', ({ sa, open }) => sa.saCkptCheckpointStatusGet(open)],
  [
    'saCkptSectionCreate',
    ({ sa, open }) => sa.saCkptSectionCreate(open, { sectionId: id('t'), ...NEVER }, bytes('x')),
  ],
  ['saCkptSectionDelete', ({ sa, open }) => sa.saCkptSectionDelete(open, id('s'))],
  ['saCkptSectionIdFree', ({ sa, open }) => sa.saCkptSectionIdFree(open, bytes('s'))],
  [
    'saCkptSectionExpirationTimeSet',
    ({ sa, open }) => sa.saCkptSectionExpirationTimeSet(open, id('s'), SA_TIME_END),
  ],
  [
    'saCkptSectionIterationInitialize',
    ({ sa, open }) => sa.saCkptSectionIterationInitialize(open, 4, SA_TIME_END),
  ],
  ['saCkptSectionIterationNext', ({ sa, iteration }) => sa.saCkptSectionIterationNext(iteration)],
  [
    'saCkptSectionIterationFinalize',
    ({ sa, iteration }) => sa.saCkptSectionIterationFinalize(iteration),
  ],
  ['saCkptCheckpointWrite', ({ sa, open }) => sa.saCkptCheckpointWrite(open, [element('s', 'x')])],
  [
    'saCkptSectionOverwrite',
    ({ sa, open }) => sa.saCkptSectionOverwrite(open, id('s'), bytes('x')),
  ],
  ['saCkptCheckpointRead', ({ sa, open }) => sa.saCkptCheckpointRead(open, [element('s', 'x')])],
  [
    'saCkptIOVectorElementDataFree',
    ({ sa, open }) => sa.saCkptIOVectorElementDataFree(open, bytes('x')),
  ],
  ['saCkptCheckpointSynchronize', ({ sa, open }) => sa.saCkptCheckpointSynchronize(open, TIMEOUT)],
  [
    'saCkptCheckpointSynchronizeAsync',
    ({ sa, open }) => sa.saCkptCheckpointSynchronizeAsync(open, 1n),
  ],
];

/** Of B.02 only: VERSION on a handle of B.01, stale or not. */
const NEWER: ReadonlySet<keyof SaCkpt> = new Set([
  'saCkptSectionIdFree',
  'saCkptIOVectorElementDataFree',
]);

const initialize =
  (majorVersion: number): Row['run'] =>
  (stage) =>
    stage.removed(() => {
      const version = { releaseCode: 'B', majorVersion, minorVersion: 1 };
      return stage.sa.saCkptInitialize(null, version, stage.connect);
    });

const finalize =
  (major: number): Row['run'] =>
  async (stage) => {
    const { sa, handle } = await stale(stage, major);
    return sa.saCkptFinalize(handle);
  };

export const removalRows: readonly Row[] = [
  row('saCkptInitialize', 'UNAVAILABLE', 'the node is removed, B.02', initialize(2)),
  row('saCkptInitialize', 'LIBRARY', 'the node is removed, B.01', initialize(1)),
  ...CALLS.flatMap(([fn, call]) => [
    row(fn, 'UNAVAILABLE', 'the node was removed, B.02', async (stage) =>
      call(await stale(stage, 2)),
    ),
    row(fn, NEWER.has(fn) ? 'VERSION' : 'LIBRARY', 'the node was removed, B.01', async (stage) =>
      call(await stale(stage, 1)),
    ),
  ]),
  row('saCkptDispatch', 'UNAVAILABLE', 'BLOCKING, and the node is removed', async (stage) => {
    const handle = await stage.near();
    const blocking = stage.sa.saCkptDispatch(handle, SA_DISPATCH_BLOCKING);
    return stage.removed(() => blocking);
  }),
  row('saCkptFinalize', 'LIBRARY', 'the node was removed, B.02', finalize(2)),
  row('saCkptFinalize', 'LIBRARY', 'the node was removed, B.01', finalize(1)),
];
