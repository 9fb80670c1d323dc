import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import type { StatePart } from '@aisexec/service';
import { describe, expect, test } from '@jest/globals';
import { SA_LCK_LOCK_GRANTED, SA_LCK_LOCK_NO_QUEUE, SA_LCK_LOCK_ORPHAN } from '../protocol.ts';
import { checkTable } from './check-table.ts';
import { createHarness, EX, type Harness, PR, transfer, viewOf } from './harness.fixture.ts';
import { lckService } from './index.ts';
import type { LckState } from './state.ts';

const a = { node: 1, connection: 1 };
const b = { node: 2, connection: 1 };
const c = { node: 3, connection: 1 };

function opened(nodes: readonly number[] = [1, 2, 3]) {
  const h = createHarness();
  h.setView(viewOf([1, 2, 3], true));
  for (const client of [a, b, c]) {
    if (nodes.includes(client.node)) h.open(client, 7n, 'r', true);
  }
  return h;
}

function part(state: LckState, members: number[], quorate: boolean): StatePart<LckState> {
  return { state, members, ringId: { rep: members[0] ?? 0, seq: 8 }, quorate };
}

/** The winner `h` merges with the losers; each loser is told what it lost, then the view comes. */
function mergeInto(h: Harness, losers: [Harness, number[]][], members: number[], won: number[]) {
  const before = losers.map(([loser]) => transfer(loser.state));
  const parts = losers.map(([loser, nodes]) => part(transfer(loser.state), nodes, false));
  h.state = lckService.sync.merge([part(transfer(h.state), won, true), ...parts]);
  losers.forEach(([loser], i) => {
    const old = before[i];
    if (old !== undefined) lckService.replaced?.(old, h.state, loser.ctx());
  });
  h.setView(viewOf(members, true, { joined: losers.flatMap(([, nodes]) => nodes) }));
}

describe('a node that leaves', () => {
  test('loses its locks and requests, and what it held is granted to who waits', () => {
    const h = opened();
    const first = h.lock(c, 7n, 1n, EX);
    const second = h.lock(a, 7n, 1n, EX);
    h.lock(c, 7n, 2n, EX, { detect: false });
    h.setView(viewOf([1, 2], true, { left: [3] }));
    expect(h.status(second)).toBe(SA_LCK_LOCK_GRANTED);
    expect(h.token(second)).toBeGreaterThan(h.token(first));
    expect(h.state.lockCount).toBe(1);
    expect(checkTable(h.state)).toEqual([]);
  });

  test('and came back as a new incarnation has nothing left', () => {
    const h = opened();
    h.lock(c, 7n, 1n, EX);
    h.setView(viewOf([1, 2, 3], true, { left: [3], joined: [3] }));
    expect(h.state.lockCount).toBe(0);
    expect(h.state.clients.has('3.1')).toBe(false);
  });

  test('leaves its orphan locks in place', () => {
    const h = opened();
    h.lock(c, 7n, 1n, EX, { flags: SA_LCK_LOCK_ORPHAN });
    const waits = h.lock(a, 7n, 1n, EX);
    h.setView(viewOf([1, 2], true, { left: [3] }));
    expect(h.reply(waits)).toBeUndefined();
    expect(h.state.resources.get('r')?.orphans).toHaveLength(1);
  });
});

describe('without quorum', () => {
  test('a holder whose node is alone is told that', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    h.told();
    h.setView(viewOf([1], false, { left: [2, 3] }));
    const payload = { lockId: 1n, reason: 'node-isolated' };
    expect(h.told()).toEqual([{ client: '1.1', name: 'lockLost', payload }]);
  });

  test('a holder of many locks is told of them in a few callbacks, of each once', () => {
    const h = createHarness();
    h.setView(viewOf([1, 2, 3], true));
    const count = 300;
    for (let i = 1n; i <= count; i++) {
      h.open(a, i, `r${i}`);
      h.lock(a, i, i, EX);
    }
    h.told();
    h.setView(viewOf([1, 2], false, { left: [3] }));
    const told = h.told();
    expect(told).toHaveLength(2);
    const ids = told.flatMap(({ name, payload }) => {
      expect(name).toBe('locksLost');
      return (payload as { lockIds: readonly bigint[] }).lockIds;
    });
    expect(ids).toEqual(Array.from({ length: count }, (_, i) => BigInt(i + 1)));
  });

  test('holders are told once, and nothing is granted until quorum is back', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    h.lock(c, 7n, 1n, EX);
    h.told();
    h.setView(viewOf([1, 2], false, { left: [3] }));
    expect(h.told()).toEqual([
      { client: '1.1', name: 'lockLost', payload: { lockId: 1n, reason: 'quorum-lost' } },
    ]);
    h.setView(viewOf([1, 2], false));
    expect(h.told()).toEqual([]);
    expect(h.rc(h.unlock(a, 1n))).toBe(SA_AIS_OK);
    const waits = h.lock(b, 7n, 1n, EX);
    expect(h.reply(waits)).toBeUndefined();
    expect(h.rc(h.lock(a, 7n, 3n, EX, { flags: SA_LCK_LOCK_NO_QUEUE }))).toBe(SA_AIS_ERR_TRY_AGAIN);
    expect(h.rc(h.send(a, 'purge', { handle: 7n }))).toBe(SA_AIS_ERR_TRY_AGAIN);
    h.setView(viewOf([1, 2, 3], true));
    expect(h.status(waits)).toBe(SA_LCK_LOCK_GRANTED);
  });

  test('a lock that nobody gave up is still held when the same history is quorate again', () => {
    const h = opened();
    h.lock(a, 7n, 1n, EX);
    h.setView(viewOf([1], false));
    h.setView(viewOf([1, 2], true));
    const refused = h.lock(a, 7n, 2n, PR, { flags: SA_LCK_LOCK_NO_QUEUE });
    expect(h.status(refused)).not.toBe(SA_LCK_LOCK_GRANTED);
    expect(h.state.lockCount).toBe(1);
  });
});

