import { describe, expect, test } from '@jest/globals';
import type { ServiceDefinition } from '../contract.ts';
import {
  type CounterState,
  counterService,
  createTestCluster,
  type TestCluster,
} from '../testing/index.ts';

const SERVICES = [counterService];

/** A cluster of old members with a state, and one watcher on each node. */
function workedCluster(nodes: readonly number[], seed: number): TestCluster {
  const cluster = createTestCluster({ nodes, services: SERVICES, seed });
  for (const node of nodes) {
    const client = cluster.client(node, 'counter');
    client.request('add', { name: 'a', amount: 10 });
    client.request('watch', { name: 'a' });
  }
  return cluster;
}

const inspect = (cluster: TestCluster) => cluster.host(cluster.nodes[0]!).inspect('counter');
const eventsOf = (cluster: TestCluster, event: string) =>
  cluster.trace.filter((one) => one.event === event);

describe('the lock-loss bug of openais', () => {
  test('a fresh node with the lowest id takes nothing away', () => {
    const cluster = workedCluster([2, 3], 1);
    const before = inspect(cluster);
    cluster.restart(1);
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(inspect(cluster)).toEqual(before);
    expect(cluster.host(1).view).toMatchObject({ joined: [1], left: [] });
  });

  test('nor does one that was alone for a while, in a younger ring than the others', () => {
    const cluster = workedCluster([2, 3], 2);
    const before = inspect(cluster);
    cluster.split([[1], [2, 3]]);
    cluster.restart(1);
    for (let i = 0; i < 5; i++) cluster.restart(1);
    expect(cluster.host(1).view?.members).toHaveLength(1);
    cluster.heal();
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(inspect(cluster)).toEqual(before);
    expect(cluster.host(1).view).toMatchObject({ joined: [1] });
  });

  test('on a merge each old ring sends, so both sides’ state arrives', () => {
    const cluster = workedCluster([1, 2, 3, 4], 3);
    cluster.split([
      [1, 4],
      [2, 3],
    ]);
    cluster.client(4, 'counter').request('add', { name: 'left', amount: 1 });
    cluster.client(3, 'counter').request('add', { name: 'right', amount: 2 });
    cluster.heal();
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(inspect(cluster)).toEqual(
      expect.arrayContaining([
        { name: 'a', value: '40', watchers: 4 },
        { name: 'left', value: '1', watchers: 0 },
        { name: 'right', value: '2', watchers: 0 },
      ]),
    );
  });
});

describe('synchronisation cut short', () => {
  const faults: Record<string, (cluster: TestCluster) => void> = {
    'the joiner dies': (cluster) => cluster.kill(1, false),
    'the sender dies': (cluster) => cluster.kill(2, false),
    'the sender comes back as a new incarnation': (cluster) => cluster.restart(2, false),
    'another holder comes back as a new incarnation': (cluster) => cluster.restart(3, false),
    'the joiner is cut off': (cluster) => cluster.split([[1], [2, 3, 4]], false),
    'the holders are torn apart': (cluster) =>
      cluster.split(
        [
          [1, 2],
          [3, 4],
        ],
        false,
      ),
    'everybody is alone': (cluster) => cluster.split([], false),
  };

  test.each(Object.keys(faults))('after any step, %s: nothing is lost', (name) => {
    let cuts = 0;
    for (let quiet = false; !quiet; cuts++) {
      const cluster = workedCluster([2, 3, 4], 11 + cuts);
      cluster.restart(1, false);
      for (let i = 0; i < cuts && !quiet; i++) quiet = !cluster.step();
      faults[name]!(cluster);
      if (cuts % 2 === 0) cluster.run();
      cluster.heal();
      expect(cluster.hashes('counter')).toHaveLength(1);
      const gone = name.startsWith('the sender') || name.startsWith('another') ? 1 : 0;
      expect(inspect(cluster)).toEqual([{ name: 'a', value: '30', watchers: 3 - gone }]);
      expect(eventsOf(cluster, 'state-diverged')).toEqual([]);
      expect(eventsOf(cluster, 'service-failed')).toEqual([]);
    }
    expect(cuts).toBeGreaterThan(50);
  });

  test('an abort leaves the committed state untouched', () => {
    const cluster = workedCluster([1, 2], 5);
    const before = cluster.hashes('counter');
    for (let aborts = 0; aborts < 10; aborts++) {
      cluster.restart(3, false);
      for (let i = 0; i < 10 + 7 * aborts; i++) cluster.step();
      expect(cluster.host(1).stateHash('counter')).toBe(before[0]);
      cluster.kill(3, false);
    }
    cluster.run();
    expect(cluster.hashes('counter')).toEqual(before);
    expect(eventsOf(cluster, 'sync-abort').length).toBeGreaterThan(0);
  });
});

