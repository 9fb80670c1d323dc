/** Rows of sections and iterations over them (AIS-CKPT B.3 rules 3, 4, 6 and 8). */
import assert from 'node:assert/strict';
import { SA_TIME_END } from '@aisexec/ais';
import { ok } from '../../../../test/fixtures/ais-table.ts';
import type {
  SaCkptCheckpointHandleT,
  SaCkptSectionIdT,
  SaCkptSectionIterationHandleT,
} from '../client/literal-types.ts';
import {
  SA_CKPT_SECTIONS_ANY,
  SA_CKPT_SECTIONS_CORRUPTED,
  SA_CKPT_SECTIONS_FOREVER,
  SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME,
  SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME,
} from '../protocol.ts';
import {
  bytes,
  element,
  id,
  NEVER,
  type OnCheckpoint,
  on,
  type Row,
  row,
  type Stage,
  textOf,
} from './stage.fixture.ts';

const NO_ITERATION = 5n as SaCkptSectionIterationHandleT;
export const DEFAULT: SaCkptSectionIdT = { id: null };

export const create =
  (
    sectionId: SaCkptSectionIdT | null,
    data: string | null = 'x',
    expirationTime = SA_TIME_END,
  ): OnCheckpoint =>
  (sa, checkpoint) =>
    sa.saCkptSectionCreate(
      checkpoint,
      { sectionId, expirationTime },
      data === null ? null : bytes(data),
    );

const createRows: readonly Row[] = [
  row(
    'saCkptSectionCreate',
    'OK',
    'under a chosen id, with data',
    on('full', async (sa, checkpoint, stage) => {
      const answer = await create(id('n'), 'new')(sa, checkpoint, stage);
      assert.equal(await stage.read(checkpoint, 'n'), 'new');
      return answer;
    }),
  ),
  row(
    'saCkptSectionCreate',
    'OK',
    'an id of maxSectionIdSize bytes',
    on('full', create(id('abcd'))),
  ),
  row(
    'saCkptSectionCreate',
    'OK',
    'data of maxSectionSize bytes',
    on('full', create(id('n'), 'x'.repeat(100))),
  ),
  row(
    'saCkptSectionCreate',
    'OK',
    'the data are null: an empty section',
    on('full', create(id('n'), null)),
  ),
  row(
    'saCkptSectionCreate',
    'OK',
    'a generated id is written back, another each time',
    on('full', async (sa, checkpoint) => {
      const first = { sectionId: DEFAULT, ...NEVER };
      const second = { sectionId: DEFAULT, ...NEVER };
      ok(await sa.saCkptSectionCreate(checkpoint, first, bytes('x')));
      const answer = await sa.saCkptSectionCreate(checkpoint, second, bytes('x'));
      assert.ok((first.sectionId.id?.length ?? 0) > 0);
      assert.notDeepEqual(first.sectionId, second.sectionId);
      return answer;
    }),
  ),
  ...(
    [
      ['the id is longer than maxSectionIdSize', create(id('abcde'))],
      ['the id has no bytes', create(id(''))],
      ['the id is null', create(null)],
      ['the data are larger than maxSectionSize', create(id('n'), 'x'.repeat(101))],
      ['the expiration time is negative', create(id('n'), 'x', -1n)],
      ['the attributes are null', (sa, own) => sa.saCkptSectionCreate(own, null, bytes('x'))],
    ] satisfies [string, OnCheckpoint][]
  ).map(([when, call]) => row('saCkptSectionCreate', 'INVALID_PARAM', when, on('full', call))),
  row('saCkptSectionCreate', 'ACCESS', 'not open for writing', on('reader', create(id('n')))),
  row('saCkptSectionCreate', 'EXIST', 'it exists', on('full', create(id('s')))),
  row(
    'saCkptSectionCreate',
    'EXIST',
    'maxSections is 1: the default section',
    on('single', create(DEFAULT)),
  ),
  row(
    'saCkptSectionCreate',
    'NO_SPACE',
    'maxSections are there',
    on('full', async (sa, checkpoint, stage) => {
      for (const name of ['a', 'b']) ok(await create(id(name))(sa, checkpoint, stage));
      return create(id('n'))(sa, checkpoint, stage);
    }),
  ),
  row(
    'saCkptSectionCreate',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', create(id('n'))),
  ),
  row(
    'saCkptSectionCreate',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', create(id('n'))),
  ),
  row(
    'saCkptSectionDelete',
    'OK',
    'created on another node',
    on('full', async (sa, checkpoint) => {
      const answer = await sa.saCkptSectionDelete(checkpoint, id('s'));
      assert.equal((await sa.saCkptCheckpointRead(checkpoint, [element('s', 'x')])).rc, 12);
      return answer;
    }),
  ),
  ...(
    [
      ['INVALID_PARAM', 'the default section', 'single', DEFAULT],
      ['INVALID_PARAM', 'the id is null', 'full', null],
      ['ACCESS', 'not open for writing', 'reader', id('s')],
      ['NOT_EXIST', 'no such section', 'full', id('n')],
      ['NOT_EXIST', 'there is no active replica', 'inactive', id('s')],
      ['BAD_HANDLE', 'the checkpoint is closed', 'closed', id('s')],
    ] as const
  ).flatMap(([code, when, kind, section]) => [
    row(
      'saCkptSectionDelete',
      code,
      when,
      on(kind, (sa, checkpoint) => sa.saCkptSectionDelete(checkpoint, section)),
    ),
    row(
      'saCkptSectionExpirationTimeSet',
      code,
      when,
      on(kind, (sa, own) => sa.saCkptSectionExpirationTimeSet(own, section, SA_TIME_END)),
    ),
  ]),
  row(
    'saCkptSectionExpirationTimeSet',
    'OK',
    'the section ends at that time',
    on('full', async (sa, checkpoint, stage) => {
      const time = stage.now() + 100_000_000n;
      const answer = await sa.saCkptSectionExpirationTimeSet(checkpoint, id('s'), time);
      const read = () => sa.saCkptCheckpointRead(checkpoint, [element('s', 'x')]);
      while ((await read()).rc === 1) await stage.elapse(50);
      assert.ok(stage.now() >= time);
      assert.equal((await read()).rc, 12);
      return answer;
    }),
  ),
  row(
    'saCkptSectionExpirationTimeSet',
    'OK',
    'never: what was to end stays',
    on('full', async (sa, checkpoint, stage) => {
      ok(await create(id('n'), 'new', stage.now() + 5_000_000_000n)(sa, checkpoint, stage));
      const answer = await sa.saCkptSectionExpirationTimeSet(checkpoint, id('n'), SA_TIME_END);
      assert.deepEqual(await idsOf(sa, checkpoint, SA_CKPT_SECTIONS_FOREVER), ['s', 'n']);
      return answer;
    }),
  ),
  row(
    'saCkptSectionExpirationTimeSet',
    'INVALID_PARAM',
    'the time is negative',
    on('full', (sa, own) => sa.saCkptSectionExpirationTimeSet(own, id('s'), -1n)),
  ),
];

