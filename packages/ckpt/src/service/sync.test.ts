import { SA_AIS_OK, SA_TIME_END } from '@aisexec/ais';
import type { StatePart } from '@aisexec/service';
import { describe, expect, test } from '@jest/globals';
import { CHUNK_BYTES_MAX, REQUEST_BYTES_MAX } from '../limits.ts';
import { CHECKPOINT_REPLACED, type ReadResult } from '../protocol.ts';
import { type CkptState, checkState, ckptService } from './index.ts';
import { ALL, attributes, bytes, FakeReplica, SECOND, text, viewOf } from './replica.fixture.ts';

const one = { node: 1, connection: 1 };
const three = { node: 3, connection: 1 };
type Client = typeof one;

function open(replica: FakeReplica, client: Client, name: string, handle = 1n): number {
  const given = attributes({ retentionDuration: 60n * SECOND });
  return replica.call(client, 'open', { handle, name, openFlags: ALL, attributes: given }).rc;
}

function create(
  replica: FakeReplica,
  client: Client,
  sectionId: string,
  data: string,
  handle = 1n,
  expirationTime = SA_TIME_END,
): void {
  const request = { handle, sectionId, expirationTime, data: bytes(data), totalBytes: data.length };
  expect(replica.call(client, 'sectionCreate', request).rc).toBe(SA_AIS_OK);
}

function overwrite(replica: FakeReplica, client: Client, sectionId: string, data: string): void {
  const request = { handle: 1n, sectionId, data: bytes(data), totalBytes: data.length };
  expect(replica.call(client, 'overwrite', request).rc).toBe(SA_AIS_OK);
}

function read(replica: FakeReplica, client: Client, sectionId: string, handle = 1n): string | null {
  const elements = [{ sectionId, offset: 0, size: 100 }];
  const reply = replica.call(client, 'read', { handle, elements });
  const [result] = reply['results'] as ReadResult[];
  return result === undefined ? null : text(result.data);
}

/** The map's own order counts: the host's hash and every iteration depend on it. */
function ordered(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([key, item]) => [key, ordered(item)]);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ordered(item)]));
}

/** Two halves of one cluster after a split, from one common state; both nodes' clients have `c` open. */
function split(superseded = false): {
  winner: FakeReplica;
  loser: FakeReplica;
  heal: () => FakeReplica[];
} {
  const whole = new FakeReplica();
  open(whole, one, 'c');
  open(whole, three, 'c');
  for (const id of ['a', 'b']) create(whole, one, id, 'common');
  const winner = new FakeReplica(whole.copy(), whole.view);
  const loser = new FakeReplica(whole.copy(), whole.view);
  winner.change(viewOf([1, 2], [3], 8));
  loser.change(viewOf([3], [1, 2], 8));
  const part = (state: CkptState, members: number[]): StatePart<CkptState> => ({
    state,
    members,
    ringId: { rep: members[0] ?? 0, seq: 8 },
    quorate: members.length > 1,
    superseded: superseded && members.length === 1,
  });
  const heal = () => {
    const nodes = [winner, loser];
    // Each node merges its own copies of the two parts.
    const states = nodes.map(() =>
      ckptService.sync.merge([part(winner.copy(), [1, 2]), part(loser.copy(), [3])]),
    );
    for (const [index, node] of nodes.entries())
      node.change(viewOf([1, 2, 3], [], 12), states[index]);
    expect(ordered(winner.state)).toEqual(ordered(loser.state));
    return nodes;
  };
  return { winner, loser, heal };
}

describe('a joining member', () => {
  test('gets a state that is the same down to the order of its maps', () => {
    const replica = new FakeReplica();
    open(replica, one, 'c');
    open(replica, three, 'd', 7n);
    for (const id of ['x', 'y', 'z']) create(replica, one, id, id.repeat(9));
    replica.call(one, 'sectionDelete', { handle: 1n, sectionId: 'x' });
    create(replica, one, 'x', '', 1n, replica.now + SECOND);
    replica.call(three, 'unlink', { name: 'd' });
    open(replica, one, 'd', 2n);
    open(replica, one, 'e', 3n);
    replica.call(one, 'close', { handle: 3n });
    const copy = replica.copy();
    expect(checkState(copy)).toBeNull();
    expect(ordered(copy)).toEqual(ordered(replica.state));
    const twin = new FakeReplica(copy, replica.view);
    twin.now = replica.now;
    for (const node of [replica, twin]) node.advance(61n * SECOND);
    expect(ordered(twin.state)).toEqual(ordered(replica.state));
    expect(replica.state.checkpoints.size).toBe(3);
  });

  test('gets sections larger than a chunk in pieces, each below the bound', () => {
    const replica = new FakeReplica();
    open(replica, one, 'c');
    const large = Uint8Array.from({ length: 500_000 }, (_, i) => (i * 31) % 251);
    expect(large.length).toBeGreaterThan(2 * CHUNK_BYTES_MAX);
    expect(large.length).toBeLessThan(REQUEST_BYTES_MAX);
    const request = { handle: 1n, sectionId: 'big', expirationTime: SA_TIME_END };
    replica.call(one, 'sectionCreate', { ...request, data: large, totalBytes: large.length });
    for (let i = 0; i < 5; i++) create(replica, one, `s${i}`, 'small');
    const chunks = [...ckptService.sync.save(replica.state, 1)];
    expect(chunks.length).toBeGreaterThan(2);
    expect(ordered(replica.copy())).toEqual(ordered(replica.state));
  });

  test('gets nothing out of records that refer to what is not there', () => {
    const state = ckptService.init();
    const place = { checkpoint: 'no', key: 'k', data: bytes('x') };
    const times = { expirationTime: 1n, lastUpdate: 1n };
    const records = [
      { kind: 'section', serial: 1, ...times, ...place },
      { kind: 'piece', offset: 4, ...place },
    ];
    ckptService.sync.load(state, { records });
    expect(state).toEqual(ckptService.init());
  });
});