describe('a merge', () => {
  /** Nodes 1 and 2 against node 3, which held `r` when they were parted. */
  function parted() {
    const minority = opened();
    const held = minority.lock(c, 7n, 1n, EX);
    const majority = createHarness();
    majority.state = transfer(minority.state);
    for (let i = 0; i < 9; i++) majority.ctx();
    majority.setView(viewOf([1, 2], true, { left: [3] }));
    minority.setView(viewOf([3], false, { left: [1, 2] }));
    return { minority, majority, token: minority.token(held) };
  }

  test('both sides hold the same name: the winner’s lock stays, the loser is told, tokens rise', () => {
    const { minority, majority, token } = parted();
    const regranted = majority.lock(a, 7n, 1n, EX);
    expect(majority.status(regranted)).toBe(SA_LCK_LOCK_GRANTED);
    expect(majority.token(regranted)).toBeGreaterThan(token);
    minority.told();
    mergeInto(majority, [[minority, [3]]], [1, 2, 3], [1, 2]);
    expect(minority.told()).toEqual([
      { client: '3.1', name: 'lockLost', payload: { lockId: 1n, reason: 'merged' } },
    ]);
    expect([...(majority.state.resources.get('r')?.granted.keys() ?? [])]).toEqual(['1.1.1']);
    expect(checkTable(majority.state)).toEqual([]);
  });

  test('handles and waiting requests of the loser go on, behind those of the winner', () => {
    const { minority, majority } = parted();
    majority.lock(a, 7n, 1n, EX);
    const theirs = majority.lock(b, 7n, 1n, EX);
    minority.lock(c, 7n, 5n, EX, { detect: false, waiterSignal: 77n });
    majority.told();
    mergeInto(majority, [[minority, [3]]], [1, 2, 3], [1, 2]);
    const announced = majority.told();
    expect(announced).toContainEqual({
      client: '1.1',
      name: 'waiter',
      payload: { waiterSignal: 77n, lockId: 1n, modeHeld: EX, modeRequested: EX },
    });
    expect(announced).toHaveLength(1);
    expect([...(majority.state.resources.get('r')?.waiting.keys() ?? [])]).toEqual([
      '2.1.1',
      '3.1.5',
    ]);
    majority.unlock(a, 1n);
    expect(majority.status(theirs)).toBe(SA_LCK_LOCK_GRANTED);
    majority.unlock(b, 1n);
    expect([...(majority.state.resources.get('r')?.granted.keys() ?? [])]).toEqual(['3.1.5']);
    expect(majority.rc(majority.close(c, 7n))).toBe(SA_AIS_OK);
  });

  test('a fresh node with the lowest nodeid does not wipe the locks', () => {
    const h = opened([2, 3]);
    h.lock(b, 7n, 1n, EX);
    const waits = h.lock(c, 7n, 1n, EX);
    const fresh = createHarness([1], false);
    mergeInto(h, [[fresh, [1]]], [1, 2, 3], [2, 3]);
    expect(h.state.resources.get('r')?.granted.size).toBe(1);
    expect(h.reply(waits)).toBeUndefined();
    h.unlock(b, 1n);
    expect(h.status(waits)).toBe(SA_LCK_LOCK_GRANTED);
  });

  test('what the winner still believed of the loser’s clients is not true any more', () => {
    // The winner never saw a view without node 3, which unlocked on its own side meanwhile.
    const minority = opened();
    minority.lock(c, 7n, 1n, EX);
    const winner = createHarness();
    winner.state = transfer(minority.state);
    minority.setView(viewOf([3], false, { left: [1, 2] }));
    minority.unlock(c, 1n);
    minority.close(c, 7n);
    mergeInto(winner, [[minority, [3]]], [1, 2, 3], [1, 2]);
    expect(winner.state.lockCount).toBe(0);
    expect(winner.state.clients.has('3.1')).toBe(false);
    expect(checkTable(winner.state)).toEqual([]);
  });

  test('a part that missed all views in between loses its locks though nobody holds them now', () => {
    // Node 3 was cut off and came back before it saw a view of its own: its part is quorate, but old.
    const stale = opened();
    stale.lock(c, 7n, 1n, EX);
    const { majority } = parted();
    majority.lock(a, 7n, 1n, EX);
    majority.unlock(a, 1n);
    const before = transfer(stale.state);
    majority.state = lckService.sync.merge([
      part(transfer(majority.state), [1, 2], true),
      part(transfer(stale.state), [3], true),
    ]);
    stale.told();
    lckService.replaced?.(before, majority.state, stale.ctx());
    expect(stale.told()).toEqual([
      { client: '3.1', name: 'lockLost', payload: { lockId: 1n, reason: 'merged' } },
    ]);
    expect(majority.state.lockCount).toBe(0);
    expect(majority.rc(majority.close(c, 7n))).toBe(SA_AIS_OK);
    expect(checkTable(majority.state)).toEqual([]);
  });
});
