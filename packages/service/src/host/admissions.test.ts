/** Who is no member is answered UNAVAILABLE by every service that is for members, and leaves nothing behind. */
import { SA_AIS_ERR_UNAVAILABLE, SA_AIS_OK, STALE_CALLBACK, STANDING_REQUEST } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { defineService, execHandler, libHandler } from '../contract.ts';
import { s } from '../schema.ts';
import { counterService } from '../testing/counter.ts';
import { createTestCluster, type TestCluster } from '../testing/test-cluster.ts';

interface Membership {
  /** By node: how often it was removed, negative while it is out. */
  readonly removals: Map<number, number>;
}

const change = s.object({ node: s.u32, removals: s.i64 });

/** A membership service as small as can be: a client says what becomes of a node. */
const membership = defineService<Membership>({
  id: 1,
  name: 'membership',
  versions: [],
  init: () => ({ removals: new Map() }),
  lib: {
    set: libHandler({
      request: change,
      flow: 'ordered',
      handle: (_state: Membership, request, ctx) => void ctx.multicast('set', request),
    }),
  },
  exec: {
    set: execHandler({
      message: change,
      apply: (state: Membership, { node, removals }, source, ctx) => {
        state.removals.set(node, Number(removals));
        ctx.reply(source, { rc: SA_AIS_OK });
      },
    }),
  },
  admission: ({ removals }, node) => {
    const count = removals.get(node) ?? 0;
    return count < 0 ? null : BigInt(count);
  },
  sync: {
    chunk: change,
    *save(state) {
      for (const [node, removals] of state.removals) yield { node, removals: BigInt(removals) };
    },
    load: (state, { node, removals }) => void state.removals.set(node, Number(removals)),
    merge: (parts) => parts[0]!.state,
  },
  inspect: () => null,
});

/** Clients that are in it, and who waits for ever. */
interface Guests {
  readonly present: Set<string>;
}

const guests = defineService<Guests>({
  id: 2,
  name: 'guests',
  versions: [],
  init: () => ({ present: new Set() }),
  lib: {
    enter: libHandler({
      request: s.object({ wait: s.bool }),
      flow: 'ordered',
      handle: (_state: Guests, request, ctx) => void ctx.multicast('enter', request),
    }),
  },
  exec: {
    enter: execHandler({
      message: s.object({ wait: s.bool }),
      apply: (state: Guests, { wait }, source, ctx) => {
        state.present.add(`${source.node}.${source.connection}`);
        if (!wait) ctx.reply(source, { rc: SA_AIS_OK });
      },
    }),
  },
  clientGone: ({ present }, { node, connection }) => void present.delete(`${node}.${connection}`),
  sync: {
    chunk: s.list(s.text(64), 1_000),
    *save({ present }) {
      yield [...present];
    },
    load: ({ present }, names) => {
      for (const name of names) present.add(name);
    },
    merge: (parts) => parts[0]!.state,
  },
  membersOnly: true,
  inspect: ({ present }) => present.size,
});

const unavailable = { rc: SA_AIS_ERR_UNAVAILABLE };

function start() {
  const cluster = createTestCluster({
    nodes: 3,
    services: [membership, guests, counterService],
    quorum: { provider: 'votequorum', expectedVotes: 3 },
  });
  const teller = cluster.client(1, 'membership');
  const set = (node: number, removals: number) =>
    teller.request('set', { node, removals: BigInt(removals) });
  return { cluster, set };
}

const present = (cluster: TestCluster) =>
  cluster.nodes.map((node) => cluster.host(node).inspect('guests'));

describe('a node that is removed', () => {
  test('its clients are told once, their calls end, and no replica knows them any more', () => {
    const { cluster, set } = start();
    const client = cluster.client(2, 'guests');
    expect(client.request('enter', { wait: false })).toEqual({ rc: SA_AIS_OK });
    const waits = client.post('enter', { wait: true });
    cluster.client(3, 'guests').request('enter', { wait: false });
    expect(present(cluster)).toEqual([2, 2, 2]);
    set(2, -1);
    expect(waits.reply).toEqual(unavailable);
    expect(client.take().map(({ name }) => name)).toEqual([STALE_CALLBACK]);
    expect(client.request('enter', { wait: false })).toEqual(unavailable);
    expect(present(cluster)).toEqual([1, 1, 1]);
    client.close();
    cluster.run();
    expect(present(cluster)).toEqual([1, 1, 1]);
  });

  test('what its clients had on the way does not stay either', () => {
    const { cluster, set } = start();
    const client = cluster.client(2, 'guests');
    client.request('enter', { wait: false });
    const teller = cluster.client(2, 'membership');
    teller.post('set', { node: 2, removals: -1n });
    const behind = client.post('enter', { wait: false });
    cluster.run();
    expect(behind.reply).toEqual(unavailable);
    expect(present(cluster)).toEqual([0, 0, 0]);
    expect(set(2, 1)).toEqual({ rc: SA_AIS_OK });
  });

  test('a stale client stays stale when the node is back, a new one is fresh', () => {
    const { cluster, set } = start();
    const old = cluster.client(2, 'guests');
    set(2, -1);
    const early = cluster.client(2, 'guests');
    expect(early.request(STANDING_REQUEST, null)).toEqual(unavailable);
    set(2, 1);
    expect(old.request('enter', { wait: false })).toEqual(unavailable);
    expect(early.request('enter', { wait: false })).toEqual(unavailable);
    const fresh = cluster.client(2, 'guests');
    expect(fresh.request(STANDING_REQUEST, null)).toEqual({ rc: SA_AIS_OK });
    expect(fresh.request('enter', { wait: false })).toEqual({ rc: SA_AIS_OK });
  });

  test('out and in while the node was in another partition: its clients are stale after the merge', () => {
    const { cluster, set } = start();
    const client = cluster.client(2, 'guests');
    client.request('enter', { wait: false });
    cluster.split([[1, 3], [2]]);
    set(2, 1);
    expect(client.request(STANDING_REQUEST, null)).toEqual({ rc: SA_AIS_OK });
    cluster.heal();
    expect(client.request('enter', { wait: false })).toEqual(unavailable);
    expect(present(cluster)).toEqual([0, 0, 0]);
  });

  test('services that are not for members only go on', () => {
    const { cluster, set } = start();
    const client = cluster.client(2, 'counter');
    set(2, -1);
    expect(client.request('add', { name: 'x', amount: 2 })).toMatchObject({ rc: SA_AIS_OK });
  });
});
