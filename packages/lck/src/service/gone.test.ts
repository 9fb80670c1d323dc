/** A client that held much and is gone: its end takes several places of the order, and nothing of it acts meanwhile. */
import { createTestCluster, type TestClient, type TestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { SA_LCK_EX_LOCK_MODE, SA_LCK_LOCK_GRANTED, SA_LCK_LOCK_ORPHAN } from '../protocol.ts';
import { lckService } from './index.ts';
import type { LckInspection } from './inspect.ts';
import { GONE_STEP_ENTRIES_MAX } from './limits.ts';

const HANDLES = 3 * GONE_STEP_ENTRIES_MAX;
const SEEDS = [1, 2, 3];
const old = { ...lckService, version: 1 };

function clusterOf(seed: number, services = (_node: number) => [lckService]): TestCluster {
  return createTestCluster({ nodes: 3, services, seed, queueMax: 10_000 });
}

function open(client: TestClient, handle: number, name: string): void {
  client.post('open', { handle: BigInt(handle), name, create: true, notify: false });
}

function lock(client: TestClient, handle: number, id: number, flags = 0) {
  const detect = false;
  const mode = SA_LCK_EX_LOCK_MODE;
  const request = { handle: BigInt(handle), lockId: BigInt(id), mode, flags, waiterSignal: 0n };
  return client.post('lock', { ...request, detect });
}

/**
 * `greedy` on node 1 holds `h0`, `h1`, … and waits, to be orphaned, for `wanted`, which `holder` on node 2 has and
 * gives up only while `greedy` is on its way out; `next` waits for the last of `greedy`'s.
 */
function stage(cluster: TestCluster) {
  const [greedy, holder, next] = [1, 2, 3].map((node) => cluster.client(node, 'lck')) as [
    TestClient,
    TestClient,
    TestClient,
  ];
  open(holder, 1, 'wanted');
  lock(holder, 1, 1);
  cluster.run();
  open(greedy, 999_999, 'wanted');
  lock(greedy, 999_999, 999_999, SA_LCK_LOCK_ORPHAN);
  for (let i = 0; i < HANDLES; i++) {
    open(greedy, i, `h${i}`);
    lock(greedy, i, i);
    if (i % 50 === 0) cluster.run();
  }
  cluster.run();
  open(next, 1, `h${HANDLES - 1}`);
  const waiting = lock(next, 1, 1);
  cluster.run();
  expect(waiting.reply).toBeUndefined();
  return { greedy, holder, waiting };
}

function tableOf(cluster: TestCluster, node: number): LckInspection {
  return cluster.host(node).inspect('lck') as LckInspection;
}

function expectAllGone(cluster: TestCluster): void {
  expect(cluster.hashes('lck')).toHaveLength(1);
  for (const node of [2, 3]) {
    const { resources } = tableOf(cluster, node);
    expect(resources.map(({ name }) => name)).toEqual(['wanted', `h${HANDLES - 1}`]);
    expect(resources[0]).toMatchObject({ granted: [], orphans: [], waiting: [] });
  }
  expect(cluster.trace.filter(({ event }) => event === 'service-failed')).toEqual([]);
}

describe.each(SEEDS)('a client with many locks that is gone (seed %i)', (seed) => {
  test('is cleared step by step; what it waited for it is never given', () => {
    const cluster = clusterOf(seed);
    const { greedy, holder, waiting } = stage(cluster);
    greedy.close();
    const before = tableOf(cluster, 2).resources.length;
    const steps = new Set<number>();
    while (tableOf(cluster, 2).resources.length === before && cluster.step());
    // Between its steps the lock it waited for becomes free.
    holder.post('unlock', { lockId: 1n });
    do {
      const { resources } = tableOf(cluster, 2);
      steps.add(resources.length);
      expect(resources.find(({ name }) => name === 'wanted')).toMatchObject({ orphans: [] });
    } while (cluster.step());
    expect(steps.size).toBeGreaterThanOrEqual(3);
    expect(waiting.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
    expectAllGone(cluster);
  });

  test('is cleared wholly when its node dies, or is cut off and comes back, in the middle', () => {
    for (const how of ['dies', 'is cut off'] as const) {
      const cluster = clusterOf(seed);
      const { greedy, holder } = stage(cluster);
      greedy.close();
      const before = tableOf(cluster, 2).resources.length;
      while (tableOf(cluster, 2).resources.length === before && cluster.step());
      // Not before: given to `greedy` while it was there, it would rightly be its orphan.
      holder.post('unlock', { lockId: 1n });
      if (how === 'dies') cluster.kill(1);
      else {
        cluster.split([[1], [2, 3]]);
        cluster.heal();
      }
      expectAllGone(cluster);
    }
  });

  test('is cleared at once among nodes of which one does not know steps', () => {
    const cluster = clusterOf(seed, (node) => [node === 2 ? old : lckService]);
    const { greedy, holder } = stage(cluster);
    const before = tableOf(cluster, 2).resources.length;
    greedy.close();
    while (tableOf(cluster, 2).resources.length === before && cluster.step());
    expect(tableOf(cluster, 2).resources).toHaveLength(2);
    holder.post('unlock', { lockId: 1n });
    cluster.run();
    expectAllGone(cluster);
  });

  test('is cleared on the others when its own node gives the service up in the middle', () => {
    const cluster = clusterOf(seed);
    const { greedy, holder } = stage(cluster);
    greedy.close();
    const before = tableOf(cluster, 2).resources.length;
    while (tableOf(cluster, 2).resources.length === before && cluster.step());
    // Not before: given to `greedy` while it was there, it would rightly be its orphan.
    holder.post('unlock', { lockId: 1n });
    expect(cluster.host(1).unload('lck')).toBeUndefined();
    cluster.run();
    for (const node of [2, 3]) {
      expect(tableOf(cluster, node).resources.map(({ name }) => name)).toEqual([
        'wanted',
        `h${HANDLES - 1}`,
      ]);
    }
  });
});
