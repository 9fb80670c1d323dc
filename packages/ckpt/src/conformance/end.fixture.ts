/** Rows of how a checkpoint ends: close, unlink, retention (AIS-CKPT B.3). */
import assert from 'node:assert/strict';
import { SA_DISPATCH_ALL } from '@aisexec/ais';
import { type Answer, ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkptCheckpointHandleT, SaCkptHandleT } from '../client/literal-types.ts';
import { open } from './open.fixture.ts';
import { synchronizeAsync } from './replicas.fixture.ts';
import {
  ALL,
  bytes,
  id,
  LONG,
  NEVER,
  NO_CHECKPOINT,
  NO_HANDLE,
  on,
  READ,
  type Row,
  row,
  type Stage,
  TIMEOUT,
  UNKNOWN,
  WRITE,
} from './stage.fixture.ts';

const unlink =
  (name: string | null, handle?: SaCkptHandleT): Row['run'] =>
  async (stage) =>
    stage.sa.saCkptCheckpointUnlink(handle ?? (await stage.near()), name);

const retention =
  (duration: bigint) =>
  (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
    sa.saCkptCheckpointRetentionDurationSet(checkpoint, duration);

export const endRows: readonly Row[] = [
  row(
    'saCkptCheckpointClose',
    'OK',
    'without retention the last close deletes it',
    async (stage) => {
      const own = await stage.open(await stage.near(), {}, ALL);
      const answer = await stage.sa.saCkptCheckpointClose(own);
      assert.equal((await open({ attributes: null, flags: READ })(stage)).rc, 12);
      return answer;
    },
  ),
  row(
    'saCkptCheckpointClose',
    'OK',
    'within its retention it can be opened again',
    async (stage) => {
      const retentionDuration = TIMEOUT;
      const own = await stage.open(await stage.near(), { retentionDuration }, ALL);
      ok(await stage.sa.saCkptSectionCreate(own, { sectionId: id('s'), ...NEVER }, bytes('kept')));
      const answer = await stage.sa.saCkptCheckpointClose(own);
      const again = await stage.open(await stage.far(), null, READ | WRITE);
      assert.equal(await stage.read(again), 'kept');
      return answer;
    },
  ),
  row('saCkptCheckpointClose', 'OK', 'a retention that is over deletes it', async (stage) => {
    const retentionDuration = 50_000_000n;
    const own = await stage.open(await stage.near(), { retentionDuration }, ALL);
    const answer = await stage.sa.saCkptCheckpointClose(own);
    // An open before its time stops the clock: then it is closed again.
    for (;;) {
      await stage.elapse(300);
      const late = await stage.open(await stage.near(), null, READ).catch(() => undefined);
      if (late === undefined) return answer;
      ok(await stage.sa.saCkptCheckpointClose(late));
    }
  }),
  row('saCkptCheckpointClose', 'OK', 'its callbacks never run', async (stage) => {
    const checkpoint = await stage.use('async');
    ok(await synchronizeAsync(stage.sa, checkpoint));
    const answer = await stage.sa.saCkptCheckpointClose(checkpoint);
    ok(await stage.sa.saCkptDispatch(await stage.near(), SA_DISPATCH_ALL));
    assert.equal(stage.callbacks, 0);
    return answer;
  }),
  row(
    'saCkptCheckpointClose',
    'BAD_HANDLE',
    'closed already',
    on('closed', (sa, checkpoint) => sa.saCkptCheckpointClose(checkpoint)),
  ),
  row('saCkptCheckpointClose', 'BAD_HANDLE', 'the handle never was', ({ sa }) =>
    sa.saCkptCheckpointClose(NO_CHECKPOINT),
  ),
  row(
    'saCkptCheckpointUnlink',
    'OK',
    'who has it open keeps it; a new one never mixes with it',
    on('full', async (sa, checkpoint, stage) => {
      const answer = await sa.saCkptCheckpointUnlink(await stage.near(), stage.checkpoint);
      const fresh = await stage.open(await stage.near(), {}, ALL);
      const attributes = { sectionId: id('s'), ...NEVER };
      ok(await sa.saCkptSectionCreate(fresh, attributes, bytes('new')));
      assert.deepEqual([await stage.read(checkpoint), await stage.read(fresh)], ['data', 'new']);
      return answer;
    }),
  ),
  row('saCkptCheckpointUnlink', 'INVALID_PARAM', 'the name is null', unlink(null)),
  row('saCkptCheckpointUnlink', 'INVALID_PARAM', 'the name is empty', unlink('')),
  row('saCkptCheckpointUnlink', 'INVALID_PARAM', 'the name has 257 bytes', unlink(LONG)),
  row(
    'saCkptCheckpointUnlink',
    'INVALID_PARAM',
    'handle and name are null',
    unlink(null, NO_HANDLE),
  ),
  row('saCkptCheckpointUnlink', 'NOT_EXIST', 'no such checkpoint', unlink('no such checkpoint')),
  row(
    'saCkptCheckpointUnlink',
    'NOT_EXIST',
    'unlinked already',
    on('full', async (sa, _checkpoint, stage) => {
      ok(await sa.saCkptCheckpointUnlink(await stage.far(), stage.checkpoint));
      return sa.saCkptCheckpointUnlink(await stage.near(), stage.checkpoint);
    }),
  ),
  row('saCkptCheckpointUnlink', 'TRY_AGAIN', 'too many requests are under way', async (stage) => {
    const handle = await stage.near();
    const answers = await Promise.all(
      Array.from({ length: 4_200 }, () =>
        stage.sa.saCkptCheckpointUnlink(handle, stage.checkpoint),
      ),
    );
    return answers.find(({ rc }) => rc !== 12) ?? { rc: 12 };
  }),
  row('saCkptCheckpointUnlink', 'BAD_HANDLE', 'the handle never was', unlink('c', UNKNOWN)),
  row(
    'saCkptCheckpointRetentionDurationSet',
    'OK',
    'it counts from the last close on',
    on('full', async (sa, checkpoint, stage) => {
      const answer = await retention(TIMEOUT)(sa, checkpoint);
      await sa.saCkptFinalize(await stage.far());
      ok(await sa.saCkptCheckpointClose(checkpoint));
      await stage.open(await stage.near(), null, READ);
      return answer;
    }),
  ),
  row('saCkptCheckpointRetentionDurationSet', 'OK', 'zero', on('full', retention(0n))),
  row(
    'saCkptCheckpointRetentionDurationSet',
    'INVALID_PARAM',
    'it is negative',
    on('full', retention(-1n)),
  ),
  row(
    'saCkptCheckpointRetentionDurationSet',
    'BAD_OPERATION',
    'the checkpoint is unlinked',
    on('full', async (sa, checkpoint, stage) => {
      ok(await sa.saCkptCheckpointUnlink(await stage.far(), stage.checkpoint));
      return retention(1n)(sa, checkpoint);
    }),
  ),
  row(
    'saCkptCheckpointRetentionDurationSet',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', retention(0n)),
  ),
];
