import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import {
  SA_LCK_LOCK_DEADLOCK,
  SA_LCK_LOCK_DUPLICATE_EX,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
} from '../protocol.ts';
import { checkTable } from './check-table.ts';
import { createHarness, EX, PR } from './harness.fixture.ts';
import { LOCKS_PER_CLIENT_MAX } from './limits.ts';

const a = { node: 1, connection: 1 };
const b = { node: 2, connection: 1 };
const c = { node: 3, connection: 1 };

function opened() {
  const h = createHarness();
  for (const client of [a, b, c]) h.open(client, 7n, 'r', true);
  return h;
}

describe('opening', () => {
  test('a resource that does not exist is made only when asked for', () => {
    const h = createHarness();
    const open = { handle: 1n, name: 'x', create: false, notify: false };
    expect(h.rc(h.send(a, 'open', open))).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(h.rc(h.send(a, 'open', { ...open, create: true }))).toBe(SA_AIS_OK);
    expect(h.rc(h.send(b, 'open', open))).toBe(SA_AIS_OK);
    expect(h.rc(h.send(b, 'open', open))).toBe(SA_AIS_ERR_EXIST);
  });

  test('an empty name is INVALID_PARAM', () => {
    const h = createHarness();
    const open = { handle: 1n, name: '', create: true, notify: false };
    expect(h.rc(h.send(a, 'open', open))).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('a resource ends with its last opener', () => {
    const h = createHarness();
    h.open(a, 1n);
    h.open(b, 1n);
    h.close(a, 1n);
    expect(h.state.resources.size).toBe(1);
    expect(h.rc(h.close(b, 1n))).toBe(SA_AIS_OK);
    expect(h.state).toEqual({ ...createHarness().state, fairness: 'standard' });
    expect(h.rc(h.close(b, 1n))).toBe(SA_AIS_ERR_BAD_HANDLE);
  });
});

describe('granting', () => {
  test('readers share, a writer waits for all of them and is then alone', () => {
    const h = opened();
    expect(h.status(h.lock(a, 7n, 1n, PR))).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.status(h.lock(b, 7n, 1n, PR))).toBe(SA_LCK_LOCK_GRANTED);
    const writer = h.lock(c, 7n, 1n, EX);
    expect(h.reply(writer)).toBeUndefined();
    h.unlock(a, 1n);
    expect(h.reply(writer)).toBeUndefined();
    h.unlock(b, 1n);
    expect(h.status(writer)).toBe(SA_LCK_LOCK_GRANTED);
    expect(checkTable(h.state)).toEqual([]);
  });

  test('a reader passes a writer that waits; a freed resource goes to the oldest writer', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    const reader = h.lock(b, 7n, 1n, PR);
    const writer = h.lock(c, 7n, 1n, EX);
    h.unlock(a, 1n);
    expect(h.status(writer)).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.reply(reader)).toBeUndefined();
    h.unlock(c, 1n);
    expect(h.status(reader)).toBe(SA_LCK_LOCK_GRANTED);
    h.lock(c, 7n, 2n, EX);
    expect(h.status(h.lock(a, 7n, 2n, PR))).toBe(SA_LCK_LOCK_GRANTED);
  });

  test('fencing tokens of one resource rise from grant to grant', () => {
    const h = opened();
    const first = h.lock(a, 7n, 1n, EX);
    const second = h.lock(b, 7n, 1n, EX);
    h.unlock(a, 1n);
    h.unlock(b, 1n);
    const third = h.lock(a, 7n, 2n, EX);
    expect(h.token(second)).toBeGreaterThan(h.token(first));
    expect(h.token(third)).toBeGreaterThan(h.token(second));
  });

  test('NO_QUEUE never waits', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    const refused = h.lock(b, 7n, 1n, PR, { flags: SA_LCK_LOCK_NO_QUEUE });
    expect(h.status(refused)).toBe(SA_LCK_LOCK_NOT_QUEUED);
    expect(h.rc(h.unlock(b, 1n))).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('the same open asking EX twice is DUPLICATE_EX, unless it says it may wait for itself', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    expect(h.status(h.lock(a, 7n, 2n, EX))).toBe(SA_LCK_LOCK_DUPLICATE_EX);
    const own = h.lock(a, 7n, 3n, EX, { detect: false });
    expect(h.reply(own)).toBeUndefined();
    h.unlock(a, 1n);
    expect(h.status(own)).toBe(SA_LCK_LOCK_GRANTED);
  });

  test('an id that is in use, or a handle that is not open, takes nothing', () => {
    const h = opened();
    h.lock(a, 7n, 1n, PR);
    expect(h.rc(h.lock(a, 7n, 1n, PR))).toBe(SA_AIS_ERR_EXIST);
    expect(h.rc(h.lock(a, 8n, 2n, PR))).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(h.state.lockCount).toBe(1);
  });

  test('a client may hold its limit of locks and not one more', () => {
    const h = opened();
    for (let id = 0; id < LOCKS_PER_CLIENT_MAX; id++) h.lock(a, 7n, BigInt(id), PR);
    expect(h.rc(h.lock(a, 7n, 99_999n, PR))).toBe(SA_AIS_ERR_NO_RESOURCES);
    expect(h.rc(h.lock(b, 7n, 1n, PR))).toBe(SA_AIS_OK);
    h.unlock(a, 5n);
    expect(h.rc(h.lock(a, 7n, 5n, PR))).toBe(SA_AIS_OK);
  });
});

