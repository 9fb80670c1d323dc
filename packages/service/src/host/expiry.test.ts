/** Deadlines: met once, by all nodes alike, whoever watches them. */
import { describe, expect, test } from '@jest/globals';
import type { ServiceDefinition } from '../contract.ts';
import { type CounterState, counterService, createTestCluster } from '../testing/index.ts';
import { SERVICES } from './counter.fixture.ts';

describe('deadlines', () => {
  const forNs = 1_000_000_000n;

  test('what is due is dropped on all nodes at once, when the time has come and not before', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    const watcher = cluster.client(3, 'counter');
    watcher.request('watch', { name: 'a', forNs });
    cluster.advance(999);
    expect(watcher.callbacks).toEqual([]);
    cluster.advance(1);
    expect(watcher.take('expired')).toHaveLength(1);
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(cluster.host(2).inspect('counter')).toMatchObject([{ watchers: 0 }]);
  });

  test('are watched by the next coordinator when the first is lost', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    const watcher = cluster.client(3, 'counter');
    watcher.request('watch', { name: 'a', forNs });
    cluster.advance(500);
    cluster.kill(1);
    cluster.kill(2);
    cluster.advance(499);
    expect(watcher.callbacks).toEqual([]);
    cluster.advance(1);
    expect(watcher.take('expired')).toHaveLength(1);
  });

  test('are met though the coordinator dies with the intent on its way', () => {
    const intents = new Set<boolean>();
    for (let steps = 1; steps < 12; steps++) {
      const cluster = createTestCluster({ nodes: 2, services: SERVICES, seed: steps });
      const watcher = cluster.client(2, 'counter');
      watcher.request('watch', { name: 'a', forNs });
      let ordered = 0;
      cluster.onOrdered(() => ordered++);
      cluster.advance(1000, false);
      for (let i = 0; i < steps; i++) cluster.step();
      intents.add(ordered > 0);
      cluster.kill(1);
      expect(watcher.take('expired')).toHaveLength(1);
    }
    expect(intents).toEqual(new Set([false, true]));
  });

  test('close together each bring an expiry of their own', () => {
    const cluster = createTestCluster({ nodes: 1, services: SERVICES });
    const watchers = [1n, 2n, 3n].map((ms) => {
      const watcher = cluster.client(1, 'counter');
      watcher.request('watch', { name: 'a', forNs: ms * 10_000_000n });
      return watcher;
    });
    cluster.advance(20);
    expect(watchers.map((watcher) => watcher.take('expired').length)).toEqual([1, 1, 0]);
  });

  test('of a service that does not heed them bring an expiry a second, no storm', () => {
    let expiries = 0;
    const deaf: ServiceDefinition<CounterState> = { ...counterService, expire: () => expiries++ };
    const cluster = createTestCluster({ nodes: 1, services: [deaf] });
    cluster.client(1, 'counter').request('watch', { name: 'a', forNs });
    cluster.advance(10_000);
    expect(expiries).toBeGreaterThan(5);
    expect(expiries).toBeLessThan(12);
  });
});
