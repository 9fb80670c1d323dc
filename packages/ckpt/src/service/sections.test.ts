import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  SA_TIME_END,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ReadResult, SectionDescription } from '../protocol.ts';
import { ALL, attributes, bytes, FakeReplica, READ, text, WRITE } from './replica.fixture.ts';

const client = { node: 1, connection: 1 };
const H = { handle: 1n };
const MAX_SECTIONS = 4;
const MAX_SIZE = 12;

function opened(changes: Parameters<typeof attributes>[0] = {}, openFlags = ALL): FakeReplica {
  const replica = new FakeReplica();
  const given = attributes({
    checkpointSize: 8,
    maxSections: MAX_SECTIONS,
    maxSectionSize: MAX_SIZE,
    maxSectionIdSize: 2,
    ...changes,
  });
  replica.call(client, 'open', { ...H, name: 'c', openFlags, attributes: given });
  return replica;
}

function create(replica: FakeReplica, sectionId: string | null, data = '') {
  const request = { ...H, sectionId, expirationTime: SA_TIME_END };
  return replica.call(client, 'sectionCreate', {
    ...request,
    data: bytes(data),
    totalBytes: data.length,
  });
}

const overwrite = (replica: FakeReplica, sectionId: string, data: string) =>
  replica.call(client, 'overwrite', {
    ...H,
    sectionId,
    data: bytes(data),
    totalBytes: data.length,
  }).rc;

const write = (replica: FakeReplica, ...elements: [string, number, string][]) =>
  replica.call(client, 'write', {
    ...H,
    elements: elements.map(([sectionId, offset, data]) => ({
      sectionId,
      offset,
      data: bytes(data),
    })),
  });

function read(replica: FakeReplica, sectionId: string, offset = 0, size = MAX_SIZE) {
  const reply = replica.call(client, 'read', { ...H, elements: [{ sectionId, offset, size }] });
  const [result] = reply['results'] as ReadResult[];
  return { rc: reply.rc, data: result === undefined ? null : text(result.data) };
}

describe('a section', () => {
  test('is created once, with its initial data', () => {
    const replica = opened();
    expect(create(replica, 'a', 'hello').rc).toBe(SA_AIS_OK);
    expect(create(replica, 'a', 'other').rc).toBe(SA_AIS_ERR_EXIST);
    expect(read(replica, 'a')).toEqual({ rc: SA_AIS_OK, data: 'hello' });
  });

  test.each([
    ['a longer id than allowed', 'abc', 0, SA_AIS_ERR_INVALID_PARAM],
    ['a character that is no byte', 'ā', 0, SA_AIS_ERR_INVALID_PARAM],
    ['more data than allowed', 'a', MAX_SIZE + 1, SA_AIS_ERR_INVALID_PARAM],
    ['the id of the default section', '', 0, SA_AIS_ERR_INVALID_PARAM],
    ['all the data that is allowed', 'a', MAX_SIZE, SA_AIS_OK],
    ['bytes beyond ASCII in its id', '\u00ff\u0000', 0, SA_AIS_OK],
  ])('with %s', (_what, id, size, rc) => {
    expect(create(opened(), id, 'x'.repeat(size)).rc).toBe(rc);
  });

  test('is refused with NO_SPACE beyond maxSections', () => {
    const replica = opened();
    for (const id of ['a', 'b', 'c', 'd']) expect(create(replica, id).rc).toBe(SA_AIS_OK);
    expect(create(replica, 'e').rc).toBe(SA_AIS_ERR_NO_SPACE);
    expect(create(replica, 'a').rc).toBe(SA_AIS_ERR_EXIST);
    expect(replica.call(client, 'sectionDelete', { ...H, sectionId: 'b' }).rc).toBe(SA_AIS_OK);
    expect(create(replica, 'e').rc).toBe(SA_AIS_OK);
  });

  test('gets an id that is free and fits when it asks for one', () => {
    const replica = opened({ maxSections: 40, maxSectionSize: 10, maxSectionIdSize: 1 });
    create(replica, '1');
    const ids = Array.from({ length: 35 }, () => create(replica, null)['sectionId'] as string);
    expect(new Set([...ids, '1']).size).toBe(36);
    expect(ids.every((id) => id.length === 1)).toBe(true);
    expect(create(replica, null).rc).toBe(SA_AIS_ERR_NO_SPACE);
    replica.call(client, 'sectionDelete', { ...H, sectionId: 'k' });
    expect(create(replica, null)['sectionId']).toBe('k');
  });

  test('that is the only one exists from the start and is neither created, deleted nor expired', () => {
    const replica = opened({ maxSections: 1 });
    expect(read(replica, '')).toEqual({ rc: SA_AIS_OK, data: '' });
    for (const id of ['', 'a', null]) expect(create(replica, id).rc).toBe(SA_AIS_ERR_EXIST);
    const sectionId = '';
    const expirationTime = 5n;
    expect(replica.call(client, 'sectionDelete', { ...H, sectionId }).rc).toBe(
      SA_AIS_ERR_INVALID_PARAM,
    );
    expect(replica.call(client, 'expirationTimeSet', { ...H, sectionId, expirationTime }).rc).toBe(
      SA_AIS_ERR_INVALID_PARAM,
    );
    expect(overwrite(replica, '', 'state')).toBe(SA_AIS_OK);
    const status = replica.call(client, 'status', H)['checkpointStatus'];
    expect(status).toMatchObject({ numberOfSections: 1, memoryUsed: 5 });
  });
});