describe('deadlocks', () => {
  test.each([
    ['EX held, PR asked', EX, 7n, PR],
    ['EX held, EX asked through another open', EX, 8n, EX],
    ['PR held, EX asked', PR, 7n, EX],
  ])('a client that would wait for itself is told: %s', (_name, held, handle, asked) => {
    const h = opened();
    h.open(a, 8n);
    h.lock(a, 7n, 1n, held);
    expect(h.status(h.lock(a, handle, 2n, asked))).toBe(SA_LCK_LOCK_DEADLOCK);
    expect(h.state.lockCount).toBe(1);
  });

  test('the request that closes a circle of three is told, the older ones keep waiting', () => {
    const h = createHarness();
    for (const client of [a, b, c]) {
      for (const [handle, name] of [
        [1n, 'x'],
        [2n, 'y'],
        [3n, 'z'],
      ] as const) {
        h.open(client, handle, name, true);
      }
    }
    h.lock(a, 1n, 1n, EX);
    h.lock(b, 2n, 1n, EX);
    h.lock(c, 3n, 1n, EX);
    const first = h.lock(a, 2n, 2n, EX);
    const second = h.lock(b, 3n, 2n, EX);
    h.told();
    expect(h.status(h.lock(c, 1n, 2n, EX))).toBe(SA_LCK_LOCK_DEADLOCK);
    expect(h.told().map(({ client, name }) => `${name} ${client}`)).toEqual(['waiter 1.1']);
    expect([h.reply(first), h.reply(second)]).toEqual([undefined, undefined]);
    h.unlock(c, 1n);
    expect(h.status(second)).toBe(SA_LCK_LOCK_GRANTED);
  });
});

describe('waiter callbacks', () => {
  test('each holder in the way is told of each request, with the requester’s signal', () => {
    const h = opened();
    h.lock(a, 7n, 1n, PR);
    h.lock(b, 7n, 2n, PR);
    h.lock(c, 7n, 3n, EX, { waiterSignal: 42n });
    const payload = { waiterSignal: 42n, modeHeld: PR, modeRequested: EX };
    expect(h.told()).toEqual([
      { client: '1.1', name: 'waiter', payload: { ...payload, lockId: 1n } },
      { client: '2.1', name: 'waiter', payload: { ...payload, lockId: 2n } },
    ]);
  });

  test('a new holder is told of what it blocks', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    h.lock(b, 7n, 2n, EX);
    h.lock(c, 7n, 3n, EX, { waiterSignal: 9n });
    h.told();
    h.unlock(a, 1n);
    expect(h.told()).toEqual([
      {
        client: '2.1',
        name: 'waiter',
        payload: { waiterSignal: 9n, lockId: 2n, modeHeld: EX, modeRequested: EX },
      },
    ]);
  });

  test('who did not ask for them gets none', () => {
    const h = createHarness();
    h.open(a, 1n);
    h.open(b, 1n);
    h.lock(a, 1n, 1n, EX);
    h.lock(b, 1n, 1n, EX);
    expect(h.told()).toEqual([]);
  });
});

describe('unlocking and closing', () => {
  test('unlocking a request that waits cancels it with NOT_EXIST', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    const waiting = h.lock(b, 7n, 1n, EX);
    expect(h.rc(h.unlock(b, 1n))).toBe(SA_AIS_OK);
    expect(h.reply(waiting)).toEqual({ rc: SA_AIS_ERR_NOT_EXIST });
    h.unlock(a, 1n);
    expect(h.state.lockCount).toBe(0);
  });

  test('nobody unlocks the lock of another client', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    expect(h.rc(h.unlock(b, 1n))).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(h.state.lockCount).toBe(1);
  });

  test('closing releases what was locked through that open and nothing else', () => {
    const h = opened();
    h.open(a, 8n);
    h.lock(a, 7n, 1n, PR);
    h.lock(a, 8n, 2n, PR);
    const writer = h.lock(b, 7n, 1n, EX);
    h.close(a, 7n);
    expect(h.reply(writer)).toBeUndefined();
    const pending = h.lock(c, 7n, 1n, EX);
    h.close(c, 7n);
    expect(h.rc(pending)).toBe(SA_AIS_ERR_BAD_HANDLE);
    h.close(a, 8n);
    expect(h.status(writer)).toBe(SA_LCK_LOCK_GRANTED);
    expect(checkTable(h.state)).toEqual([]);
  });

  test('the end of a client grants what it held', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    const next = h.lock(b, 7n, 1n, EX);
    h.clientGone(a);
    expect(h.status(next)).toBe(SA_LCK_LOCK_GRANTED);
    h.clientGone(a);
    expect(checkTable(h.state)).toEqual([]);
  });
});

