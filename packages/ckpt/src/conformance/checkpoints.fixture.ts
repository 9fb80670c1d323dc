/** Rows of checkpoints: open, close, unlink, retention, active replica, status, synchronize (AIS-CKPT B.3). */
import assert from 'node:assert/strict';
import { SA_DISPATCH_ALL } from '@aisexec/ais';
import { type Answer, codeOf, ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkptCheckpointHandleT, SaCkptHandleT } from '../client/literal-types.ts';
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import {
  ALL,
  ATTRIBUTES,
  bytes,
  COLLOCATED,
  id,
  type Kind,
  NEVER,
  READ,
  type Row,
  row,
  type Stage,
  TIMEOUT,
  WRITE,
} from './stage.fixture.ts';

const NO_HANDLE = 0n as SaCkptHandleT;
const UNKNOWN = 1n as SaCkptHandleT;
const NO_CHECKPOINT = 5n as SaCkptCheckpointHandleT;
const LONG = 'x'.repeat(257);
type Attributes = Partial<SaCkptCheckpointCreationAttributesT>;

interface OpenCase {
  readonly name?: string | null;
  /** null: no attributes at all. */
  readonly attributes?: Attributes | null;
  readonly flags?: number;
  readonly timeout?: bigint;
  readonly handle?: SaCkptHandleT;
}

const open =
  ({ name, attributes = {}, flags = ALL, timeout = TIMEOUT, handle }: OpenCase): Row['run'] =>
  async (stage) => {
    const given = attributes === null ? null : { ...ATTRIBUTES, ...attributes };
    const what = name === undefined ? stage.checkpoint : name;
    const on = handle ?? (await stage.near());
    return stage.sa.saCkptCheckpointOpen(on, what, given, flags, timeout);
  };

/** The same on a name that a far client has made a checkpoint of. */
const openExisting =
  (which: OpenCase): Row['run'] =>
  async (stage) => {
    await stage.use('full');
    return open(which)(stage);
  };

const openAsync =
  ({ name, attributes = {}, flags = ALL, handle }: OpenCase): Row['run'] =>
  async (stage) => {
    const given = attributes === null ? null : { ...ATTRIBUTES, ...attributes };
    const what = name === undefined ? stage.checkpoint : name;
    const on = handle ?? (await stage.near());
    return stage.sa.saCkptCheckpointOpenAsync(on, 7n, what, given, flags);
  };

/** An asynchronous open whose callback must say this. */
const openAsyncAnswers =
  (which: OpenCase, code: string): Row['run'] =>
  async (stage) => {
    const answer = await openAsync(which)(stage);
    assert.equal(stage.callbacks, 0);
    const [invocation, checkpoint, error] = await stage.callback();
    assert.deepEqual([invocation, codeOf(error as number)], [7n, code]);
    assert.equal(checkpoint === 0n, code !== 'OK');
    return answer;
  };

const on =
  (
    kind: Kind,
    call: (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT, stage: Stage) => Answer,
  ): Row['run'] =>
  async (stage) =>
    call(stage.sa, await stage.use(kind), stage);

const unlink =
  (name: string | null, handle?: SaCkptHandleT): Row['run'] =>
  async (stage) =>
    stage.sa.saCkptCheckpointUnlink(handle ?? (await stage.near()), name);