type Chosen = Parameters<Stage['sa']['saCkptSectionIterationInitialize']>[1];

async function begin(
  sa: Stage['sa'],
  checkpoint: SaCkptCheckpointHandleT,
  chosen: Chosen = SA_CKPT_SECTIONS_ANY,
  time = 0n,
): Promise<SaCkptSectionIterationHandleT> {
  const begun = await sa.saCkptSectionIterationInitialize(checkpoint, chosen, time);
  return ok(begun).sectionIterationHandle as SaCkptSectionIterationHandleT;
}

async function idsOf(
  sa: Stage['sa'],
  checkpoint: SaCkptCheckpointHandleT,
  chosen: Chosen,
  time = 0n,
): Promise<string[]> {
  const iteration = await begin(sa, checkpoint, chosen, time);
  const ids: string[] = [];
  for (;;) {
    const { rc, sectionDescriptor } = await sa.saCkptSectionIterationNext(iteration);
    if (rc === 27) return ids;
    ids.push(textOf(ok({ rc, sectionDescriptor }).sectionDescriptor?.sectionId.id));
  }
}

/** Of three sections, one for ever and two that end, these are chosen. */
const chooses = (chosen: Chosen, expected: readonly string[]): Row['run'] =>
  on('full', async (sa, checkpoint, stage) => {
    const late = stage.now() + 3_600_000_000_000n;
    ok(await create(id('a'), 'x', late)(sa, checkpoint, stage));
    ok(await create(id('b'), 'x', late + 2n)(sa, checkpoint, stage));
    assert.deepEqual(await idsOf(sa, checkpoint, chosen, late + 1n), expected);
    return sa.saCkptSectionIterationInitialize(checkpoint, chosen, late + 1n);
  });

const initialize =
  (chosen: number = SA_CKPT_SECTIONS_ANY): OnCheckpoint =>
  (sa, checkpoint) =>
    sa.saCkptSectionIterationInitialize(checkpoint, chosen as Chosen, 0n);

