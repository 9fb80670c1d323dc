/** Clients through closes, deaths and partitions: what a state knows of them, and what they are told. */
import { describe, expect, test } from '@jest/globals';
import { createTestCluster } from '../testing/index.ts';
import { add, SERVICES } from './counter.fixture.ts';

describe('clients', () => {
  test('are gone from every state once they close, and once their node dies', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    const clients = [1, 2, 3].map((node) => cluster.client(node, 'counter'));
    for (const client of clients) client.request('watch', { name: 'a' });
    clients[0]!.close();
    cluster.run();
    expect(cluster.host(3).inspect('counter')).toMatchObject([{ watchers: 2 }]);
    cluster.kill(2);
    expect(cluster.host(3).inspect('counter')).toMatchObject([{ watchers: 1 }]);
  });

  test('of a new incarnation are not taken for those of the old one', () => {
    const cluster = createTestCluster({ nodes: 2, services: SERVICES });
    const old = cluster.client(2, 'counter');
    old.request('watch', { name: 'a' });
    cluster.restart(2);
    expect(cluster.host(1).view).toMatchObject({ joined: [2], left: [2] });
    expect(cluster.host(1).inspect('counter')).toMatchObject([{ watchers: 0 }]);
    expect(cluster.client(2, 'counter').ref.connection).not.toBe(old.ref.connection);
  });

  test('survive a partition on whichever side they are', () => {
    const cluster = createTestCluster({ nodes: 4, services: SERVICES });
    const watchers = [1, 2, 3, 4].map((node) => cluster.client(node, 'counter'));
    for (const watcher of watchers) watcher.request('watch', { name: 'a' });
    cluster.split([
      [1, 2],
      [3, 4],
    ]);
    cluster.client(3, 'counter').request('add', add('a', 7));
    cluster.heal();
    expect(cluster.host(1).inspect('counter')).toMatchObject([{ watchers: 4 }]);
    for (const watcher of watchers) watcher.take();
    cluster.client(1, 'counter').request('add', add('a'));
    expect(watchers.map((watcher) => watcher.take('changed').length)).toEqual([1, 1, 1, 1]);
  });

  test('who left on one side during a partition do not come back with the other side’s copy', () => {
    const cluster = createTestCluster({ nodes: 2, services: SERVICES });
    const watcher = cluster.client(2, 'counter');
    watcher.request('watch', { name: 'a' });
    cluster.split([[1], [2]], false);
    for (let i = 0; i < 5; i++) cluster.step();
    watcher.close();
    cluster.run();
    cluster.heal();
    expect(cluster.host(1).inspect('counter')).toMatchObject([{ watchers: 0 }]);
  });

  test('whose state was replaced are told so before the new view', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    const watcher = cluster.client(3, 'counter');
    watcher.request('watch', { name: 'a' });
    cluster.split([[1, 2], [3]]);
    cluster.client(1, 'counter').request('add', add('a', 5));
    expect(watcher.callbacks).toEqual([]);
    cluster.heal();
    expect(watcher.take('changed')).toMatchObject([{ payload: { name: 'a', value: 5n } }]);
  });
});