const retention =
  (duration: bigint) =>
  (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
    sa.saCkptCheckpointRetentionDurationSet(checkpoint, duration);

const activate = (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
  sa.saCkptActiveReplicaSet(checkpoint);

const synchronize =
  (timeout = TIMEOUT) =>
  (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
    sa.saCkptCheckpointSynchronize(checkpoint, timeout);

const synchronizeAsync = (sa: Stage['sa'], checkpoint: SaCkptCheckpointHandleT): Answer =>
  sa.saCkptCheckpointSynchronizeAsync(checkpoint, 9n);

const INVALID_ATTRIBUTES: readonly (readonly [when: string, attributes: Attributes])[] = [
  ['no mode', { creationFlags: 0 }],
  ['two modes', { creationFlags: 3 }],
  ['COLLOCATED alone', { creationFlags: 8 }],
  ['unknown creation flags', { creationFlags: 17 }],
  ['checkpointSize over maxSections times maxSectionSize', { checkpointSize: 301 }],
  ['maxSections is 0', { maxSections: 0, checkpointSize: 0 }],
  ['the retention is negative', { retentionDuration: -1n }],
];

const openRows: readonly Row[] = [
  row('saCkptCheckpointOpen', 'OK', 'CREATE and no such checkpoint', open({})),
  row(
    'saCkptCheckpointOpen',
    'OK',
    'collocated',
    open({ attributes: { creationFlags: COLLOCATED } }),
  ),
  row('saCkptCheckpointOpen', 'OK', 'weak', open({ attributes: { creationFlags: 4 } })),
  row(
    'saCkptCheckpointOpen',
    'OK',
    'without CREATE, made on another node',
    openExisting({ attributes: null, flags: READ }),
  ),
  row('saCkptCheckpointOpen', 'OK', 'CREATE and it exists like that', openExisting({})),
  row(
    'saCkptCheckpointOpen',
    'OK',
    'it exists with another retention: that stays',
    openExisting({ attributes: { retentionDuration: 9n } }),
  ),
  ...INVALID_ATTRIBUTES.map(([when, attributes]) =>
    row('saCkptCheckpointOpen', 'INVALID_PARAM', when, open({ attributes })),
  ),
  row('saCkptCheckpointOpen', 'INVALID_PARAM', 'the name is null', open({ name: null })),
  row('saCkptCheckpointOpen', 'INVALID_PARAM', 'the name is empty', open({ name: '' })),
  row('saCkptCheckpointOpen', 'INVALID_PARAM', 'the name has 257 bytes', open({ name: LONG })),
  row(
    'saCkptCheckpointOpen',
    'INVALID_PARAM',
    'handle and name are null',
    open({ name: null, handle: NO_HANDLE }),
  ),
  row(
    'saCkptCheckpointOpen',
    'INVALID_PARAM',
    'CREATE without attributes',
    open({ attributes: null }),
  ),
  row('saCkptCheckpointOpen', 'INVALID_PARAM', 'attributes without CREATE', open({ flags: READ })),
  row('saCkptCheckpointOpen', 'BAD_FLAGS', 'no flags', open({ attributes: null, flags: 0 })),
  row('saCkptCheckpointOpen', 'BAD_FLAGS', 'unknown flags', open({ flags: ALL | 8 })),
  row(
    'saCkptCheckpointOpen',
    'NOT_EXIST',
    'absent and no CREATE',
    open({ attributes: null, flags: READ }),
  ),
  row('saCkptCheckpointOpen', 'NOT_EXIST', 'unlinked and no CREATE', async (stage) => {
    await stage.use('full');
    ok(await stage.sa.saCkptCheckpointUnlink(await stage.far(), stage.checkpoint));
    return open({ attributes: null, flags: READ })(stage);
  }),
  ...(
    [
      ['mode', { creationFlags: 2 }],
      ['checkpointSize', { checkpointSize: 99 }],
      ['maxSections', { maxSections: 4 }],
      ['maxSectionSize', { maxSectionSize: 101 }],
      ['maxSectionIdSize', { maxSectionIdSize: 5 }],
    ] as const
  ).map(([what, attributes]) =>
    row('saCkptCheckpointOpen', 'EXIST', `it has another ${what}`, openExisting({ attributes })),
  ),
  row('saCkptCheckpointOpen', 'TIMEOUT', 'the time-out is 0', open({ timeout: 0n })),
  row('saCkptCheckpointOpen', 'TIMEOUT', 'the time-out is negative', open({ timeout: -1n })),
  row(
    'saCkptCheckpointOpen',
    'NO_RESOURCES',
    'it declares more than the store can hold',
    open({
      attributes: { checkpointSize: 2 ** 31, maxSections: 1_048_576, maxSectionSize: 1_048_576 },
    }),
  ),
  row('saCkptCheckpointOpen', 'BAD_HANDLE', 'the handle never was', open({ handle: UNKNOWN })),
  row(
    'saCkptCheckpointOpenAsync',
    'OK',
    'the callback has OK and a handle',
    openAsyncAnswers({}, 'OK'),
  ),
  row(
    'saCkptCheckpointOpenAsync',
    'OK',
    'absent, no CREATE: NOT_EXIST in the callback',
    openAsyncAnswers({ attributes: null, flags: READ }, 'NOT_EXIST'),
  ),
  row(
    'saCkptCheckpointOpenAsync',
    'OK',
    'other attributes: EXIST in the callback',
    async (stage) => {
      await stage.use('full');
      return openAsyncAnswers({ attributes: { maxSections: 4 } }, 'EXIST')(stage);
    },
  ),
  row('saCkptCheckpointOpenAsync', 'INIT', 'no callback was given', async (stage) => {
    const handle = await stage.initialize();
    return openAsync({ handle })(stage);
  }),
  row('saCkptCheckpointOpenAsync', 'INVALID_PARAM', 'the name is null', openAsync({ name: null })),
  row(
    'saCkptCheckpointOpenAsync',
    'INVALID_PARAM',
    'CREATE without attributes',
    openAsync({ attributes: null }),
  ),
  row(
    'saCkptCheckpointOpenAsync',
    'INVALID_PARAM',
    'two modes',
    openAsync({ attributes: { creationFlags: 3 } }),
  ),
  row('saCkptCheckpointOpenAsync', 'BAD_FLAGS', 'unknown flags', openAsync({ flags: ALL | 8 })),
  row(
    'saCkptCheckpointOpenAsync',
    'BAD_HANDLE',
    'the handle never was',
    openAsync({ handle: UNKNOWN }),
  ),
];

const endRows: readonly Row[] = [
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
];

const attributeRows: readonly Row[] = [
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

export const checkpointRows: readonly Row[] = [...openRows, ...endRows, ...attributeRows];
