import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SECTIONS,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_TIME_END,
  SA_TIME_ONE_SECOND,
  SaAisErrorT,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { type ClientCluster, createClientCluster } from '../cluster.fixture.ts';
import {
  SA_CKPT_CHECKPOINT_COLLOCATED,
  SA_CKPT_CHECKPOINT_CREATE,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_SECTIONS_ANY,
  SA_CKPT_SECTIONS_FOREVER,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ALL_REPLICAS,
} from '../protocol.ts';
import { createSaCkpt } from './literal.ts';
import {
  SA_CKPT_GENERATED_SECTION_ID,
  type SaCkptCallbacksT,
  type SaCkptCheckpointHandleT,
  type SaCkptHandleT,
  type SaCkptIOVectorElementT,
  type SaCkptSectionIdT,
} from './literal-types.ts';

const sa = createSaCkpt();
const READ = SA_CKPT_CHECKPOINT_READ;
const WRITE = SA_CKPT_CHECKPOINT_WRITE;
const CREATE = SA_CKPT_CHECKPOINT_CREATE;
const ALL = READ | WRITE | CREATE;
const TIMEOUT = 10n * SA_TIME_ONE_SECOND;
const NEVER = { expirationTime: SA_TIME_END };
const ATTRIBUTES = {
  creationFlags: SA_CKPT_WR_ALL_REPLICAS,
  checkpointSize: 100,
  retentionDuration: 0n,
  maxSections: 3,
  maxSectionSize: 100,
  maxSectionIdSize: 4,
};
const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const id = (text: string): SaCkptSectionIdT => ({ id: bytes(text) });
const element = (text: string, data: string, dataOffset = 0): SaCkptIOVectorElementT => ({
  sectionId: id(text),
  dataBuffer: bytes(data),
  dataOffset,
});
const name = (rc: number) => Object.entries(SaAisErrorT).find(([, code]) => code === rc)?.[0];

interface World {
  readonly clients: ClientCluster;
  readonly handle: SaCkptHandleT;
  /** Opened with every right. */
  readonly full: SaCkptCheckpointHandleT;
  readonly reader: SaCkptCheckpointHandleT;
  readonly writer: SaCkptCheckpointHandleT;
  /** Of a checkpoint with one section. */
  readonly single: SaCkptCheckpointHandleT;
  /** Collocated and asynchronous, no active replica. */
  readonly inactive: SaCkptCheckpointHandleT;
  readonly async: SaCkptCheckpointHandleT;
  readonly closed: SaCkptCheckpointHandleT;
}

async function initialize(clients: ClientCluster, callbacks: SaCkptCallbacksT = {}, major = 2) {
  const version = { releaseCode: 'B', majorVersion: major, minorVersion: 1 };
  const connect = { connector: clients.node(1) };
  const { rc, ckptHandle } = await sa.saCkptInitialize(callbacks, version, connect);
  expect(rc).toBe(SA_AIS_OK);
  return ckptHandle as SaCkptHandleT;
}

async function open(handle: SaCkptHandleT, what: string, attributes: object | null, flags: number) {
  const given = attributes === null ? null : { ...ATTRIBUTES, ...attributes };
  const opened = await sa.saCkptCheckpointOpen(handle, what, given, flags, TIMEOUT);
  expect(name(opened.rc)).toBe('SA_AIS_OK');
  return opened.checkpointHandle as SaCkptCheckpointHandleT;
}

async function createWorld(): Promise<World> {
  const clients = createClientCluster(2);
  const handle = await initialize(clients);
  const full = await open(handle, 'c', {}, ALL);
  const asynchronous = { creationFlags: SA_CKPT_WR_ACTIVE_REPLICA };
  const creationFlags = SA_CKPT_WR_ACTIVE_REPLICA | SA_CKPT_CHECKPOINT_COLLOCATED;
  const closed = await open(handle, 'c', null, READ);
  await sa.saCkptCheckpointClose(closed);
  await sa.saCkptSectionCreate(full, { sectionId: id('s'), ...NEVER }, bytes('data'));
  return {
    clients,
    handle,
    full,
    reader: await open(handle, 'c', null, READ),
    writer: await open(handle, 'c', null, WRITE),
    single: await open(handle, 'single', { maxSections: 1 }, ALL),
    inactive: await open(handle, 'inactive', { creationFlags }, ALL),
    async: await open(handle, 'async', asynchronous, ALL),
    closed,
  };
}

