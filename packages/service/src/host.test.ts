import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { encode } from './codec.ts';
import { defineService, libHandler, type ServiceDefinition, type Source } from './contract.ts';
import { AIS_GROUP } from './host/envelope.ts';
import { InvariantError } from './invariant.ts';
import { REQUESTS_IN_FLIGHT_MAX } from './limits.ts';
import { s } from './schema.ts';
import { type CounterState, counterService, createTestCluster } from './testing/index.ts';

const SERVICES = [counterService];
const add = (name: string, amount = 1) => ({ name, amount });

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

interface Odd {
  readonly seen: Source[];
}
const oddService = defineService<Odd>({
  id: 9,
  name: 'odd',
  versions: [],
  init: () => ({ seen: [] }),
  lib: {
    local: libHandler({
      request: s.nothing,
      flow: 'local',
      handle: () => {
        throw new Error('in a library handler');
      },
    }),
    ordered: libHandler({
      request: s.object({ data: s.bytes(2_000_000) }),
      flow: 'ordered',
      handle: (_state: Odd, { data }, ctx) => {
        ctx.multicast('see', { data });
        return undefined;
      },
    }),
    wrong: libHandler({
      request: s.nothing,
      flow: 'ordered',
      handle: (_state: Odd, _request, ctx) => {
        ctx.multicast('see', { data: 'no bytes' });
        return undefined;
      },
    }),
    count: libHandler({
      request: s.nothing,
      flow: 'local',
      handle: (state: Odd) => ({ rc: SA_AIS_OK, count: state.seen.length }),
    }),
    id: libHandler({
      request: s.nothing,
      flow: 'local',
      handle: (_state: Odd, _request, ctx) => ({ rc: SA_AIS_OK, id: ctx.uniqueId() }),
    }),
  },
  exec: {
    see: {
      message: s.object({ data: s.bytes(2_000_000) }),
      apply: (state, { data }: { data: Uint8Array }, source, ctx) => {
        if (data.length === 666) throw new Error('in an exec handler');
        ctx.reply(source, { rc: SA_AIS_OK });
        ctx.reply(source, { rc: SA_AIS_OK });
        state.seen.push(source);
      },
    },
  },
  sync: {
    chunk: s.object({ node: s.u32, connection: s.u32, request: s.count }),
    save: (state) => state.seen,
    load: (state, chunk: Source) => state.seen.push(chunk),
    merge: ([first]) => first!.state,
  },
  inspect: (state) => state.seen.length,
});

describe('a service that throws', () => {
  const both = [counterService, oddService];

  test.each([
    ['in a library handler', 'local', undefined, 1],
    ['in an exec handler', 'ordered', { data: new Uint8Array(666) }, 2],
    ['by a message that does not fit', 'wrong', undefined, 1],
  ])('%s has its clients closed; the other services go on', (_where, fn, argument, failures) => {
    const cluster = createTestCluster({ nodes: 2, services: both });
    const client = cluster.client(1, 'odd');
    const bystander = cluster.client(1, 'odd');
    expect(client.request(fn, argument)).toBeUndefined();
    expect([client.closedReason, bystander.closedReason]).toEqual(
      Array(2).fill('service odd failed'),
    );
    const failed = cluster.trace.filter(({ event }) => event === 'service-failed');
    expect(failed).toHaveLength(failures);
    expect(cluster.host(1).services[1]).toMatchObject({ id: 9, name: 'odd', state: 'failed' });
    expect([cluster.host(1).stateHash('odd'), cluster.host(1).inspect('odd')]).toEqual(['', null]);
    const sink = { reply: () => {}, callback: () => {}, closed: () => {} };
    expect(cluster.host(1).connect('odd', 0, sink)).toBeUndefined();
    expect(cluster.client(1, 'counter').request('add', add('a'))).toMatchObject({ value: 1n });
    cluster.restart(2);
    expect(cluster.hashes('counter')).toHaveLength(1);
  });

  test('on one node leaves the others’ replicas alone, and is not sent to by them', () => {
    const cluster = createTestCluster({ nodes: 2, services: both });
    cluster.client(1, 'odd').request('local');
    expect(cluster.client(2, 'odd').request('ordered', { data: new Uint8Array(3) })).toEqual({
      rc: SA_AIS_OK,
    });
    cluster.restart(3);
    expect(cluster.host(3).stateHash('odd')).toBe(cluster.host(2).stateHash('odd'));
  });
});

