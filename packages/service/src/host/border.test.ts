/** The borders of the host: a service that throws, requests and messages that do not fit, replies that repeat. */
import { SA_AIS_ERR_TOO_BIG, SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { encode } from '../codec.ts';
import { defineService, libHandler, type Source } from '../contract.ts';
import { InvariantError } from '../invariant.ts';
import { s } from '../schema.ts';
import { counterService, createTestCluster } from '../testing/index.ts';
import { add, SERVICES } from './counter.fixture.ts';
import { AIS_GROUP } from './envelope.ts';

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
