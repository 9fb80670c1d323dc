import { SA_AIS_ERR_TRY_AGAIN, SA_AIS_OK } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defineService, type ServiceDefinition } from './contract.ts';
import { s } from './schema.ts';
import { checkService } from './testing/check-service.ts';
import { createTestCluster } from './testing/index.ts';
import { agreeVersion, type Spoken } from './versions.ts';

const agree = (speak: Record<number, [oldest: number, newest: number]>, deciders: number[]) => {
  const nodes = new Map<number, Spoken>();
  for (const [node, [minVersion, version]] of Object.entries(speak)) {
    nodes.set(Number(node), { version, minVersion });
  }
  const { version, refused } = agreeVersion(nodes, deciders);
  return { version, refused: [...refused.keys()] };
};

describe('what the nodes of a view speak', () => {
  test.each([
    ['all alike', { 1: [1, 2], 2: [1, 2] }, [1, 2], 2, []],
    ['the oldest counts', { 1: [1, 2], 2: [1, 1], 3: [1, 3] }, [1, 2, 3], 1, []],
    ['an older newcomer brings it down', { 1: [1, 2], 2: [1, 1] }, [1], 1, []],
    ['but not below what the others speak', { 1: [2, 2], 2: [1, 1] }, [1], 2, [2]],
    ['a newcomer that is too new waits outside', { 1: [1, 1], 2: [2, 2] }, [1], 1, [2]],
    [
      'a newcomer in between may make another too new',
      { 1: [1, 3], 2: [3, 4], 3: [1, 2] },
      [1],
      2,
      [2],
    ],
  ] as const)('%s', (_, speak, deciders, version, refused) => {
    const nodes = speak as unknown as Record<number, [number, number]>;
    expect(agree(nodes, [...deciders])).toEqual({ version, refused: [...refused] });
  });

  test('who is not refused speaks the version, and no decider is refused for others', () => {
    const spoken = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
      .map(([a, b]): Spoken => ({ minVersion: Math.min(a, b), version: Math.max(a, b) }));
    fc.assert(
      fc.property(spoken, fc.array(spoken, { maxLength: 6 }), (decider, others) => {
        const nodes = new Map([decider, ...others].map((one, node) => [node, one]));
        const { version, refused } = agreeVersion(nodes, [0]);
        expect(refused.has(0)).toBe(false);
        for (const [node, one] of nodes) {
          const speaks = one.minVersion <= version && version <= one.version;
          expect(refused.has(node)).toBe(!speaks);
        }
      }),
    );
  });
});

interface Tally {
  total: number;
  /** Known from version 2 on. */
  labels?: string[];
}

/** A service whose second version learned labels: in a message, in its state and in the chunks. */
function tally(version: 1 | 2 | 3, minVersion = 1): ServiceDefinition<Tally> {
  const message = s.object({ by: s.u32, label: s.optional(s.text(16)) });
  const fresh = (): Tally => (version === 1 ? { total: 0 } : { total: 0, labels: [] });
  return defineService<Tally>({
    id: 61,
    name: 'tally',
    versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
    version,
    minVersion,
    init: fresh,
    lib: {
      add: {
        request: message,
        flow: 'ordered',
        handle: (_state, { by, label }, ctx) => {
          if (ctx.version >= 2) ctx.multicast('add', { by, label });
          else ctx.multicast('add', { by });
        },
      },
      clear: {
        request: s.nothing,
        flow: 'ordered',
        handle: (_state, _request, ctx) => void ctx.multicast('clear', {}),
      },
    },
    exec: {
      add: {
        message,
        apply: (state, { by, label }, source, ctx) => {
          state.total += by;
          if (version >= 2 && label != null) state.labels!.push(label);
          ctx.reply(source, { rc: SA_AIS_OK, total: state.total, version: ctx.version });
        },
      },
      ...(version === 1
        ? {}
        : {
            clear: {
              since: 2,
              message: s.object({}),
              apply: (state: Tally, _message, source, ctx) => {
                state.total = 0;
                ctx.reply(source, { rc: SA_AIS_OK });
              },
            } satisfies ServiceDefinition<Tally>['exec'][string],
          }),
    },
    sync: {
      chunk: s.object({ total: s.u32, labels: s.optional(s.list(s.text(16), 1000)) }),
      save: ({ total, labels }, to) => [to >= 2 ? { total, labels } : { total }],
      load: (state, chunk) => {
        state.total = chunk.total;
        if (version >= 2) state.labels = chunk.labels ?? [];
      },
      merge: ([first]) => first!.state,
    },
    inspect: ({ total }) => total,
  });
}

function clusterOf(speaks: Record<number, ServiceDefinition<Tally>>) {
  const nodes = Object.keys(speaks).map(Number);
  return createTestCluster({ nodes, services: (node) => [speaks[node]!], seed: 7 });
}

const infoOf = (cluster: ReturnType<typeof clusterOf>, node: number) =>
  cluster.host(node).services.find(({ name }) => name === 'tally');
const totals = (cluster: ReturnType<typeof clusterOf>) =>
  cluster.nodes.map((node) => cluster.host(node).inspect('tally'));