type Call = (world: World) => Promise<{ readonly rc: number }>;
type Row = readonly [what: string, rc: number, call: Call];

const openWith =
  (what: string | null, attributes: object | null, flags: number, timeout = TIMEOUT): Call =>
  ({ handle }) => {
    const given = attributes === null ? null : { ...ATTRIBUTES, ...attributes };
    return sa.saCkptCheckpointOpen(handle, what, given, flags, timeout);
  };
const createIn =
  (which: keyof World, section: SaCkptSectionIdT | null, data = 'x'): Call =>
  (world) =>
    sa.saCkptSectionCreate(
      world[which] as SaCkptCheckpointHandleT,
      { sectionId: section, ...NEVER },
      bytes(data),
    );
const on =
  (which: keyof World, call: (checkpoint: SaCkptCheckpointHandleT) => ReturnType<Call>): Call =>
  (world) =>
    call(world[which] as SaCkptCheckpointHandleT);

/** AIS-CKPT B.3, the table of codes and causes, row by row. */
const TABLE: readonly Row[] = [
  ['Open: null name', SA_AIS_ERR_INVALID_PARAM, openWith(null, {}, ALL)],
  ['Open: name of 257 bytes', SA_AIS_ERR_INVALID_PARAM, openWith('x'.repeat(257), {}, ALL)],
  ['Open: CREATE without attributes', SA_AIS_ERR_INVALID_PARAM, openWith('n', null, ALL)],
  ['Open: attributes without CREATE', SA_AIS_ERR_INVALID_PARAM, openWith('c', {}, READ)],
  ['Open: two modes', SA_AIS_ERR_INVALID_PARAM, openWith('n', { creationFlags: 3 }, ALL)],
  ['Open: COLLOCATED alone', SA_AIS_ERR_INVALID_PARAM, openWith('n', { creationFlags: 8 }, ALL)],
  ['Open: size', SA_AIS_ERR_INVALID_PARAM, openWith('n', { checkpointSize: 301 }, ALL)],
  ['Open: unknown open bits', SA_AIS_ERR_BAD_FLAGS, openWith('n', {}, ALL | 8)],
  ['Open: absent, no CREATE', SA_AIS_ERR_NOT_EXIST, openWith('n', null, READ)],
  ['Open: other attributes', SA_AIS_ERR_EXIST, openWith('c', { maxSections: 4 }, ALL)],
  ['Open: other retention', SA_AIS_OK, openWith('c', { retentionDuration: 9n }, ALL)],
  ['Open: timeout 0', SA_AIS_ERR_TIMEOUT, openWith('n', {}, ALL, 0n)],
  [
    'Open: unknown handle',
    SA_AIS_ERR_BAD_HANDLE,
    () => sa.saCkptCheckpointOpen(1n as SaCkptHandleT, 'c', null, READ, TIMEOUT),
  ],
  [
    'OpenAsync: no callback',
    SA_AIS_ERR_INIT,
    ({ handle }) => sa.saCkptCheckpointOpenAsync(handle, 1n, 'c', null, READ),
  ],
  [
    'OpenAsync: parameters at once',
    SA_AIS_ERR_INVALID_PARAM,
    ({ handle }) => sa.saCkptCheckpointOpenAsync(handle, 1n, 'c', null, ALL),
  ],
  ['Close: closed', SA_AIS_ERR_BAD_HANDLE, on('closed', sa.saCkptCheckpointClose)],
  [
    'Unlink: null name',
    SA_AIS_ERR_INVALID_PARAM,
    ({ handle }) => sa.saCkptCheckpointUnlink(handle, null),
  ],
  ['Unlink: absent', SA_AIS_ERR_NOT_EXIST, ({ handle }) => sa.saCkptCheckpointUnlink(handle, 'n')],
  [
    'Unlink: unknown handle',
    SA_AIS_ERR_BAD_HANDLE,
    () => sa.saCkptCheckpointUnlink(1n as SaCkptHandleT, 'c'),
  ],
  [
    'RetentionDurationSet: unlinked',
    SA_AIS_ERR_BAD_OPERATION,
    async ({ handle, full }) => {
      await sa.saCkptCheckpointUnlink(handle, 'c');
      return sa.saCkptCheckpointRetentionDurationSet(full, 1n);
    },
  ],
  [
    'RetentionDurationSet: zero',
    SA_AIS_OK,
    on('full', (checkpoint) => sa.saCkptCheckpointRetentionDurationSet(checkpoint, 0n)),
  ],
  [
    'RetentionDurationSet: closed',
    SA_AIS_ERR_BAD_HANDLE,
    on('closed', (checkpoint) => sa.saCkptCheckpointRetentionDurationSet(checkpoint, 0n)),
  ],
  [
    'ActiveReplicaSet: ALL_REPLICAS',
    SA_AIS_ERR_BAD_OPERATION,
    on('full', sa.saCkptActiveReplicaSet),
  ],
  [
    'ActiveReplicaSet: not COLLOCATED',
    SA_AIS_ERR_BAD_OPERATION,
    on('async', sa.saCkptActiveReplicaSet),
  ],
  ['ActiveReplicaSet: no WRITE', SA_AIS_ERR_ACCESS, on('reader', sa.saCkptActiveReplicaSet)],
  ['ActiveReplicaSet', SA_AIS_OK, on('inactive', sa.saCkptActiveReplicaSet)],
  [
    'StatusGet: no active replica',
    SA_AIS_ERR_NOT_EXIST,
    on('inactive', sa.saCkptCheckpointStatusGet),
  ],
  ['StatusGet: closed', SA_AIS_ERR_BAD_HANDLE, on('closed', sa.saCkptCheckpointStatusGet)],
  ['SectionCreate: no WRITE', SA_AIS_ERR_ACCESS, createIn('reader', id('n'))],
  ['SectionCreate: long id', SA_AIS_ERR_INVALID_PARAM, createIn('full', id('abcde'))],
  ['SectionCreate: id of no bytes', SA_AIS_ERR_INVALID_PARAM, createIn('full', id(''))],
  ['SectionCreate: null id', SA_AIS_ERR_INVALID_PARAM, createIn('full', null)],
  ['SectionCreate: data', SA_AIS_ERR_INVALID_PARAM, createIn('full', id('n'), 'x'.repeat(101))],
  ['SectionCreate: exists', SA_AIS_ERR_EXIST, createIn('full', id('s'))],
  ['SectionCreate: default section', SA_AIS_ERR_EXIST, createIn('single', { id: null })],
  ['SectionCreate: no active replica', SA_AIS_ERR_NOT_EXIST, createIn('inactive', id('n'))],
  ['SectionCreate: closed', SA_AIS_ERR_BAD_HANDLE, createIn('closed', id('n'))],
  [
    'SectionCreate: null attributes',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptSectionCreate(checkpoint, null, bytes('x'))),
  ],
  [
    'SectionCreate: maxSections reached',
    SA_AIS_ERR_NO_SPACE,
    async (world) => {
      for (const section of ['a', 'b']) await createIn('full', id(section))(world);
      return createIn('full', id('n'))(world);
    },
  ],
  [
    'SectionDelete: no WRITE',
    SA_AIS_ERR_ACCESS,
    on('reader', (checkpoint) => sa.saCkptSectionDelete(checkpoint, id('s'))),
  ],
  [
    'SectionDelete: absent',
    SA_AIS_ERR_NOT_EXIST,
    on('full', (checkpoint) => sa.saCkptSectionDelete(checkpoint, id('n'))),
  ],
  [
    'SectionDelete: default section',
    SA_AIS_ERR_INVALID_PARAM,
    on('single', (checkpoint) => sa.saCkptSectionDelete(checkpoint, { id: null })),
  ],
  [
    'ExpirationTimeSet: no WRITE',
    SA_AIS_ERR_ACCESS,
    on('reader', (checkpoint) => sa.saCkptSectionExpirationTimeSet(checkpoint, id('s'), 1n)),
  ],
  [
    'ExpirationTimeSet: absent',
    SA_AIS_ERR_NOT_EXIST,
    on('full', (checkpoint) => sa.saCkptSectionExpirationTimeSet(checkpoint, id('n'), 1n)),
  ],
  [
    'ExpirationTimeSet: default section',
    SA_AIS_ERR_INVALID_PARAM,
    on('single', (checkpoint) => sa.saCkptSectionExpirationTimeSet(checkpoint, { id: null }, 1n)),
  ],
  [
    'IterationInitialize: bad chosen',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) =>
      sa.saCkptSectionIterationInitialize(checkpoint, 6 as typeof SA_CKPT_SECTIONS_ANY, 0n),
    ),
  ],
  [
    'IterationInitialize: no active replica',
    SA_AIS_ERR_NOT_EXIST,
    on('inactive', (checkpoint) =>
      sa.saCkptSectionIterationInitialize(checkpoint, SA_CKPT_SECTIONS_ANY, 0n),
    ),
  ],
  [
    'Write: no WRITE',
    SA_AIS_ERR_ACCESS,
    on('reader', (checkpoint) => sa.saCkptCheckpointWrite(checkpoint, [element('s', 'x')])),
  ],
  [
    'Write: null vector',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptCheckpointWrite(checkpoint, null)),
  ],
  [
    'Write: past maxSectionSize',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptCheckpointWrite(checkpoint, [element('s', 'xy', 99)])),
  ],
  [
    'Write: no such section',
    SA_AIS_ERR_NOT_EXIST,
    on('full', (checkpoint) => sa.saCkptCheckpointWrite(checkpoint, [element('n', 'x')])),
  ],
  [
    'Overwrite: no WRITE',
    SA_AIS_ERR_ACCESS,
    on('reader', (checkpoint) => sa.saCkptSectionOverwrite(checkpoint, id('s'), bytes('x'))),
  ],
  [
    'Overwrite: absent',
    SA_AIS_ERR_NOT_EXIST,
    on('full', (checkpoint) => sa.saCkptSectionOverwrite(checkpoint, id('n'), bytes('x'))),
  ],
  [
    'Overwrite: null data',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptSectionOverwrite(checkpoint, id('s'), null)),
  ],
  [
    'Overwrite: null section',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptSectionOverwrite(checkpoint, null, bytes('x'))),
  ],
  [
    'Overwrite: too large',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptSectionOverwrite(checkpoint, id('s'), new Uint8Array(101))),
  ],
  [
    'Read: no READ',
    SA_AIS_ERR_ACCESS,
    on('writer', (checkpoint) => sa.saCkptCheckpointRead(checkpoint, [element('s', 'x')])),
  ],
  [
    'Read: no such section',
    SA_AIS_ERR_NOT_EXIST,
    on('full', (checkpoint) => sa.saCkptCheckpointRead(checkpoint, [element('n', 'x')])),
  ],
  [
    'Read: offset beyond maxSectionSize',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptCheckpointRead(checkpoint, [element('s', 'x', 101)])),
  ],
  [
    'Read: size beyond maxSectionSize',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) =>
      sa.saCkptCheckpointRead(checkpoint, [element('s', 'x'.repeat(101))]),
    ),
  ],
  [
    'Read: no active replica',
    SA_AIS_ERR_NOT_EXIST,
    on('inactive', (checkpoint) => sa.saCkptCheckpointRead(checkpoint, [element('s', 'x')])),
  ],
  [
    'Synchronize: no WRITE',
    SA_AIS_ERR_ACCESS,
    on('reader', (checkpoint) => sa.saCkptCheckpointSynchronize(checkpoint, TIMEOUT)),
  ],
  [
    'Synchronize: ALL_REPLICAS',
    SA_AIS_ERR_BAD_OPERATION,
    on('full', (checkpoint) => sa.saCkptCheckpointSynchronize(checkpoint, TIMEOUT)),
  ],
  [
    'Synchronize: no active replica',
    SA_AIS_ERR_NOT_EXIST,
    on('inactive', (checkpoint) => sa.saCkptCheckpointSynchronize(checkpoint, TIMEOUT)),
  ],
  [
    'Synchronize: timeout 0',
    SA_AIS_ERR_TIMEOUT,
    on('async', (checkpoint) => sa.saCkptCheckpointSynchronize(checkpoint, 0n)),
  ],
  [
    'Synchronize',
    SA_AIS_OK,
    on('async', (checkpoint) => sa.saCkptCheckpointSynchronize(checkpoint, TIMEOUT)),
  ],
  [
    'SynchronizeAsync: no callback',
    SA_AIS_ERR_INIT,
    on('async', (checkpoint) => sa.saCkptCheckpointSynchronizeAsync(checkpoint, 1n)),
  ],
  [
    'SectionIdFree: null',
    SA_AIS_ERR_INVALID_PARAM,
    on('full', (checkpoint) => sa.saCkptSectionIdFree(checkpoint, null)),
  ],
  [
    'IOVectorElementDataFree: closed',
    SA_AIS_ERR_BAD_HANDLE,
    on('closed', (checkpoint) => sa.saCkptIOVectorElementDataFree(checkpoint, bytes('x'))),
  ],
];

