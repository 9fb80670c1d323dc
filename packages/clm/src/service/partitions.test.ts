/** Operations on nodes through partitions and merges: who decides, whose decision stands, whose clients are stale. */
import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_ERR_UNAVAILABLE, SA_AIS_OK } from '@aisexec/ais';
import type { TestClient } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import type { ChangedEvent } from '../protocol.ts';
import { cluster, heard, operate, respond, states, subscriber } from './operations.fixture.ts';

describe('partitions', () => {
  test('without quorum nothing is decided: TRY_AGAIN, and what was under way is aborted', () => {
    const c = cluster(3, 3);
    const client = subscriber(c, 3, { steps: 'v' });
    const lock = operate(c, 'lock', 3, 3);
    expect(lock.rc).toBeUndefined();
    c.split([[1, 2], [3]]);
    expect(lock.rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    expect(heard(client)).toEqual(['validate 3-', 'completed 1- 2-', 'aborted 3-']);
    expect(operate(c, 'lock', 3, 3).rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    // The majority went on without it: the node had left.
    expect(states(c)).toContain('3 locked');
    c.heal();
    expect(client.request('standing', { admission: 0n })?.rc).toBe(SA_AIS_ERR_UNAVAILABLE);
    expect(heard(client)).toHaveLength(1);
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('after a merge the latest decision of either side stands', () => {
    for (const [at, other] of [
      [1, 5],
      [5, 1],
    ] as const) {
      const c = cluster(5);
      c.split([
        [1, 2, 3],
        [4, 5],
      ]);
      operate(c, 'lock', at, at);
      c.heal();
      expect(states(c, other)).toContain(`${at} locked`);
      expect(c.client(at, 'clm').request('standing', {})?.rc).toBe(SA_AIS_ERR_UNAVAILABLE);
      expect(c.hashes('clm')).toHaveLength(1);
      operate(c, 'unlock', at, other);
      expect(states(c)).toContain(`${at} unlocked member`);
    }
  });

  test('a side of which nobody is admitted still counts: the view number rises above its own', () => {
    const c = cluster(3);
    const watcher = subscriber(c, 1, { mode: 'changes' });
    const only = subscriber(c, 2);
    const local = subscriber(c, 1, { local: true });
    const numberAt = (client: TestClient) =>
      (client.callbacks.at(-1)?.payload as ChangedEvent | undefined)?.viewNumber ?? 0n;
    c.split([[1, 2], [3]]);
    for (const operation of ['lock', 'unlock', 'lock', 'unlock']) operate(c, operation, 3, 3);
    const { admission } = c.client(3, 'clm').request('standing', {}) as { admission?: bigint };
    const isolated = c.client(3, 'clm');
    const wanted = { mode: 'changes', local: false, validate: false, start: false };
    isolated.request('track', { admission, ...wanted, subscription: 1 });
    operate(c, 'lock', 3, 3);
    expect(numberAt(isolated)).toBeGreaterThan(numberAt(watcher));
    heard(local);
    c.heal();
    expect(numberAt(watcher)).toBeGreaterThan(numberAt(isolated));
    expect(heard(watcher)).toEqual(['completed 1 2 3-', 'completed 1 2']);
    expect(heard(only)).toEqual(['completed 3-', 'completed ']);
    expect(heard(local)).toEqual([]);
  });

  test('a node that the other side removed and readmitted has stale clients, who are told', () => {
    const c = cluster(3);
    operate(c, 'lock', 3);
    operate(c, 'unlock', 3);
    const { admission } = c.client(3, 'clm').request('standing', {}) as { admission?: bigint };
    const clients = [false, true].map((local) => {
      const client = c.client(3, 'clm');
      const steps = { validate: false, start: false };
      client.request('track', { admission, mode: 'changes', local, ...steps, subscription: 1 });
      return client;
    });
    c.split([[1, 2], [3]]);
    operate(c, 'lock', 3);
    operate(c, 'unlock', 3);
    c.heal();
    expect(states(c)).toContain('3 unlocked member');
    for (const client of clients) {
      expect(client.callbacks.at(-1)?.payload).toMatchObject({ step: 'completed', evicted: true });
      expect(client.request('standing', { admission })?.rc).toBe(SA_AIS_ERR_UNAVAILABLE);
    }
    expect(c.host(1).inspect('clm')).toMatchObject({ tracking: 0 });
  });

  test('operations of the side that lost end, those of the winner go on', () => {
    const c = cluster(4);
    const clients = [subscriber(c, 1, { steps: 'v' }), subscriber(c, 4, { steps: 'v' })];
    c.split([
      [1, 2],
      [3, 4],
    ]);
    const locks = [operate(c, 'lock', 2, 1), operate(c, 'lock', 3, 4)];
    c.heal();
    const lost = locks.findIndex(({ rc }) => rc === SA_AIS_ERR_TRY_AGAIN);
    expect([0, 1]).toContain(lost);
    const [loser, winner] = lost === 0 ? clients : clients.toReversed();
    expect(heard(loser!).at(-1)).toBe(`aborted ${lost === 0 ? 2 : 3}-`);
    expect(locks[1 - lost]?.rc).toBeUndefined();
    respond(winner!, 'ok');
    expect(locks[1 - lost]?.rc).toBe(SA_AIS_OK);
    expect(c.hashes('clm')).toHaveLength(1);
  });

  test('a joiner gets operations and decisions, and time goes on when the watcher dies', () => {
    const c = cluster(3);
    subscriber(c, 2, { steps: 'v' });
    operate(c, 'lock', 3, 2);
    c.restart(1);
    expect(c.hashes('clm')).toHaveLength(1);
    expect(c.host(1).inspect('clm')).toMatchObject({ operations: [{ nodeId: 3, owed: 1 }] });
    c.advance(1_000);
    expect(states(c)).toContain('3 locked');
  });
});