describe('the border', () => {
  test('a message too large for the ring is refused and nothing is sent', () => {
    const cluster = createTestCluster({ nodes: 1, services: [oddService] });
    const client = cluster.client(1, 'odd');
    expect(client.request('ordered', { data: new Uint8Array(1_048_000) })).toEqual({
      rc: SA_AIS_OK,
    });
    expect(client.request('ordered', { data: new Uint8Array(1_048_576) })).toEqual({
      rc: SA_AIS_ERR_TOO_BIG,
    });
  });

  test('a reply leaves once, even when a service repeats it', () => {
    const cluster = createTestCluster({ nodes: 1, services: [oddService] });
    const replies: number[] = [];
    const host = cluster.host(1);
    const ref = host.connect('odd', 0, {
      reply: (request) => replies.push(request),
      callback: () => {},
      closed: () => {},
    })!;
    host.request(ref, 5, 'ordered', { data: new Uint8Array(1) });
    cluster.run();
    expect(replies).toEqual([5]);
  });

  test('a client that asks again from within its reply finds the state at rest', () => {
    const cluster = createTestCluster({ nodes: 1, services: [oddService] });
    const host = cluster.host(1);
    const counts: unknown[] = [];
    const ref = host.connect('odd', 0, {
      reply: (request, reply) => {
        counts.push(reply['count']);
        if (request < 3) host.request(ref!, request + 1, 'count', undefined);
      },
      callback: () => {},
      closed: () => {},
    });
    host.request(ref!, 1, 'ordered', { data: new Uint8Array(1) });
    cluster.run();
    expect(counts).toEqual([undefined, 1, 1]);
  });

  test('ids are unique in the cluster and carry their node', () => {
    const cluster = createTestCluster({ nodes: 2, services: [oddService] });
    const ids = [1, 1, 2, 2].map((node) => cluster.client(node, 'odd').request('id')?.['id']);
    expect(new Set(ids).size).toBe(4);
    expect(ids.map((id: bigint) => id >> 32n)).toEqual([1n, 1n, 2n, 2n]);
  });

  test('two services of one id, or a node that is not the ring’s, are refused at once', () => {
    const twice = [counterService, { ...counterService, name: 'again' }];
    expect(() => createTestCluster({ nodes: 1, services: twice })).toThrow(InvariantError);
    const outside = [{ ...counterService, id: 64 }];
    expect(() => createTestCluster({ nodes: 1, services: outside })).toThrow(InvariantError);
  });

  test.each([
    ['no msgpack', Uint8Array.of(0xc1, 1, 2)],
    ['another version', encode([2, 1, 0n, 60, 1, 'add', 1, add('a')])],
    ['an unknown handler', encode([1, 1, 0n, 60, 1, 'toString', 1, add('a')])],
    ['a payload that does not fit', encode([1, 1, 0n, 60, 1, 'add', 1, { name: 1 }])],
    ['an unknown service', encode([1, 1, 0n, 61, 1, 'add', 1, add('a')])],
    ['a client nobody knows', encode([1, 2, 0n, 60, 77])],
  ])('an ordered message with %s is ignored on all nodes alike', (_what, bytes) => {
    const cluster = createTestCluster({ nodes: 2, services: SERVICES });
    cluster.client(1, 'counter').request('add', add('a'));
    const before = cluster.hashes('counter');
    cluster.inject(1, AIS_GROUP, bytes);
    cluster.run();
    expect(cluster.hashes('counter')).toEqual(before);
    expect(cluster.trace.some(({ event }) => event === 'service-failed')).toBe(false);
    expect(cluster.client(2, 'counter').request('add', add('a'))).toMatchObject({ value: 2n });
  });
});