describe('a rolling upgrade', () => {
  test('node by node: nothing newer is said before all understand it, and nothing is lost', () => {
    const speaks: Record<number, ServiceDefinition<Tally>> = {
      1: tally(1),
      2: tally(1),
      3: tally(1),
    };
    const cluster = clusterOf(speaks);
    let total = 0;
    for (const node of [1, 2, 3]) {
      speaks[node] = tally(2);
      cluster.restart(node);
      for (const at of [1, 2, 3]) {
        total += 5;
        const version = node === 3 ? 2 : 1;
        const reply = cluster.client(at, 'tally').request('add', { by: 5, label: 'x' });
        expect(reply).toMatchObject({ rc: SA_AIS_OK, total, version });
      }
      expect(totals(cluster)).toEqual([total, total, total]);
    }
    expect(cluster.hashes('tally')).toHaveLength(1);
    expect(infoOf(cluster, 2)?.speaks).toEqual([1, 2, 2]);
    expect(cluster.client(2, 'tally').request('clear')).toMatchObject({ rc: SA_AIS_OK });
    const trouble = cluster.trace.filter(({ event }) =>
      ['state-diverged', 'service-failed', 'drop-message'].includes(event),
    );
    expect(trouble).toEqual([]);
  });

  test('and back again: the older code gets a state that it can read', () => {
    const speaks: Record<number, ServiceDefinition<Tally>> = {
      1: tally(2),
      2: tally(2),
      3: tally(2),
    };
    const cluster = clusterOf(speaks);
    cluster.client(1, 'tally').request('add', { by: 3, label: 'x' });
    for (const node of [1, 2, 3]) {
      speaks[node] = tally(1);
      cluster.restart(node);
      expect(infoOf(cluster, node)?.speaks).toEqual([1, 1, 1]);
      expect(totals(cluster)).toEqual([3, 3, 3]);
    }
  });

  test('a message of the later version that is ordered with an older node is applied by nobody, and its client repeats it', () => {
    const speaks: Record<number, ServiceDefinition<Tally>> = {
      1: tally(2),
      2: tally(2),
      3: tally(2),
    };
    const cluster = clusterOf(speaks);
    const client = cluster.client(1, 'tally');
    expect(client.request('add', { by: 1, label: 'x' })).toMatchObject({ version: 2 });
    // It waits in the queue of the group layer while the membership changes.
    const pending = client.post('add', { by: 100, label: 'late' });
    speaks[3] = tally(1);
    cluster.restart(3);
    expect(pending.reply).toEqual({ rc: SA_AIS_ERR_TRY_AGAIN });
    expect(totals(cluster)).toEqual([1, 1, 1]);
    const drops = cluster.trace.filter(({ event }) => event === 'drop-message');
    expect(drops.map(({ detail }) => detail?.['reason'])).toEqual(
      Array(3).fill('message of a later version'),
    );
    expect(drops.map(({ node }) => node).sort()).toEqual([1, 2, 3]);
    expect(cluster.host(2).stats()['messagesDropped']).toBe(1);
    expect(client.request('add', { by: 100, label: 'again' })).toMatchObject({ total: 101 });
  });

  test('a service that sends what not all understand has a defect, and only it stops', () => {
    const cluster = clusterOf({ 1: tally(2), 2: tally(1) });
    const client = cluster.client(1, 'tally');
    expect(client.request('clear')).toBeUndefined();
    expect(infoOf(cluster, 1)).toMatchObject({ state: 'failed' });
    expect(infoOf(cluster, 1)?.reason).toMatch(/not all nodes understand this message yet/);
    expect(infoOf(cluster, 2)).toMatchObject({ state: 'running' });
  });

  test('a node too old for the others, or too new, runs everything but this service', () => {
    const speaks: Record<number, ServiceDefinition<Tally>> = { 1: tally(2, 2), 2: tally(2, 2) };
    const cluster = clusterOf(speaks);
    cluster.client(1, 'tally').request('add', { by: 9 });
    speaks[2] = tally(1);
    cluster.restart(2);
    expect(infoOf(cluster, 2)).toMatchObject({ state: 'failed' });
    expect(infoOf(cluster, 2)?.reason).toBe(
      'load: its code speaks version 1, the other nodes need at least 2: upgrade this node',
    );
    expect(infoOf(cluster, 1)).toMatchObject({ state: 'running', speaks: [2, 2, 2], nodes: [1] });
    speaks[2] = tally(3, 3);
    cluster.restart(2);
    expect(infoOf(cluster, 2)?.reason).toMatch(/upgrade them first/);
    expect(cluster.client(1, 'tally').request('add', { by: 1 })).toMatchObject({ total: 10 });
  });

  test('a service that is loaded or reloaded into a running cluster must fit, too', () => {
    const cluster = createTestCluster({ nodes: 2, services: [], seed: 2 });
    cluster.host(1).load(tally(2, 2));
    cluster.run();
    cluster.host(2).load(tally(1));
    cluster.run();
    expect(infoOf(cluster, 2)?.reason).toMatch(/need at least 2/);
    expect(cluster.host(1).reload(tally(1))).toMatch(/upgrade this node/);
    expect(cluster.host(1).reload(tally(3))).toBeUndefined();
    expect(infoOf(cluster, 1)?.speaks).toEqual([1, 3, 2]);
    expect(cluster.host(2).load(tally(2))).toBeUndefined();
    cluster.run();
    expect(infoOf(cluster, 2)).toMatchObject({ state: 'running', nodes: [1, 2] });
  });
});

describe('the compliance suite', () => {
  const workload = {
    steps: [1, 2, 3].map((by) => ({ client: by, fn: 'add', argument: { by, label: `${by}` } })),
  };

  test('finds nothing in a service that keeps to it', () => {
    expect(checkService(tally(1), workload)).toEqual([]);
  });

  test('holds what is saved for older versions against the code', () => {
    const sound = tally(2);
    const faults = (service: ServiceDefinition<Tally>) =>
      checkService(service, workload).filter((fault) => fault.includes('saved for version 1'));
    expect(faults(sound)).toEqual([]);
    const careless = {
      ...sound.sync,
      save: ({ total, labels }: Tally, to: number) => [
        to >= 2 ? { total, labels } : { total: total + 1 },
      ],
    };
    expect(faults({ ...sound, sync: careless })).toHaveLength(1);
  });
});