describe('nodes of one ring that saw its end differently', () => {
  test('are told apart, though all name the same ring', () => {
    let torn = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const cluster = workedCluster([1, 2, 3], seed);
      const clients = [1, 2, 3].map((node) => cluster.client(node, 'counter'));
      for (const client of clients) client.post('add', { name: 'late', amount: 1 });
      for (let i = 0; i < seed % 20; i++) cluster.step();
      // Torn apart and together again before anybody finished a synchronisation.
      const views = eventsOf(cluster, 'view').length;
      cluster.split([[1], [2, 3]], false);
      for (let i = 0; i < 4; i++) cluster.step();
      const wasCut = eventsOf(cluster, 'view').length === views;
      cluster.heal();
      const lineages = eventsOf(cluster, 'view').at(-1)?.detail?.['lineages'];
      if (wasCut && lineages === 2) torn++;
      expect(cluster.hashes('counter')).toHaveLength(1);
      expect(eventsOf(cluster, 'state-diverged')).toEqual([]);
    }
    expect(torn).toBeGreaterThan(0);
  });
});

describe('a service that fails at its synchronisation', () => {
  const sync = counterService.sync;
  const failing = (broken: Partial<typeof sync>): ServiceDefinition<CounterState> => ({
    ...counterService,
    id: 61,
    name: 'broken',
    sync: { ...sync, ...broken },
  });

  test('in save: the next survivor sends in its place', () => {
    let saves = 0;
    const broken = failing({
      *save(state, version) {
        if (saves++ === 0) throw new Error('first to save');
        yield* sync.save(state, version);
      },
    });
    const cluster = createTestCluster({ nodes: [2, 3], services: [counterService, broken] });
    cluster.client(3, 'broken').request('add', { name: 'b', amount: 4 });
    cluster.restart(1);
    expect(eventsOf(cluster, 'service-failed')).toMatchObject([{ node: 2 }]);
    expect(cluster.host(1).inspect('broken')).toMatchObject([{ name: 'b', value: '4' }]);
    expect(cluster.host(1).stateHash('broken')).toBe(cluster.host(3).stateHash('broken'));
    expect(cluster.hashes('counter')).toHaveLength(1);
  });

  test('in merge: it stops everywhere, the others go on', () => {
    const broken = failing({
      merge: () => {
        throw new Error('cannot merge');
      },
    });
    const cluster = createTestCluster({ nodes: [1, 2], services: [counterService, broken] });
    cluster.client(1, 'counter').request('add', { name: 'a', amount: 1 });
    const client = cluster.client(2, 'broken');
    cluster.split([[1], [2]]);
    cluster.heal();
    expect(client.closedReason).toMatch(/failed/);
    expect(cluster.host(1).services).toMatchObject([
      { id: 60, name: 'counter', state: 'running' },
      { id: 61, name: 'broken', state: 'failed' },
    ]);
    expect(cluster.client(2, 'counter').request('add', { name: 'a', amount: 1 })).toMatchObject({
      value: 2n,
    });
  });
});

test('a state far larger than the queue is sent in pieces, as there is room', () => {
  const cluster = createTestCluster({ nodes: [2, 3], services: SERVICES, queueMax: 2 });
  const client = cluster.client(2, 'counter');
  for (let i = 0; i < 3000; i++) client.request('add', { name: `counter-${i}`, amount: i });
  let messages = 0;
  cluster.onOrdered(({ group }) => {
    if (group === 'ais-sync') messages++;
  });
  cluster.restart(1);
  expect(cluster.hashes('counter')).toHaveLength(1);
  expect(cluster.host(1).inspect('counter')).toHaveLength(3000);
  expect(messages).toBeGreaterThan(3 + 2);
});

test('nothing is sent when all members come from one history', () => {
  const cluster = workedCluster([1, 2, 3], 4);
  const messages: string[] = [];
  cluster.onOrdered(({ group, source }) => {
    if (group === 'ais-sync') messages.push(`hello of ${source}`);
  });
  cluster.kill(2);
  expect(messages.sort()).toEqual(['hello of 1', 'hello of 3']);
});