describe('a vector write', () => {
  test('reports the failing element and leaves the earlier ones applied', () => {
    const replica = opened();
    create(replica, 'a');
    create(replica, 'b');
    expect(write(replica, ['a', 0, '1'], ['x', 0, '2'], ['b', 0, '3'])).toEqual({
      rc: SA_AIS_ERR_NOT_EXIST,
      erroneousVectorIndex: 1,
    });
    expect(write(replica, ['a', 1, '1'], ['a', MAX_SIZE, '2'])).toEqual({
      rc: SA_AIS_ERR_INVALID_PARAM,
      erroneousVectorIndex: 1,
    });
    expect([read(replica, 'a').data, read(replica, 'b').data]).toEqual(['11', '']);
  });

  test('refuses the first piece of an element whose end lies beyond maxSectionSize', () => {
    const replica = opened();
    create(replica, 'a');
    const element = { sectionId: 'a', offset: 0, data: bytes('1'), end: MAX_SIZE + 1 };
    const reply = replica.call(client, 'write', { ...H, elements: [element] });
    expect(reply.rc).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(read(replica, 'a').data).toBe('');
  });

  test('sets the time of the last update', () => {
    const replica = opened();
    create(replica, 'a');
    replica.now += 7n;
    write(replica, ['a', 0, '1']);
    const { sections } = replica.call(client, 'sectionDescribe', { ...H, sectionIds: ['a', 'b'] });
    expect((sections as SectionDescription[])[0]?.lastUpdate).toBe(replica.now);
    expect((sections as SectionDescription[])[1]).toBeNull();
  });
});

