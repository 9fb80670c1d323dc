import { SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { ServiceDefinition } from '../contract.ts';
import { type CounterState, counterService, createTestCluster } from '../testing/index.ts';
import { add } from './counter.fixture.ts';

/** A service that is always there, beside the one that comes and goes. */
const resident = { ...counterService, id: 10, name: 'resident' };

function clusterOf(nodes: number) {
  return createTestCluster({ nodes, services: [resident], seed: 3 });
}

function stateOf(cluster: ReturnType<typeof clusterOf>, node: number, name = 'counter') {
  return cluster.host(node).services.find((service) => service.name === name)?.state;
}

describe('a service that is loaded while the cluster runs', () => {
  test('starts empty on the first node and is handed over to the next', () => {
    const cluster = clusterOf(3);
    expect(cluster.host(2).load(counterService)).toBeUndefined();
    expect(stateOf(cluster, 2)).toBe('joining');
    cluster.run();
    expect(stateOf(cluster, 2)).toBe('running');
    const client = cluster.client(2, 'counter');
    expect(client.request('add', add('x', 3))).toMatchObject({ rc: SA_AIS_OK, value: 3n });
    for (const node of [1, 3]) cluster.host(node).load(counterService);
    cluster.run();
    expect(cluster.host(1).services.at(-1)).toMatchObject({ state: 'running', nodes: [1, 2, 3] });
    expect(cluster.hashes('counter')).toHaveLength(1);
    const other = cluster.client(3, 'counter');
    expect(other.request('add', add('x', 4))).toMatchObject({ value: 7n });
    expect(cluster.hashes('counter')).toHaveLength(1);
  });

  test('applies to the state it gets what was ordered while that was on its way', () => {
    const cluster = clusterOf(3);
    cluster.host(1).load(counterService);
    cluster.run();
    const client = cluster.client(1, 'counter');
    const long = 'n'.repeat(60);
    for (let i = 0; i < 3000; i++) client.post('add', add(`${long}${i}`, i));
    for (let i = 0; i < 40; i++) {
      client.request('add', add(`${long}-${i}`, i));
    }
    cluster.host(3).load(counterService);
    let applied = 0;
    for (let i = 0; stateOf(cluster, 3) === 'joining'; i++) {
      client.post('add', add('busy', 1));
      applied++;
      for (let steps = 0; steps < 3; steps++) cluster.step();
      expect(i).toBeLessThan(100_000);
    }
    expect(applied).toBeGreaterThan(3);
    cluster.run();
    expect(cluster.host(3).stateHash('counter')).toBe(cluster.host(1).stateHash('counter'));
    expect(cluster.host(3).stateHash('counter')).not.toBe('');
  });

  test('is given its state by the next holder when the sender unloads in the middle', () => {
    const cluster = clusterOf(3);
    for (const node of [1, 2]) cluster.host(node).load(counterService);
    cluster.run();
    const client = cluster.client(2, 'counter');
    for (let i = 0; i < 50; i++) client.request('add', add(`counter ${i}`, i));
    cluster.host(3).load(counterService);
    cluster.host(1).unload('counter');
    cluster.run();
    expect(cluster.host(3).services.at(-1)).toMatchObject({ state: 'running', nodes: [2, 3] });
    expect(cluster.host(3).stateHash('counter')).toBe(cluster.host(2).stateHash('counter'));
  });

  test('survives every change of membership during the handover', () => {
    for (let steps = 0; steps < 60; steps += 3) {
      const cluster = clusterOf(4);
      for (const node of [1, 2]) cluster.host(node).load(counterService);
      cluster.run();
      const client = cluster.client(2, 'counter');
      for (let i = 0; i < 20; i++) client.request('add', add(`counter ${i}`, i));
      cluster.host(4).load(counterService);
      for (let i = 0; i < steps; i++) cluster.step();
      cluster.kill(1);
      expect(stateOf(cluster, 4)).toBe('running');
      expect(cluster.host(4).stateHash('counter')).toBe(cluster.host(2).stateHash('counter'));
      expect(cluster.trace.some(({ event }) => event === 'state-diverged')).toBe(false);
    }
  });

  test('may be loaded on both sides of a partition: its merge makes one state of two', () => {
    const cluster = clusterOf(4);
    cluster.split([
      [1, 2],
      [3, 4],
    ]);
    for (const node of [1, 2, 3, 4]) cluster.host(node).load(counterService);
    cluster.run();
    cluster.client(1, 'counter').request('add', add('left', 1));
    cluster.client(4, 'counter').request('add', add('right', 1));
    cluster.heal();
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(cluster.host(1).services.at(-1)).toMatchObject({ nodes: [1, 2, 3, 4] });
  });

  test('loaded while synchronisation runs, it starts after it', () => {
    const cluster = createTestCluster({ nodes: 3, services: [resident], settle: false });
    expect(cluster.host(1).load(counterService)).toBeUndefined();
    expect(stateOf(cluster, 1)).toBe('joining');
    cluster.run();
    expect(stateOf(cluster, 1)).toBe('running');
  });

  test('is refused with the reason when its id or name is taken, here or on another node', () => {
    const cluster = clusterOf(2);
    const { host } = cluster;
    expect(host(1).load({ ...counterService, id: 10 })).toMatch(/id 10 is taken by .*resident/);
    expect(host(1).load({ ...counterService, name: 'resident' })).toMatch(/name .* is taken/);
    expect(host(1).load({ ...counterService, id: 64 })).toMatch(/from 1 to 63/);
    expect(host(1).load({ name: 'x' })).toMatch(/id undefined/);
    expect(host(1).load(null)).toMatch(/defineService/);
    host(1).load(counterService);
    cluster.run();
    const stranger = { ...counterService, name: 'stranger' };
    expect(host(2).load(stranger)).toMatch(/taken by 'counter' on nodes 1/);
  });

  test('of two strangers with one id that load at once, the second fails and says why', () => {
    const cluster = clusterOf(2);
    cluster.host(1).load(counterService);
    cluster.host(2).load({ ...counterService, name: 'stranger' });
    cluster.run();
    const states = [stateOf(cluster, 1), stateOf(cluster, 2, 'stranger')].sort();
    expect(states).toEqual(['failed', 'running']);
    const { reason } = [...cluster.host(1).services, ...cluster.host(2).services].find(
      ({ state }) => state === 'failed',
    )!;
    expect(reason).toMatch(/id 60 is taken/);
  });

  test('of two strangers with one id that meet, the one of the losing history fails', () => {
    const cluster = clusterOf(2);
    cluster.split([[1], [2]]);
    cluster.host(1).load(counterService);
    cluster.host(2).load({ ...counterService, name: 'stranger' });
    cluster.heal();
    const states = [stateOf(cluster, 1), stateOf(cluster, 2, 'stranger')].sort();
    expect(states).toEqual(['failed', 'running']);
  });

  test('a throwing init is refused and nothing is left behind', () => {
    const cluster = clusterOf(1);
    const init = () => {
      throw new Error('no luck');
    };
    expect(cluster.host(1).load({ ...counterService, init })).toBe('init: no luck');
    expect(cluster.host(1).load(counterService)).toBeUndefined();
    cluster.run();
    expect(stateOf(cluster, 1)).toBe('running');
  });
});

describe('a service that is unloaded', () => {
  test('has its clients closed and forgotten by the nodes that go on', () => {
    const cluster = clusterOf(2);
    for (const node of [1, 2]) cluster.host(node).load(counterService);
    cluster.run();
    const client = cluster.client(1, 'counter');
    client.request('watch', { name: 'a' });
    expect(cluster.host(1).unload('counter')).toBeUndefined();
    cluster.run();
    expect(client.closedReason).toBe('service counter was unloaded');
    expect(cluster.host(1).connect('counter', 0, {} as never)).toBeUndefined();
    expect(JSON.stringify(cluster.host(2).inspect('counter'))).not.toMatch(/"node":1/);
    expect(cluster.host(2).services.at(-1)).toMatchObject({ nodes: [2] });
    expect(cluster.host(1).unload('counter')).toMatch(/no service 'counter'/);
  });

  test('tells its clients with exit before they are closed', () => {
    const cluster = clusterOf(1);
    cluster.host(1).load({
      ...counterService,
      exit: (state: CounterState, ctx: Parameters<NonNullable<typeof counterService.exit>>[1]) => {
        for (const { watchers } of state.counters.values()) {
          for (const { client } of watchers) ctx.callback(client, 'bye', {});
        }
      },
    });
    cluster.run();
    const client = cluster.client(1, 'counter');
    client.request('watch', { name: 'a' });
    cluster.host(1).unload('counter');
    expect(client.take('bye')).toHaveLength(1);
  });

  test('may object to the leave of its node; one that breaks at the question is stopped', () => {
    const cluster = clusterOf(1);
    const mayLeave = ({ counters }: CounterState) =>
      counters.size > 0 ? `${counters.size} counters are in use` : undefined;
    const broken = () => {
      throw new Error('no idea');
    };
    cluster.host(1).load({ ...counterService, mayLeave });
    cluster.host(1).load({ ...counterService, id: 41, name: 'broken', mayLeave: broken });
    cluster.run();
    expect(cluster.host(1).askLeave()).toEqual([]);
    expect(stateOf(cluster, 1, 'broken')).toBe('failed');
    cluster.client(1, 'counter').request('add', add('x', 1));
    expect(cluster.host(1).askLeave()).toEqual([
      { service: 'counter', reason: '1 counters are in use' },
    ]);
    expect(cluster.host(1).load({ ...counterService, id: 42, name: 'odd', mayLeave: 7 })).toMatch(
      /mayLeave/,
    );
  });

  test('during a synchronisation leaves nobody waiting for its state', () => {
    for (let steps = 0; steps < 40; steps++) {
      const cluster = clusterOf(3);
      for (const node of [1, 2]) cluster.host(node).load(counterService);
      cluster.run();
      cluster.client(2, 'counter').request('add', add('x', 1));
      cluster.restart(3, false);
      for (let i = 0; i < steps; i++) cluster.step();
      cluster.host(3).load(counterService);
      cluster.host(1).unload('counter');
      cluster.run();
      expect(cluster.hashes('counter').filter((hash) => hash !== '')).toHaveLength(1);
      expect(cluster.host(2).services.at(-1)).toMatchObject({ nodes: [2, 3] });
    }
  });
});

describe('a service that is reloaded', () => {
  const doubled = {
    ...counterService,
    exec: {
      ...counterService.exec,
      add: {
        ...counterService.exec['add']!,
        apply: (
          ...[state, message, source, ctx]: Parameters<
            ServiceDefinition<CounterState>['exec'][string]['apply']
          >
        ) =>
          counterService.exec['add']!.apply(
            state,
            { ...message, amount: message.amount * 2 },
            source,
            ctx,
          ),
      },
    },
  };

  test('keeps its state and its clients', () => {
    const cluster = clusterOf(1);
    cluster.host(1).load(counterService);
    cluster.run();
    const client = cluster.client(1, 'counter');
    client.request('add', add('x', 1));
    const hash = cluster.host(1).stateHash('counter');
    expect(cluster.host(1).reload(doubled)).toBeUndefined();
    expect(cluster.host(1).stateHash('counter')).toBe(hash);
    expect(client.request('add', add('x', 5))).toMatchObject({ value: 11n });
    expect(client.closedReason).toBeUndefined();
  });

  test('goes on with the old code when the new one does not take the state', () => {
    const cluster = clusterOf(1);
    cluster.host(1).load(counterService);
    cluster.run();
    const client = cluster.client(1, 'counter');
    client.request('add', add('x', 1));
    const load = () => {
      throw new Error('what is this');
    };
    const sync = { ...counterService.sync, load };
    expect(cluster.host(1).reload({ ...counterService, sync })).toMatch(/what is this/);
    expect(client.request('add', add('x', 1))).toMatchObject({ value: 2n });
  });

  test('comes back after a failure, with the state of the other nodes', () => {
    const cluster = clusterOf(2);
    let throws = true;
    const fragile = {
      ...counterService,
      inspect: (state: CounterState) => {
        if (throws) throw new Error('fragile');
        return counterService.inspect(state);
      },
    };
    cluster.host(1).load(fragile);
    cluster.host(2).load(counterService);
    cluster.run();
    const client = cluster.client(1, 'counter');
    client.request('add', add('x', 8));
    const open = client.post('watch', { name: 'never answered' });
    cluster.host(1).inspect('counter');
    cluster.run();
    expect(client.closedReason).toMatch(/failed/);
    expect(open.reply).toBeUndefined();
    expect(cluster.host(1).services.at(-1)).toMatchObject({
      state: 'failed',
      reason: 'inspect: fragile',
      nodes: [2],
    });
    throws = false;
    expect(cluster.host(1).reload(fragile)).toBeUndefined();
    cluster.run();
    expect(cluster.host(1).stateHash('counter')).toBe(cluster.host(2).stateHash('counter'));
  });
});

test('deadlines are watched by the lowest node that runs the service', () => {
  const cluster = clusterOf(3);
  cluster.host(3).load(counterService);
  cluster.run();
  const client = cluster.client(3, 'counter');
  client.request('watch', { name: 'a', forNs: 5_000_000n });
  cluster.advance(20);
  expect(client.take('expired')).toHaveLength(1);
});
