/** The host on clusters in this process: requests are answered in one order, and wait while there is no view. */
import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { add, SERVICES } from './host/counter.fixture.ts';
import { REQUESTS_IN_FLIGHT_MAX } from './limits.ts';
import { createTestCluster } from './testing/index.ts';

describe('three nodes', () => {
  test('a request on one node changes the state of all and is answered where it was asked', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES, seed: 7 });
    const client = cluster.client(2, 'counter');
    expect(client.request('add', add('a', 5))).toMatchObject({ rc: SA_AIS_OK, value: 5n });
    expect(cluster.client(3, 'counter').request('get', { name: 'a' })).toMatchObject({ value: 5n });
    expect(cluster.hashes('counter')).toHaveLength(1);
    expect(cluster.host(1).view?.members.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  });

  test('callbacks reach the clients of every node, and only those who asked', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    const watcher = cluster.client(3, 'counter');
    const other = cluster.client(3, 'counter');
    watcher.request('watch', { name: 'a' });
    cluster.client(1, 'counter').request('add', add('a', 2));
    expect(watcher.take('changed')).toMatchObject([{ payload: { name: 'a', value: 2n } }]);
    expect(other.callbacks).toEqual([]);
  });

  test('the order rises with every event, over view changes, merges and restarts', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES });
    let last = 0n;
    const expectHigher = (node: number) => {
      const order = cluster.client(node, 'counter').request('add', add('a'))?.['order'] as bigint;
      expect(order).toBeGreaterThan(last);
      last = order;
    };
    expectHigher(1);
    expectHigher(1);
    cluster.kill(1);
    expectHigher(2);
    cluster.restart(1);
    expectHigher(1);
    cluster.split([[1], [2, 3]]);
    expectHigher(3);
    cluster.heal();
    expectHigher(2);
    for (const node of [1, 2, 3]) cluster.kill(node, false);
    for (const node of [1, 2, 3]) cluster.restart(node, false);
    cluster.run();
    expectHigher(3);
  });
});

describe('a request', () => {
  const cluster = createTestCluster({ nodes: 1, services: SERVICES });
  const client = cluster.client(1, 'counter');

  test.each([
    ['an unknown function', 'subtract', add('a'), SA_AIS_ERR_BAD_OPERATION],
    ['a name from the prototype', 'constructor', add('a'), SA_AIS_ERR_BAD_OPERATION],
    ['no argument', 'add', undefined, SA_AIS_ERR_INVALID_PARAM],
    ['a wrong argument', 'add', { name: 'a', amount: -1 }, SA_AIS_ERR_INVALID_PARAM],
  ])('with %s is refused and ordered nowhere', (_what, fn, argument, rc) => {
    const { messagesApplied } = cluster.host(1).stats();
    expect(client.request(fn, argument)).toEqual({ rc });
    expect(cluster.host(1).stats()['messagesApplied']).toBe(messagesApplied);
  });

  test('to no service finds no host', () => {
    const sink = { reply: () => {}, callback: () => {}, closed: () => {} };
    expect(cluster.host(1).connect('nothing', 0, sink)).toBeUndefined();
  });

  test('of a client that is gone does nothing', () => {
    const gone = cluster.client(1, 'counter');
    gone.close();
    gone.close();
    expect(gone.request('add', add('a'))).toBeUndefined();
  });
});

describe('while the cluster is synchronising', () => {
  test('ordered requests wait and local ones are answered, each client in its own order', () => {
    const cluster = createTestCluster({ nodes: 2, services: SERVICES });
    const first = cluster.client(1, 'counter');
    const second = cluster.client(1, 'counter');
    first.request('add', add('a', 1));
    cluster.restart(2, false);
    cluster.step();
    while (cluster.host(1).view !== undefined) cluster.step();
    const ordered = first.post('add', add('a', 1));
    const behind = first.post('get', { name: 'a' });
    const beside = second.post('get', { name: 'a' });
    expect(beside.reply).toMatchObject({ value: 1n });
    expect([ordered.reply, behind.reply]).toEqual([undefined, undefined]);
    cluster.run();
    expect(ordered.reply).toMatchObject({ value: 2n });
    expect(behind.reply).toMatchObject({ rc: SA_AIS_OK });
  });

  test('a client may have so many requests waiting and is told to try again beyond', () => {
    const cluster = createTestCluster({ nodes: 1, services: SERVICES, settle: false });
    const client = cluster.client(1, 'counter');
    const posts = Array.from({ length: REQUESTS_IN_FLIGHT_MAX + 1 }, () =>
      client.post('add', add('a')),
    );
    const last = posts.pop();
    expect(last?.reply).toEqual({ rc: SA_AIS_ERR_TRY_AGAIN });
    cluster.run();
    expect(posts.map(({ reply }) => reply?.['value'])).toEqual(posts.map((_, i) => BigInt(i + 1)));
  });

  test('a client that goes meanwhile leaves nothing behind', () => {
    const cluster = createTestCluster({ nodes: 2, services: SERVICES });
    const client = cluster.client(1, 'counter');
    client.request('watch', { name: 'a' });
    cluster.restart(2, false);
    while (cluster.host(1).view !== undefined) cluster.step();
    client.post('add', add('b'));
    client.close();
    cluster.run();
    expect(cluster.host(2).inspect('counter')).toEqual([{ name: 'a', value: '0', watchers: 0 }]);
  });
});

describe('a full queue', () => {
  test('delays requests of all clients in turn, loses none and keeps their order', () => {
    const cluster = createTestCluster({ nodes: 3, services: SERVICES, queueMax: 2 });
    const clients = [1, 1, 2].map((node) => cluster.client(node, 'counter'));
    const posts = clients.map((client, which) =>
      Array.from({ length: 100 }, () => client.post('add', add(`c${which}`))),
    );
    cluster.run();
    for (const list of posts) {
      expect(list.map(({ reply }) => reply?.['value'])).toEqual(list.map((_, i) => BigInt(i + 1)));
    }
    expect(cluster.host(1).stats()).toMatchObject({ outbox: 0, requestsRefused: 0 });
  });
});
