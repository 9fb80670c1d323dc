/** Rows of replicas: which is the active one, what they hold, how they become alike (AIS-CKPT B.3). */
import assert from 'node:assert/strict';
import { type Answer, ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkptCheckpointHandleT } from '../client/literal-types.ts';
import {
  ALL,
  ATTRIBUTES,
  COLLOCATED,
  on,
  READ,
  type Row,
  row,
  type Stage,
  TIMEOUT,
  WRITE,
} from './stage.fixture.ts';

const activate = (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
  sa.saCkptActiveReplicaSet(checkpoint);

const synchronize =
  (timeout = TIMEOUT) =>
  (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
    sa.saCkptCheckpointSynchronize(checkpoint, timeout);

export const synchronizeAsync = (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
  sa.saCkptCheckpointSynchronizeAsync(checkpoint, 9n);

export const replicaRows: readonly Row[] = [
  row('saCkptActiveReplicaSet', 'OK', 'collocated and asynchronous', on('inactive', activate)),
  row('saCkptActiveReplicaSet', 'BAD_OPERATION', 'ALL_REPLICAS', on('full', activate)),
  row('saCkptActiveReplicaSet', 'BAD_OPERATION', 'not collocated', on('async', activate)),
  row('saCkptActiveReplicaSet', 'ACCESS', 'not open for writing', on('reader', activate)),
  row('saCkptActiveReplicaSet', 'BAD_HANDLE', 'the checkpoint is closed', on('closed', activate)),
  row(
    'saCkptCheckpointStatusGet',
    'OK',
    'attributes, sections and the memory they use',
    on('full', async (sa, checkpoint) => {
      const { rc, checkpointStatus } = await sa.saCkptCheckpointStatusGet(checkpoint);
      assert.deepEqual(checkpointStatus, {
        checkpointCreationAttributes: ATTRIBUTES,
        ...{ numberOfSections: 1, memoryUsed: 4 },
      });
      return { rc };
    }),
  ),
  row('saCkptCheckpointStatusGet', 'OK', 'another node has the active replica', async (stage) => {
    const active = await stage.open(await stage.far(), { creationFlags: COLLOCATED }, ALL);
    ok(await activate(stage.sa, active));
    const checkpoint = await stage.open(await stage.near(), null, READ);
    return stage.sa.saCkptCheckpointStatusGet(checkpoint);
  }),
  row(
    'saCkptCheckpointStatusGet',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', (sa, checkpoint) => sa.saCkptCheckpointStatusGet(checkpoint)),
  ),
  row(
    'saCkptCheckpointStatusGet',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', (sa, checkpoint) => sa.saCkptCheckpointStatusGet(checkpoint)),
  ),
  row('saCkptCheckpointSynchronize', 'OK', 'asynchronous', on('async', synchronize())),
  row('saCkptCheckpointSynchronize', 'ACCESS', 'not open for writing', on('reader', synchronize())),
  row('saCkptCheckpointSynchronize', 'BAD_OPERATION', 'ALL_REPLICAS', on('full', synchronize())),
  row(
    'saCkptCheckpointSynchronize',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', synchronize()),
  ),
  row('saCkptCheckpointSynchronize', 'TIMEOUT', 'the time-out is 0', on('async', synchronize(0n))),
  row(
    'saCkptCheckpointSynchronize',
    'TIMEOUT',
    'the time-out is negative',
    on('async', synchronize(-1n)),
  ),
  row(
    'saCkptCheckpointSynchronize',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', synchronize()),
  ),
  row(
    'saCkptCheckpointSynchronizeAsync',
    'OK',
    'the callback has OK',
    on('async', async (sa, checkpoint, stage) => {
      const answer = await synchronizeAsync(sa, checkpoint);
      assert.deepEqual(await stage.callback(), [9n, 1]);
      return answer;
    }),
  ),
  row('saCkptCheckpointSynchronizeAsync', 'INIT', 'no callback was given', async (stage) => {
    await stage.use('async');
    const own = await stage.open(await stage.initialize(), null, WRITE);
    return synchronizeAsync(stage.sa, own);
  }),
  row(
    'saCkptCheckpointSynchronizeAsync',
    'ACCESS',
    'not open for writing',
    on('reader', synchronizeAsync),
  ),
  row(
    'saCkptCheckpointSynchronizeAsync',
    'BAD_OPERATION',
    'ALL_REPLICAS',
    on('full', synchronizeAsync),
  ),
  row(
    'saCkptCheckpointSynchronizeAsync',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', synchronizeAsync),
  ),
  row(
    'saCkptCheckpointSynchronizeAsync',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', synchronizeAsync),
  ),
];
