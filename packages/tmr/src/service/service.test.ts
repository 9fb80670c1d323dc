import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_ERR_NOT_EXIST, SA_AIS_OK } from '@aisexec/ais';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TIMERS_PER_CLIENT_MAX } from '../limits.ts';
import { tmrService } from './index.ts';
import { add, createState, first, move, remove, type Timer } from './state.ts';

const MS = 1_000_000n;
const after = (ms: number, everyMs = 0) => ({
  type: 2,
  initialExpirationTime: BigInt(ms) * MS,
  timerPeriodDuration: BigInt(everyMs) * MS,
});
const createCluster = (nodes = 2) => createTestCluster({ nodes, services: [tmrService] });

/** A client of a node, with its expiries as `id:count`. */
function clientOf(cluster: TestCluster, node: number) {
  const client = cluster.client(node, 'tmr');
  return {
    ask: (fn: string, argument?: unknown) => client.request(fn, argument),
    expiries: () => client.take('expired').map(({ payload }) => `${payload.id}:${payload.count}`),
    close: () => client.close(),
  };
}

describe('timers of one node', () => {
  test('expire at their time and in its order, and tell nobody but their client', () => {
    const cluster = createCluster();
    const [near, far] = [clientOf(cluster, 1), clientOf(cluster, 2)];
    near.ask('start', { id: 1n, attributes: after(20) });
    near.ask('start', { id: 2n, attributes: after(10) });
    cluster.advance(9);
    expect(near.expiries()).toEqual([]);
    cluster.advance(11);
    expect(near.expiries()).toEqual(['2:1', '1:1']);
    expect(far.expiries()).toEqual([]);
    expect(near.ask('get', { id: 1n })?.rc).toBe(SA_AIS_ERR_NOT_EXIST);
  });

  test('go on while the ring is broken and the membership changes', () => {
    const cluster = createCluster(3);
    const near = clientOf(cluster, 1);
    near.ask('start', { id: 1n, attributes: after(10, 10) });
    cluster.split([[1], [2, 3]], false);
    // Nothing of the new membership has been agreed on yet.
    cluster.advance(10, false);
    cluster.host(1).wake();
    expect(near.expiries()).toEqual(['1:1']);
    cluster.run();
    cluster.heal();
    cluster.advance(10);
    expect(near.expiries()).toEqual(['1:2']);
  });

  test('send nothing over the ring', () => {
    const cluster = createCluster();
    let ordered = 0;
    const near = clientOf(cluster, 1);
    cluster.onOrdered(() => ordered++);
    near.ask('start', { id: 1n, attributes: after(1, 1) });
    cluster.advance(50);
    near.close();
    cluster.advance(50);
    expect(ordered).toBe(0);
  });

  test('missed periods come as one expiry with a higher count', () => {
    const cluster = createCluster();
    const near = clientOf(cluster, 1);
    near.ask('start', { id: 1n, attributes: after(10, 10) });
    cluster.advance(45, false);
    cluster.run();
    expect(near.expiries()).toEqual(['1:4']);
    cluster.advance(5);
    expect(near.expiries()).toEqual(['1:5']);
  });

  test('a duration is as long as it is, and a point in time where it is, when somebody sets the clock', () => {
    const cluster = createCluster();
    const near = clientOf(cluster, 1);
    const at = (ms: number) => ({
      type: 1 as const,
      initialExpirationTime: cluster.now + BigInt(ms) * MS,
      timerPeriodDuration: 0n,
    });
    near.ask('start', { id: 1n, attributes: after(100, 100) });
    near.ask('start', { id: 2n, attributes: at(5_000) });
    near.ask('start', { id: 3n, attributes: at(500) });
    cluster.advance(50);
    cluster.setClock(3_600_000);
    cluster.advance(49);
    expect(near.expiries()).toEqual([]);
    cluster.advance(1);
    // The points in time are past; the duration is over now.
    expect(near.expiries().sort()).toEqual(['1:1', '2:1', '3:1']);
    near.ask('start', { id: 4n, attributes: at(150) });
    cluster.setClock(-7_200_000);
    cluster.advance(99);
    expect(near.expiries()).toEqual([]);
    expect(near.ask('get', { id: 1n })).toMatchObject({ remaining: MS });
    cluster.advance(101);
    expect(near.expiries()).toEqual(['1:2', '1:3']);
    expect(near.ask('get', { id: 4n })?.rc).toBe(SA_AIS_OK);
    cluster.advance(7_200_000);
    expect(near.expiries().filter((one) => one.startsWith('4'))).toEqual(['4:1']);
  });

  test('a skipped expiration counts and is not told', () => {
    const cluster = createCluster();
    const near = clientOf(cluster, 1);
    near.ask('start', { id: 1n, attributes: after(10, 10) });
    near.ask('skip', { id: 1n });
    near.ask('skip', { id: 1n });
    cluster.advance(30);
    expect(near.expiries()).toEqual(['1:3']);
  });

  test('end with their client, and with the bound of a client', () => {
    const cluster = createCluster();
    const near = clientOf(cluster, 1);
    const rcs = Array.from(
      { length: TIMERS_PER_CLIENT_MAX + 1 },
      (_, i) => near.ask('start', { id: BigInt(i), attributes: after(1000) })?.rc,
    );
    expect(rcs.indexOf(SA_AIS_ERR_NO_RESOURCES)).toBe(TIMERS_PER_CLIENT_MAX);
    near.close();
    expect(cluster.host(1).inspect('tmr')).toEqual({ timers: [] });
  });

  test('survive new code of their service', () => {
    const cluster = createCluster();
    const near = clientOf(cluster, 1);
    near.ask('start', { id: 1n, attributes: after(10, 10) });
    cluster.advance(10);
    expect(cluster.host(1).reload({ ...tmrService })).toBeUndefined();
    cluster.advance(10);
    expect(near.expiries()).toEqual(['1:1', '1:2']);
    expect(near.ask('get', { id: 1n })?.rc).toBe(SA_AIS_OK);
  });
});

test('the schedule gives the timers by their time, whatever came, went and moved', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'move', 'remove', 'take'),
    id: fc.bigInt(0n, 20n),
    due: fc.bigInt(0n, 50n),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const state = createState();
      const model = new Map<bigint, Timer>();
      for (const { kind, id, due } of steps) {
        const timer = model.get(id);
        if (kind === 'add' && timer === undefined) {
          const client = { node: 1, connection: 7 };
          const fresh = { id, client, due, dueWall: due, count: 0n, skipped: 0n, toSkip: 0 };
          const added: Timer = { ...fresh, attributes: { ...after(0), type: 2 } };
          model.set(id, added);
          add(state, added);
        } else if (kind === 'move' && timer !== undefined) move(state, timer, due, due);
        else if (kind === 'remove' && timer !== undefined) {
          model.delete(id);
          remove(state, timer);
        } else if (kind === 'take') {
          const earliest = [...model.values()].map((one) => one.due).sort((a, b) => Number(a - b));
          expect(first(state, 'steady')?.due).toBe(earliest[0]);
        }
        expect(state.size).toBe(model.size);
      }
    }),
  );
});
