import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  SA_TIME_END,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { ckptService } from './index.ts';
import {
  ALL,
  attributes,
  bytes,
  FakeReplica,
  READ,
  SECOND,
  text,
  viewOf,
  WRITE,
} from './replica.fixture.ts';

const one = { node: 1, connection: 1 };
const two = { node: 2, connection: 1 };
const DATA = { data: bytes('x'), totalBytes: 1 };

function opened(changes: Parameters<typeof attributes>[0] = {}): FakeReplica {
  const replica = new FakeReplica();
  const request = { handle: 1n, name: 'c', openFlags: ALL, attributes: attributes(changes) };
  expect(replica.call(one, 'open', request).rc).toBe(SA_AIS_OK);
  return replica;
}

function open(replica: FakeReplica, client = two, openFlags = READ | WRITE): number {
  return replica.call(client, 'open', { handle: 1n, name: 'c', openFlags, attributes: null }).rc;
}

function create(replica: FakeReplica, sectionId: string, expirationTime: bigint): number {
  const request = { handle: 1n, sectionId, expirationTime, ...DATA };
  return replica.call(one, 'sectionCreate', request).rc;
}

describe('retention', () => {
  test('of 0 deletes the checkpoint at its last close', () => {
    const replica = opened();
    open(replica);
    replica.call(one, 'close', { handle: 1n });
    expect(replica.state.checkpoints.size).toBe(1);
    replica.call(two, 'close', { handle: 1n });
    expect(replica.state.checkpoints.size).toBe(0);
    expect(open(replica)).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('counts from the last close, and a reopen stops the clock', () => {
    const replica = opened({ retentionDuration: 10n * SECOND });
    create(replica, 'a', SA_TIME_END);
    replica.call(one, 'close', { handle: 1n });
    replica.advance(9n * SECOND);
    expect(open(replica)).toBe(SA_AIS_OK);
    replica.advance(100n * SECOND);
    replica.call(two, 'close', { handle: 1n });
    replica.advance(9n * SECOND);
    expect(replica.state.checkpoints.size).toBe(1);
    replica.advance(SECOND);
    expect(replica.state.checkpoints.size).toBe(0);
    expect(replica.state).toEqual(ckptService.init());
  });

  test('of SA_TIME_END never ends', () => {
    const replica = opened({ retentionDuration: SA_TIME_END });
    replica.call(one, 'close', { handle: 1n });
    expect(ckptService.deadline?.(replica.state)).toBeNull();
    expect(open(replica)).toBe(SA_AIS_OK);
  });

  test('can be changed while open, not after an unlink, and not to less than nothing', () => {
    const replica = opened();
    const set = (retentionDuration: bigint) =>
      replica.call(one, 'retentionDurationSet', { handle: 1n, retentionDuration }).rc;
    expect(set(5n * SECOND)).toBe(SA_AIS_OK);
    replica.call(one, 'close', { handle: 1n });
    expect(replica.state.checkpoints.size).toBe(1);
    expect(set(5n)).toBe(SA_AIS_ERR_BAD_HANDLE);
    open(replica, one);
    replica.call(two, 'unlink', { name: 'c' });
    expect(set(5n)).toBe(SA_AIS_ERR_BAD_OPERATION);
  });

  test('begins when a client dies and when its node leaves', () => {
    const replica = opened({ retentionDuration: 10n * SECOND });
    open(replica, two);
    ckptService.clientGone?.(replica.state, one, replica.context());
    expect(ckptService.deadline?.(replica.state)).toBeNull();
    replica.change(viewOf([1, 3], [2], 8));
    expect(replica.state.opens).toBe(0);
    replica.advance(10n * SECOND);
    expect(replica.state.checkpoints.size).toBe(0);
  });
});

describe('unlink', () => {
  test('of a checkpoint that nobody has open deletes it at once', () => {
    const replica = opened({ retentionDuration: SA_TIME_END });
    replica.call(one, 'close', { handle: 1n });
    expect(replica.call(two, 'unlink', { name: 'c' }).rc).toBe(SA_AIS_OK);
    expect(replica.call(two, 'unlink', { name: 'c' }).rc).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(replica.state).toEqual(ckptService.init());
  });

  test('frees the name at once; old opens keep the old instance, a new CREATE makes another', () => {
    const replica = opened({ maxSections: 1, retentionDuration: SA_TIME_END });
    const write = (client: typeof one, data: string) =>
      replica.call(client, 'write', {
        handle: 1n,
        elements: [{ sectionId: '', offset: 0, data: bytes(data) }],
      }).rc;
    write(one, 'old');
    replica.call(two, 'unlink', { name: 'c' });
    expect(open(replica)).toBe(SA_AIS_ERR_NOT_EXIST);
    const other = attributes({ maxSections: 1, maxSectionSize: 2000, retentionDuration: SECOND });
    const request = { handle: 1n, name: 'c', openFlags: ALL, attributes: other };
    expect(replica.call(two, 'open', request).rc).toBe(SA_AIS_OK);
    write(two, 'new');
    write(one, 'odd');
    const read = (client: typeof one) => {
      const elements = [{ sectionId: '', offset: 0, size: 10 }];
      const { results } = replica.call(client, 'read', { handle: 1n, elements });
      return text((results as { data: Uint8Array }[])[0]?.data ?? bytes('nothing'));
    };
    expect([read(one), read(two)]).toEqual(['odd', 'new']);
    replica.call(one, 'close', { handle: 1n });
    expect(replica.state.checkpoints.size).toBe(1);
    expect(read(two)).toBe('new');
  });
});

describe('expiration', () => {
  test('drops a section at its time and no other', () => {
    const replica = opened();
    create(replica, 'soon', replica.now + 2n * SECOND);
    create(replica, 'later', replica.now + 5n * SECOND);
    create(replica, 'never', SA_TIME_END);
    const ids = () => [...(replica.state.checkpoints.values().next().value?.sections.keys() ?? [])];
    replica.advance(SECOND);
    expect(ids()).toEqual(['soon', 'later', 'never']);
    replica.advance(SECOND);
    expect(ids()).toEqual(['later', 'never']);
    replica.advance(3n * SECOND);
    expect(ids()).toEqual(['never']);
    expect(ckptService.deadline?.(replica.state)).toBeNull();
  });

  test('can be put off, brought forward and cancelled', () => {
    const replica = opened();
    const set = (sectionId: string, expirationTime: bigint) =>
      replica.call(one, 'expirationTimeSet', { handle: 1n, sectionId, expirationTime }).rc;
    for (const id of ['a', 'b', 'c']) create(replica, id, replica.now + 3n * SECOND);
    expect(set('a', replica.now + 9n * SECOND)).toBe(SA_AIS_OK);
    expect(set('b', replica.now + SECOND)).toBe(SA_AIS_OK);
    expect(set('c', SA_TIME_END)).toBe(SA_AIS_OK);
    expect(set('d', SA_TIME_END)).toBe(SA_AIS_ERR_NOT_EXIST);
    const count = () => replica.state.sections;
    replica.advance(SECOND);
    expect(count()).toBe(2);
    replica.advance(7n * SECOND);
    expect(count()).toBe(2);
    replica.advance(SECOND);
    expect(count()).toBe(1);
  });

  test('is served in steps, so that close ones cost one message', () => {
    const replica = opened();
    create(replica, 'a', replica.now + 1n);
    create(replica, 'b', replica.now + 40_000_000n);
    expect(ckptService.deadline?.(replica.state)).toBe(replica.now + 50_000_000n);
    replica.advance(50_000_000n);
    expect(replica.state.sections).toBe(0);
  });
});

describe('the active replica', () => {
  const collocated = { creationFlags: 2 | 8 };

  test('must be set before data of a collocated, asynchronous checkpoint can be touched', () => {
    const replica = opened(collocated);
    expect(create(replica, 'a', SA_TIME_END)).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(replica.call(one, 'status', { handle: 1n }).rc).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(replica.call(one, 'synchronize', { handle: 1n }).rc).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(replica.call(one, 'activeReplicaSet', { handle: 1n }).rc).toBe(SA_AIS_OK);
    expect(create(replica, 'a', SA_TIME_END)).toBe(SA_AIS_OK);
    expect(replica.call(one, 'synchronize', { handle: 1n }).rc).toBe(SA_AIS_OK);
  });

  test('is gone when its node closes it or leaves', () => {
    const replica = opened(collocated);
    open(replica);
    replica.call(two, 'activeReplicaSet', { handle: 1n });
    expect(create(replica, 'a', SA_TIME_END)).toBe(SA_AIS_OK);
    replica.call(two, 'close', { handle: 1n });
    expect(create(replica, 'b', SA_TIME_END)).toBe(SA_AIS_ERR_NOT_EXIST);
    open(replica);
    replica.call(two, 'activeReplicaSet', { handle: 1n });
    replica.change(viewOf([1, 3], [2], 8));
    expect(create(replica, 'b', SA_TIME_END)).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test.each([1, 2, 4, 9])('cannot be set with creation flags %i', (creationFlags) => {
    const replica = opened({ creationFlags });
    expect(replica.call(one, 'activeReplicaSet', { handle: 1n }).rc).toBe(SA_AIS_ERR_BAD_OPERATION);
  });

  test('cannot be set, nor a synchronisation asked for, without the right to write', () => {
    const replica = opened(collocated);
    open(replica, two, READ);
    expect(replica.call(two, 'activeReplicaSet', { handle: 1n }).rc).toBe(SA_AIS_ERR_ACCESS);
    expect(replica.call(two, 'synchronize', { handle: 1n }).rc).toBe(SA_AIS_ERR_ACCESS);
    const plain = opened();
    expect(plain.call(one, 'synchronize', { handle: 1n }).rc).toBe(SA_AIS_ERR_BAD_OPERATION);
  });
});
