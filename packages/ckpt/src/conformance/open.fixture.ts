/** Rows of opening a checkpoint, and of making it with its attributes (AIS-CKPT B.3). */
import assert from 'node:assert/strict';
import { codeOf, ok } from '../../../../test/fixtures/ais-table.ts';
import type { SaCkptHandleT } from '../client/literal-types.ts';
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import {
  ALL,
  ATTRIBUTES,
  COLLOCATED,
  LONG,
  NO_HANDLE,
  READ,
  type Row,
  row,
  TIMEOUT,
  UNKNOWN,
} from './stage.fixture.ts';

type Attributes = Partial<SaCkptCheckpointCreationAttributesT>;

interface OpenCase {
  readonly name?: string | null;
  /** null: no attributes at all. */
  readonly attributes?: Attributes | null;
  readonly flags?: number;
  readonly timeout?: bigint;
  readonly handle?: SaCkptHandleT;
}

export const open =
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

const INVALID_ATTRIBUTES: readonly (readonly [when: string, attributes: Attributes])[] = [
  ['no mode', { creationFlags: 0 }],
  ['two modes', { creationFlags: 3 }],
  ['COLLOCATED alone', { creationFlags: 8 }],
  ['unknown creation flags', { creationFlags: 17 }],
  ['checkpointSize over maxSections times maxSectionSize', { checkpointSize: 301 }],
  ['maxSections is 0', { maxSections: 0, checkpointSize: 0 }],
  ['the retention is negative', { retentionDuration: -1n }],
];

export const openRows: readonly Row[] = [
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
