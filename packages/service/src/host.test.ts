import { describe, expect, test } from '@jest/globals';
import { counterService, createTestCluster } from './testing/index.ts';

const add = (name: string, amount = 1) => ({ name, amount });

describe('three nodes', () => {
  test('a request on one node changes the state of all and is answered where it was asked', () => {
    const cluster = createTestCluster({ nodes: 3, services: [counterService], seed: 7 });
    const client = cluster.client(2, 'counter');
    expect(client.request('add', add('a', 5))).toMatchObject({ rc: 1, value: 5n });
    expect(cluster.client(3, 'counter').request('get', { name: 'a' })).toMatchObject({ value: 5n });
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(cluster.host(1).view?.members.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  });

  test('two halves that both worked come back to one state', () => {
    const cluster = createTestCluster({ nodes: 4, services: [counterService], seed: 3 });
    cluster.split([
      [1, 2],
      [3, 4],
    ]);
    cluster.client(1, 'counter').request('add', add('left'));
    cluster.client(4, 'counter').request('add', add('right'));
    expect(cluster.hashes('counter')).toHaveLength(2);
    cluster.heal();
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(cluster.host(1).inspect('counter')).toHaveLength(2);
  });
});