describe('a merge', () => {
  test('keeps the winner side where both changed a section, and what only one side has', () => {
    const { winner, loser, heal } = split();
    overwrite(winner, one, 'a', 'winner');
    overwrite(loser, three, 'a', 'loser');
    overwrite(loser, three, 'b', 'loser');
    create(winner, one, 'w', 'winner');
    create(loser, three, 'l', 'loser');
    const nodes = heal();
    for (const [index, client] of [one, three].entries()) {
      const node = nodes[index] as FakeReplica;
      const contents = ['a', 'b', 'w', 'l'].map((id) => read(node, client, id));
      expect(contents).toEqual(['winner', 'common', 'winner', 'loser']);
    }
  });

  test('takes nothing of a side that could accept nothing but what its clients have open', () => {
    const { winner, loser, heal } = split(true);
    winner.call(one, 'sectionDelete', { handle: 1n, sectionId: 'b' });
    open(winner, one, 'kept', 2n);
    open(loser, three, 'made without quorum', 3n);
    open(loser, three, 'closed again', 4n);
    loser.call(three, 'close', { handle: 4n });
    const [a] = heal() as [FakeReplica];
    expect(['a', 'b'].map((id) => read(a, one, id))).toEqual(['common', null]);
    const names = [...a.state.checkpoints.values()].map(({ name }) => name);
    expect(names).toEqual(['c', 'kept', 'made without quorum']);
  });

  test('keeps the opens of both sides on the surviving instance', () => {
    const { winner, loser, heal } = split();
    open(winner, one, 'n', 2n);
    create(winner, one, 's', 'winner', 2n);
    open(loser, three, 'n', 2n);
    create(loser, three, 's', 'loser', 2n);
    open(loser, three, 'only', 3n);
    create(loser, three, 's', 'alone', 3n);
    const [a, b] = heal() as [FakeReplica, FakeReplica];
    expect([read(a, one, 's', 2n), read(b, three, 's', 2n)]).toEqual(['winner', 'winner']);
    expect(read(b, three, 's', 3n)).toBe('alone');
    expect(a.state.checkpoints.size).toBe(3);
    expect([...a.state.checkpoints.values()].map(({ openers }) => openers)).toEqual([2, 2, 1]);
    for (const node of [a, b]) node.call(one, 'close', { handle: 2n });
    expect(read(b, three, 's', 2n)).toBe('winner');
  });

  test('tells those whose content was replaced, once each and nobody else', () => {
    const { winner, loser, heal } = split();
    open(loser, three, 'untouched', 2n);
    overwrite(winner, one, 'a', 'winner');
    heal();
    expect(winner.callbacks).toEqual([]);
    expect(loser.callbacks).toEqual([
      { client: three, name: CHECKPOINT_REPLACED, payload: { handle: 1n, lost: false } },
    ]);
  });

  test('drops opens of nodes that a part does not speak for, and starts the retention', () => {
    const replica = new FakeReplica();
    open(replica, one, 'c');
    const ringId = { rep: 2, seq: 8 };
    const parts = [{ state: replica.state, members: [2], ringId, quorate: true }];
    const node = new FakeReplica(ckptService.init());
    node.change(viewOf([1, 2], [], 12), ckptService.sync.merge(parts));
    expect(node.state.opens).toBe(0);
    node.advance(61n * SECOND);
    expect(node.state).toEqual(ckptService.init());
  });

  test('adds sections of the losing side only as far as the attributes allow', () => {
    const { winner, loser, heal } = split();
    for (let i = 0; i < 6; i++) create(winner, one, `w${i}`, '');
    for (let i = 0; i < 6; i++) create(loser, three, `l${i}`, '');
    const [node] = heal() as [FakeReplica];
    const [checkpoint] = [...node.state.checkpoints.values()];
    expect(checkpoint?.sections.size).toBe(10);
    expect([...(checkpoint?.sections.keys() ?? [])].slice(8)).toEqual(['l0', 'l1']);
  });
});