test.each(TABLE)('%s answers %i', async (_what, rc, call) => {
  expect(name((await call(await createWorld())).rc)).toBe(name(rc));
});

describe('the literal layer', () => {
  test('creates, writes, reads and iterates as a C program does', async () => {
    const { full } = await createWorld();
    const attributes = { sectionId: SA_CKPT_GENERATED_SECTION_ID, ...NEVER };
    const created = await sa.saCkptSectionCreate(full, attributes, bytes('generated'));
    expect(created.rc).toBe(SA_AIS_OK);
    expect(attributes.sectionId).toEqual(created.sectionId);
    expect(SA_CKPT_GENERATED_SECTION_ID.id).toBeNull();
    const vector = [element('s', 'DA'), element('none', 'x'), element('s', 'never')];
    expect(await sa.saCkptCheckpointWrite(full, vector)).toEqual({
      rc: SA_AIS_ERR_NOT_EXIST,
      erroneousVectorIndex: 1,
    });
    const own = { sectionId: id('s'), dataBuffer: new Uint8Array(8), dataOffset: 1, readSize: 0 };
    const allocated: SaCkptIOVectorElementT = {
      sectionId: created.sectionId ?? null,
      dataBuffer: null,
      dataOffset: 0,
    };
    expect((await sa.saCkptCheckpointRead(full, [own, allocated])).rc).toBe(SA_AIS_OK);
    expect([own.readSize, own.dataBuffer]).toEqual([3, bytes('Ata\0\0\0\0\0')]);
    expect([allocated.readSize, allocated.dataBuffer]).toEqual([9, bytes('generated')]);
    const { sectionIterationHandle: iteration } = await sa.saCkptSectionIterationInitialize(
      full,
      SA_CKPT_SECTIONS_FOREVER,
      0n,
    );
    if (iteration === undefined) throw new Error('no iteration');
    const first = await sa.saCkptSectionIterationNext(iteration);
    expect(first.sectionDescriptor).toMatchObject({ sectionId: id('s'), sectionSize: 4 });
    expect((await sa.saCkptSectionIterationNext(iteration)).rc).toBe(SA_AIS_OK);
    expect((await sa.saCkptSectionIterationNext(iteration)).rc).toBe(SA_AIS_ERR_NO_SECTIONS);
    expect((await sa.saCkptSectionIterationFinalize(iteration)).rc).toBe(SA_AIS_OK);
    expect((await sa.saCkptSectionIterationNext(iteration)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    const { checkpointStatus } = await sa.saCkptCheckpointStatusGet(full);
    expect(checkpointStatus).toMatchObject({ numberOfSections: 2, memoryUsed: 13 });
  });

  test('ends iterations and derived handles with their checkpoint and their handle', async () => {
    const { handle, full, reader } = await createWorld();
    const begun = await sa.saCkptSectionIterationInitialize(full, SA_CKPT_SECTIONS_ANY, 0n);
    const iteration = begun.sectionIterationHandle;
    if (iteration === undefined) throw new Error('no iteration');
    await sa.saCkptCheckpointClose(full);
    expect((await sa.saCkptSectionIterationNext(iteration)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect((await sa.saCkptFinalize(handle)).rc).toBe(SA_AIS_OK);
    expect((await sa.saCkptFinalize(handle)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect((await sa.saCkptCheckpointStatusGet(reader)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect((await sa.saCkptDispatch(handle, SA_DISPATCH_ALL)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
  });

  test('delivers asynchronous results in dispatch only, with their invocation', async () => {
    const clients = createClientCluster(1);
    const calls: unknown[][] = [];
    let opened = 0n as SaCkptCheckpointHandleT;
    const handle = await initialize(clients, {
      saCkptCheckpointOpenCallback: (invocation, checkpointHandle, error) => {
        if (error === SA_AIS_OK) opened = checkpointHandle;
        calls.push([invocation, error]);
      },
      saCkptCheckpointSynchronizeCallback: (invocation, error) => {
        calls.push([invocation, error]);
      },
    });
    const attributes = { ...ATTRIBUTES, creationFlags: SA_CKPT_WR_ACTIVE_REPLICA };
    const { selectionObject } = await sa.saCkptSelectionObjectGet(handle);
    const openAsync = (invocation: bigint, given: typeof attributes | null, flags: number) =>
      sa.saCkptCheckpointOpenAsync(handle, invocation, given === null ? 'no' : 'c', given, flags);
    expect((await openAsync(7n, null, READ)).rc).toBe(SA_AIS_OK);
    await selectionObject?.ready();
    expect((await openAsync(8n, attributes, ALL)).rc).toBe(SA_AIS_OK);
    expect(calls).toEqual([]);
    while (calls.length < 2) {
      await selectionObject?.ready();
      await sa.saCkptDispatch(handle, SA_DISPATCH_ALL);
    }
    expect((await sa.saCkptCheckpointSynchronizeAsync(opened, 9n)).rc).toBe(SA_AIS_OK);
    await sa.saCkptDispatch(handle, SA_DISPATCH_ALL);
    expect((await sa.saCkptCheckpointSynchronizeAsync(opened, 10n)).rc).toBe(SA_AIS_OK);
    await sa.saCkptCheckpointClose(opened);
    await sa.saCkptDispatch(handle, SA_DISPATCH_ALL);
    expect(calls).toEqual([
      [7n, SA_AIS_ERR_NOT_EXIST],
      [8n, SA_AIS_OK],
      [9n, SA_AIS_OK],
    ]);
  });

  test('negotiates both generations, and refuses functions of the later on a handle of the first', async () => {
    const clients = createClientCluster(1);
    const handle = await initialize(clients, {}, 1);
    const checkpoint = await open(handle, 'c', {}, ALL);
    const { rc } = await sa.saCkptSectionIdFree(checkpoint, bytes('x'));
    expect(rc).toBe(SA_AIS_ERR_VERSION);
    const version = { releaseCode: 'B', majorVersion: 3, minorVersion: 1 };
    expect((await sa.saCkptInitialize(null, version)).rc).toBe(SA_AIS_ERR_VERSION);
    expect(version).toEqual({ releaseCode: 'B', majorVersion: 2, minorVersion: 2 });
    expect((await sa.saCkptInitialize(null, null)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('throws a TypeError for what is no AIS type at all', async () => {
    const { handle, full } = await createWorld();
    const wrong = <T>(value: unknown) => value as T;
    await expect(sa.saCkptFinalize(wrong(1))).rejects.toThrow(TypeError);
    await expect(sa.saCkptCheckpointUnlink(handle, wrong(5))).rejects.toThrow(TypeError);
    await expect(sa.saCkptSectionDelete(full, { id: wrong('s') })).rejects.toThrow(TypeError);
    await expect(sa.saCkptCheckpointSynchronize(full, wrong(5))).rejects.toThrow(TypeError);
  });
});