const iterationRows: readonly Row[] = [
  row(
    'saCkptSectionIterationInitialize',
    'OK',
    'ANY',
    chooses(SA_CKPT_SECTIONS_ANY, ['s', 'a', 'b']),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'OK',
    'FOREVER',
    chooses(SA_CKPT_SECTIONS_FOREVER, ['s']),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'OK',
    'LEQ_EXPIRATION_TIME',
    chooses(SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME, ['a']),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'OK',
    'GEQ_EXPIRATION_TIME',
    chooses(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, ['s', 'b']),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'OK',
    'CORRUPTED: none ever is',
    chooses(SA_CKPT_SECTIONS_CORRUPTED, []),
  ),
  ...[0, 6].map((chosen) =>
    row(
      'saCkptSectionIterationInitialize',
      'INVALID_PARAM',
      `sectionsChosen is ${chosen}`,
      on('full', initialize(chosen)),
    ),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'NOT_EXIST',
    'there is no active replica',
    on('inactive', initialize()),
  ),
  row(
    'saCkptSectionIterationInitialize',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('closed', initialize()),
  ),
  row(
    'saCkptSectionIterationNext',
    'OK',
    'size, state, expiration and the time of the last update',
    on('full', async (sa, checkpoint) => {
      const iteration = await begin(sa, checkpoint);
      const { rc, sectionDescriptor } = await sa.saCkptSectionIterationNext(iteration);
      const { lastUpdate, ...rest } = sectionDescriptor ?? { lastUpdate: 0n };
      assert.deepEqual(rest, {
        ...{ sectionId: id('s'), expirationTime: SA_TIME_END },
        ...{ sectionSize: 4, sectionState: 1 },
      });
      assert.ok(lastUpdate > 0n);
      return { rc };
    }),
  ),
  row(
    'saCkptSectionIterationNext',
    'OK',
    'sections that are deleted meanwhile are skipped, the others come once',
    on('full', async (sa, checkpoint, stage) => {
      for (const name of ['a', 'b']) ok(await create(id(name))(sa, checkpoint, stage));
      const iteration = await begin(sa, checkpoint);
      ok(await sa.saCkptSectionIterationNext(iteration));
      ok(await sa.saCkptSectionDelete(checkpoint, id('a')));
      const { rc, sectionDescriptor } = await sa.saCkptSectionIterationNext(iteration);
      assert.equal(textOf(sectionDescriptor?.sectionId.id), 'b');
      assert.equal((await sa.saCkptSectionIterationNext(iteration)).rc, 27);
      return { rc };
    }),
  ),
  row(
    'saCkptSectionIterationNext',
    'NO_SECTIONS',
    'all were returned',
    on('full', async (sa, checkpoint) => {
      const iteration = await begin(sa, checkpoint);
      ok(await sa.saCkptSectionIterationNext(iteration));
      return sa.saCkptSectionIterationNext(iteration);
    }),
  ),
  row(
    'saCkptSectionIterationNext',
    'BAD_HANDLE',
    'the iteration is finalised',
    on('full', async (sa, checkpoint) => {
      const iteration = await begin(sa, checkpoint);
      ok(await sa.saCkptSectionIterationFinalize(iteration));
      return sa.saCkptSectionIterationNext(iteration);
    }),
  ),
  row(
    'saCkptSectionIterationNext',
    'BAD_HANDLE',
    'the checkpoint is closed',
    on('full', async (sa, checkpoint) => {
      const iteration = await begin(sa, checkpoint);
      ok(await sa.saCkptCheckpointClose(checkpoint));
      return sa.saCkptSectionIterationNext(iteration);
    }),
  ),
  row(
    'saCkptSectionIterationFinalize',
    'OK',
    'in the middle',
    on('full', async (sa, checkpoint) =>
      sa.saCkptSectionIterationFinalize(await begin(sa, checkpoint)),
    ),
  ),
  row(
    'saCkptSectionIterationFinalize',
    'BAD_HANDLE',
    'finalised already',
    on('full', async (sa, checkpoint) => {
      const iteration = await begin(sa, checkpoint);
      ok(await sa.saCkptSectionIterationFinalize(iteration));
      return sa.saCkptSectionIterationFinalize(iteration);
    }),
  ),
  row('saCkptSectionIterationFinalize', 'BAD_HANDLE', 'the handle never was', ({ sa }) =>
    sa.saCkptSectionIterationFinalize(NO_ITERATION),
  ),
];

export const sectionRows: readonly Row[] = [...createRows, ...iterationRows];
