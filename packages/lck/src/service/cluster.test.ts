/** The lock service on real hosts: several nodes, death, partition and merge, decided by seeds. */
import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import {
  checkService,
  createTestCluster,
  type TestClient,
  type TestCluster,
  type WorkloadStep,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import {
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_LOCK_GRANTED,
  SA_LCK_LOCK_NO_QUEUE,
  SA_LCK_LOCK_NOT_QUEUED,
  SA_LCK_LOCK_ORPHAN,
  SA_LCK_LOCK_ORPHANED,
} from '../protocol.ts';
import { lckService } from './index.ts';
import type { LckInspection } from './inspect.ts';

const SEEDS = [1, 2, 3, 4, 5];

function clusterOf(
  nodes: number | readonly number[],
  seed: number,
  expectedVotes?: number,
): TestCluster {
  const count = expectedVotes ?? (typeof nodes === 'number' ? nodes : nodes.length);
  const quorum = { provider: 'votequorum', expectedVotes: count } as const;
  return createTestCluster({ nodes, services: [lckService], seed, quorum });
}

function openedOn(cluster: TestCluster, node: number, name = 'r'): TestClient {
  const client = cluster.client(node, 'lck');
  const reply = client.request('open', { handle: 7n, name, create: true, notify: true });
  expect(reply).toEqual({ rc: SA_AIS_OK });
  return client;
}

const lockOf = (lockId: bigint, flags = 0) => ({
  handle: 7n,
  lockId,
  mode: SA_LCK_EX_LOCK_MODE,
  flags,
  waiterSignal: lockId,
  detect: true,
});

function tableOf(cluster: TestCluster, node: number): LckInspection {
  return cluster.host(node).inspect('lck') as LckInspection;
}

function expectOneTable(cluster: TestCluster): void {
  expect(cluster.hashes('lck')).toHaveLength(1);
  expect(cluster.trace.filter(({ event }) => event === 'service-failed')).toEqual([]);
  expect(cluster.trace.filter(({ event }) => event === 'state-diverged')).toEqual([]);
}

describe.each(SEEDS)('a cluster with seed %i', (seed) => {
  test('clients on three nodes take turns, with rising tokens and one table', () => {
    const cluster = clusterOf(3, seed);
    const [a, b, c] = [1, 2, 3].map((node) => openedOn(cluster, node)) as TestClient[];
    const first = a!.request('lock', lockOf(1n));
    const second = b!.post('lock', lockOf(2n));
    cluster.run();
    const third = c!.post('lock', lockOf(3n));
    cluster.run();
    expect(first?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expect(a!.take('waiter').map(({ payload }) => payload.waiterSignal)).toEqual([2n, 3n]);
    expect(second.reply).toBeUndefined();
    a!.request('unlock', { lockId: 1n });
    expect(second.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    b!.close();
    cluster.run();
    expect(third.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    const tokens = [first, second.reply, third.reply].map((reply) => reply?.['fencingToken']);
    expect(tokens).toEqual([...tokens].sort((x, y) => (x < y ? -1 : 1)));
    expect(new Set(tokens).size).toBe(3);
    expectOneTable(cluster);
  });

  test('the death of the holder’s node grants to who waits', () => {
    const cluster = clusterOf(3, seed);
    const holder = openedOn(cluster, 1);
    const waiter = openedOn(cluster, 3);
    const held = holder.request('lock', lockOf(1n));
    const waits = waiter.post('lock', lockOf(1n));
    cluster.run();
    cluster.kill(1);
    expect(waits.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expect(waits.reply?.['fencingToken']).toBeGreaterThan(held?.['fencingToken']);
    expectOneTable(cluster);
  });

  test('the death of the holder’s node leaves an orphan where that was asked for', () => {
    const cluster = clusterOf(3, seed);
    openedOn(cluster, 1).request('lock', lockOf(1n, SA_LCK_LOCK_ORPHAN));
    const other = openedOn(cluster, 2);
    cluster.kill(1);
    const noticed = other.request('lock', lockOf(1n, SA_LCK_LOCK_ORPHAN));
    expect(noticed?.['lockStatus']).toBe(SA_LCK_LOCK_ORPHANED);
    other.request('purge', { handle: 7n });
    expect(other.request('lock', lockOf(2n))?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expectOneTable(cluster);
  });

  test('without quorum nothing is granted, holders are told, and unlocking works', () => {
    const cluster = clusterOf(3, seed);
    const holder = openedOn(cluster, 3);
    holder.request('lock', lockOf(1n));
    cluster.split([[1, 2], [3]]);
    expect(holder.take('lockLost').map(({ payload }) => payload)).toEqual([
      { lockId: 1n, reason: 'node-isolated' },
    ]);
    expect(holder.request('unlock', { lockId: 1n })).toEqual({ rc: SA_AIS_OK });
    const waits = holder.post('lock', lockOf(2n));
    cluster.run();
    expect(waits.reply).toBeUndefined();
    const now = holder.request('lock', lockOf(3n, SA_LCK_LOCK_NO_QUEUE));
    expect(now).toEqual({ rc: SA_AIS_ERR_TRY_AGAIN });
    cluster.heal();
    expect(waits.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expectOneTable(cluster);
  });

  test('both halves hold the same name when they meet: the quorate one keeps it', () => {
    const cluster = clusterOf(5, seed);
    const minor = openedOn(cluster, 1);
    const major = openedOn(cluster, 5);
    const old = minor.request('lock', lockOf(1n));
    const fresh = major.post('lock', lockOf(1n));
    cluster.split([
      [1, 2],
      [3, 4, 5],
    ]);
    expect(fresh.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expect(fresh.reply?.['fencingToken']).toBeGreaterThan(old?.['fencingToken']);
    const queued = openedOn(cluster, 2).post('lock', lockOf(9n));
    cluster.heal();
    expect(minor.take('lockLost').map(({ payload }) => payload.reason)).toEqual([
      'quorum-lost',
      'merged',
    ]);
    expect(major.take('lockLost')).toEqual([]);
    expect(tableOf(cluster, 1).resources[0]?.granted.map(({ node }) => node)).toEqual([5]);
    expect(queued.reply).toBeUndefined();
    major.request('unlock', { lockId: 1n });
    expect(queued.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expect(minor.request('lock', lockOf(2n, SA_LCK_LOCK_NO_QUEUE))?.['lockStatus']).toBe(
      SA_LCK_LOCK_NOT_QUEUED,
    );
    expectOneTable(cluster);
  });

  test('an empty joiner with the lowest nodeid does not wipe the locks (openais D.1 row 1)', () => {
    const cluster = clusterOf([1, 2, 3], seed);
    cluster.kill(1);
    const holder = openedOn(cluster, 2);
    holder.request('lock', lockOf(1n));
    const waits = openedOn(cluster, 3).post('lock', lockOf(1n));
    cluster.restart(1);
    expect(tableOf(cluster, 1).resources[0]?.granted).toHaveLength(1);
    const refused = openedOn(cluster, 1).request('lock', lockOf(5n, SA_LCK_LOCK_NO_QUEUE));
    expect(refused?.['lockStatus']).toBe(SA_LCK_LOCK_NOT_QUEUED);
    holder.request('unlock', { lockId: 1n });
    expect(waits.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expectOneTable(cluster);
  });

  test('where the operator wants no quorum, one half’s locks survive and the other’s holders are told', () => {
    const cluster = createTestCluster({ nodes: 3, services: [lckService], seed });
    const lone = openedOn(cluster, 1, 'a');
    const rest = openedOn(cluster, 3, 'b');
    cluster.split([[1], [2, 3]]);
    expect(rest.request('lock', lockOf(1n))?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expect(lone.request('lock', lockOf(1n))?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    cluster.heal();
    const told = [...lone.take('lockLost'), ...rest.take('lockLost')];
    expect(told.map(({ payload }) => payload.reason)).toEqual(['merged']);
    expect(tableOf(cluster, 2).locks).toBe(1);
    expectOneTable(cluster);
  });
});

describe('the lock service', () => {
  test.each(SEEDS)('holds what every service must, with seed %i', (seed) => {
    const names = ['a', 'b'];
    const steps: WorkloadStep[] = [];
    const each = (step: (client: number, name: string, handle: bigint) => WorkloadStep[]) => {
      for (const client of [0, 1, 2]) {
        names.forEach((name, i) => {
          steps.push(...step(client, name, BigInt(i + 1)));
        });
      }
    };
    each((client, name, handle) => [
      { client, fn: 'open', argument: { handle, name, create: true, notify: client !== 1 } },
    ]);
    each((client, _name, handle) =>
      [1n, 2n, 3n].map((n) => {
        const lock = { ...lockOf(handle * 10n + n), handle, flags: Number(n) & client };
        return {
          client,
          fn: 'lock',
          argument: { ...lock, mode: n === 2n ? 2 : 1, detect: n === 3n },
        };
      }),
    );
    each((client, _name, handle) => [
      { client, fn: 'unlock', argument: { lockId: handle * 10n + 1n } },
      { client, fn: 'purge', argument: { handle } },
      { client, fn: 'options' },
      { client, fn: 'limits' },
    ]);
    steps.push({ client: 0, close: true }, { client: 1, fn: 'close', argument: { handle: 1n } });
    expect(checkService(lckService, { steps, seed })).toEqual([]);
  });
});