describe('rights', () => {
  test('a handle without WRITE changes nothing and one without READ reads nothing', () => {
    const replica = opened();
    create(replica, 'a', 'data');
    const reader = { node: 2, connection: 5 };
    const request = { ...H, name: 'c', attributes: null };
    replica.call(reader, 'open', { ...request, openFlags: READ });
    replica.call(reader, 'open', { ...request, openFlags: WRITE, handle: 2n });
    const elements = [{ sectionId: 'a', offset: 0, data: bytes('x') }];
    expect(replica.call(reader, 'write', { ...H, elements }).rc).toBe(SA_AIS_ERR_ACCESS);
    const wanted = { handle: 2n, elements: [{ sectionId: 'a', offset: 0, size: 4 }] };
    expect(replica.call(reader, 'read', wanted).rc).toBe(SA_AIS_ERR_ACCESS);
    expect(replica.call(reader, 'sectionDelete', { ...H, sectionId: 'a' }).rc).toBe(
      SA_AIS_ERR_ACCESS,
    );
    expect(replica.call(reader, 'write', { handle: 3n, elements }).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(replica.call({ node: 3, connection: 1 }, 'status', H).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(read(replica, 'a').data).toBe('data');
  });
});

/** The obviously right alternative: a map of strings. */
class Model {
  readonly sections = new Map<string, string>();
  create(id: string, data: string): number {
    if (data.length > MAX_SIZE) return SA_AIS_ERR_INVALID_PARAM;
    if (this.sections.has(id)) return SA_AIS_ERR_EXIST;
    if (this.sections.size >= MAX_SECTIONS) return SA_AIS_ERR_NO_SPACE;
    this.sections.set(id, data);
    return SA_AIS_OK;
  }
  write(id: string, offset: number, data: string): number {
    const before = this.sections.get(id);
    if (before === undefined) return SA_AIS_ERR_NOT_EXIST;
    if (offset + data.length > MAX_SIZE) return SA_AIS_ERR_INVALID_PARAM;
    if (data.length === 0) return SA_AIS_OK;
    const head = before.slice(0, offset).padEnd(offset, '\0');
    this.sections.set(id, head + data + before.slice(offset + data.length));
    return SA_AIS_OK;
  }
  overwrite(id: string, data: string): number {
    if (data.length > MAX_SIZE) return SA_AIS_ERR_INVALID_PARAM;
    if (!this.sections.has(id)) return SA_AIS_ERR_NOT_EXIST;
    this.sections.set(id, data);
    return SA_AIS_OK;
  }
  delete(id: string): number {
    return this.sections.delete(id) ? SA_AIS_OK : SA_AIS_ERR_NOT_EXIST;
  }
}

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const data = fc.string({ maxLength: MAX_SIZE + 1, unit: fc.constantFrom('x', 'y', 'z') });
type Command = fc.Command<Model, FakeReplica>;

function command(
  name: string,
  expected: (model: Model) => number,
  actual: (real: FakeReplica) => number,
): Command {
  return {
    check: () => true,
    run: (model, real) => {
      expect(actual(real)).toBe(expected(model));
      expect(real.state.sections).toBe(model.sections.size);
      for (const [id, content] of model.sections) expect(read(real, id).data).toBe(content);
    },
    toString: () => name,
  };
}

const commands = fc.commands(
  [
    fc.tuple(ids, data).map(([id, d]) =>
      command(
        `create(${id}, ${d})`,
        (model) => model.create(id, d),
        (real) => create(real, id, d).rc,
      ),
    ),
    fc.tuple(ids, fc.nat(MAX_SIZE), data).map(([id, offset, d]) =>
      command(
        `write(${id}, ${offset}, ${d})`,
        (model) => model.write(id, offset, d),
        (real) => write(real, [id, offset, d]).rc,
      ),
    ),
    fc.tuple(ids, data).map(([id, d]) =>
      command(
        `overwrite(${id}, ${d})`,
        (model) => model.overwrite(id, d),
        (real) => overwrite(real, id, d),
      ),
    ),
    ids.map((id) =>
      command(
        `delete(${id})`,
        (model) => model.delete(id),
        (real) => real.call(client, 'sectionDelete', { ...H, sectionId: id }).rc,
      ),
    ),
  ],
  { maxCommands: 40 },
);

test('sections behave like a map of strings under any sequence of operations', () => {
  fc.assert(
    fc.property(commands, (script) => {
      fc.modelRun(() => ({ model: new Model(), real: opened() }), script);
    }),
    { numRuns: 150 },
  );
});