describe('orphans', () => {
  function orphaned() {
    const h = opened();
    h.lock(a, 7n, 1n, EX, { flags: SA_LCK_LOCK_ORPHAN });
    return h;
  }

  test('an orphan blocks, keeps its resource, and goes with a purge', () => {
    const h = orphaned();
    h.clientGone(a);
    const waits = h.lock(b, 7n, 1n, EX);
    expect(h.told()).toEqual([]);
    const refused = h.lock(c, 7n, 1n, EX, { flags: SA_LCK_LOCK_NO_QUEUE });
    expect(h.status(refused)).toBe(SA_LCK_LOCK_NOT_QUEUED);
    const noticed = h.lock(c, 7n, 1n, EX, { flags: SA_LCK_LOCK_ORPHAN });
    expect(h.status(noticed)).toBe(SA_LCK_LOCK_ORPHANED);
    expect(h.rc(h.send(c, 'purge', { handle: 7n }))).toBe(SA_AIS_OK);
    expect(h.status(waits)).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.rc(h.send(c, 'purge', { handle: 7n }))).toBe(SA_AIS_OK);
    expect(checkTable(h.state)).toEqual([]);
  });

  test('a request that waits with the ORPHAN flag learns when its holder becomes an orphan', () => {
    const h = orphaned();
    const watcher = h.lock(b, 7n, 1n, EX, { flags: SA_LCK_LOCK_ORPHAN });
    const plain = h.lock(c, 7n, 1n, EX);
    h.close(a, 7n);
    expect(h.status(watcher)).toBe(SA_LCK_LOCK_ORPHANED);
    expect(h.reply(plain)).toBeUndefined();
  });

  test('a resource outlives its openers while an orphan is on it', () => {
    const h = orphaned();
    for (const client of [a, b, c]) h.clientGone(client);
    expect(h.state.resources.size).toBe(1);
    h.open(b, 1n);
    h.send(b, 'purge', { handle: 1n });
    h.clientGone(b);
    expect(h.state.resources.size).toBe(0);
    expect(h.state.lockCount).toBe(0);
  });

  test('a reader’s orphan lets readers in, and an unlocked or waiting one is none', () => {
    const h = opened();
    h.lock(a, 7n, 1n, PR, { flags: SA_LCK_LOCK_ORPHAN });
    h.lock(b, 7n, 1n, EX, { flags: SA_LCK_LOCK_ORPHAN });
    h.clientGone(b);
    h.clientGone(a);
    expect(h.status(h.lock(c, 7n, 1n, PR))).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.state.resources.get('r')?.orphans).toHaveLength(1);
    expect(checkTable(h.state)).toEqual([]);
  });
});

describe('revoking', () => {
  test('takes readers and orphans together, by their token or all, and grants who waits', () => {
    const h = createHarness();
    for (const client of [a, b, c]) h.open(client, 7n);
    h.lock(a, 7n, 1n, PR);
    const reader = h.lock(b, 7n, 2n, PR, { flags: 2 });
    h.clientGone(b);
    const writer = h.lock(c, 7n, 3n, EX);
    expect(h.reply(h.send(c, 'revoke', { name: 'r', token: 99n }))).toMatchObject({ revoked: 0 });
    h.told();
    const token = h.token(reader);
    expect(h.reply(h.send(c, 'revoke', { name: 'r', token }))).toMatchObject({ revoked: 1 });
    expect(h.status(writer)).toBeUndefined();
    expect(h.reply(h.send(c, 'revoke', { name: 'r', token: null }))).toMatchObject({ revoked: 1 });
    const payload = { lockId: 1n, reason: 'revoked' };
    expect(h.told()).toEqual([{ client: '1.1', name: 'lockLost', payload }]);
    expect(h.status(writer)).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.rc(h.unlock(a, 1n))).toBe(SA_AIS_ERR_NOT_EXIST);
    expect(checkTable(h.state)).toEqual([]);
  });
});

describe('what the service says of itself', () => {
  test('orphans and deadlock detection are options it has, and the limit is what it keeps', () => {
    const h = createHarness();
    expect(h.reply(h.send(a, 'options', null))).toEqual({ rc: SA_AIS_OK, lckOptions: 3 });
    expect(h.reply(h.send(a, 'limits', null))).toEqual({
      rc: SA_AIS_OK,
      maxNumLocks: BigInt(LOCKS_PER_CLIENT_MAX),
    });
  });
});
