import { describe, expect, test } from '@jest/globals';
import { defineService, type ServiceDefinition } from '../contract.ts';
import { DEPARTED_MAX } from '../limits.ts';
import { s } from '../schema.ts';
import { createTestCluster } from '../testing/index.ts';
import { decodeEnvelope } from './envelope.ts';
import { HOST_VERSION } from './speech.ts';

const CLIENTS = DEPARTED_MAX + 1;

/** Remembers its clients until they are gone. */
const guests: ServiceDefinition<{ clients: number[] }> = defineService({
  id: 60,
  name: 'guests',
  versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
  init: () => ({ clients: [] as number[] }),
  lib: {
    come: {
      request: s.nothing,
      flow: 'ordered',
      handle: (_state, _request, ctx) => void ctx.multicast('come', {}),
    },
  },
  exec: {
    come: {
      message: s.object({}),
      apply: (state, _, { connection }) => {
        state.clients.push(connection);
      },
    },
  },
  clientGone: (state, { connection }) => {
    state.clients = state.clients.filter((one) => one !== connection);
  },
  sync: {
    chunk: s.list(s.u32, 10_000),
    save: ({ clients }) => [clients],
    load: (state, chunk) => {
      state.clients = chunk;
    },
    merge: ([first]) => first!.state,
  },
  inspect: ({ clients }) => clients.length,
});

/** @param speaks by node: what its host speaks. */
function clusterOf(speaks: Record<number, number>) {
  const cluster = createTestCluster({
    nodes: Object.keys(speaks).map(Number),
    services: [guests],
    speaks: (node) => speaks[node]!,
    queueMax: 4_096,
  });
  const ended: string[] = [];
  cluster.onOrdered(({ bytes }) => {
    const kind = decodeEnvelope(bytes)?.kind;
    if (kind === 'gone' || kind === 'departed') ended.push(kind);
  });
  return {
    cluster,
    ended,
    come(count: number) {
      for (let i = 0; i < count; i++) cluster.client(1, 'guests').post('come');
      cluster.run();
    },
    guests: () => cluster.nodes.map((node) => cluster.host(node).inspect('guests') ?? null),
    dropped: () =>
      cluster.trace
        .filter(({ event }) => event === 'drop-message')
        .map(({ node, detail }) => `${node}: ${detail?.['reason']}`),
  };
}

describe('a kind of message that only newer hosts know', () => {
  test('is said where all are newer: many clients end in few messages', () => {
    const { cluster, come, ended, guests: left } = clusterOf({ 1: HOST_VERSION, 2: HOST_VERSION });
    come(CLIENTS);
    expect(left()).toEqual([CLIENTS, CLIENTS]);
    cluster.host(1).unload('guests');
    cluster.run();
    // A node that gave the service up cannot know that nothing is left, and asks once more (ADR 0194).
    expect(ended).toEqual(['departed', 'departed', 'departed', 'gone']);
    expect(left()).toEqual([null, 0]);
    expect(cluster.host(2).stats()).toMatchObject({
      hostVersion: HOST_VERSION,
      messagesDropped: 0,
    });
  });

  test('is not said beside an older one, until that is upgraded, and not any more after a way back', () => {
    const speaks: Record<number, number> = { 1: HOST_VERSION, 2: HOST_VERSION, 3: 1 };
    const { cluster, come, ended, guests: left } = clusterOf(speaks);
    for (const [version, kinds] of [
      [1, ['gone', 'gone', 'gone']],
      [HOST_VERSION, ['departed']],
      [1, ['gone', 'gone', 'gone']],
    ] as const) {
      speaks[3] = version;
      cluster.restart(3);
      expect(cluster.host(1).stats()['hostVersion']).toBe(version);
      come(3);
      ended.length = 0;
      cluster.host(1).unload('guests');
      cluster.run();
      expect(ended).toEqual([...kinds, ...kinds]);
      expect(left().slice(1)).toEqual([0, 0]);
      cluster.host(1).load(guests);
      cluster.run();
    }
  });

  test('that is ordered among older ones is heeded by nobody, and its sender says it the older way', () => {
    const speaks: Record<number, number> = { 1: HOST_VERSION, 2: HOST_VERSION, 3: HOST_VERSION };
    const { cluster, come, ended, guests: left, dropped } = clusterOf(speaks);
    come(3);
    // It waits in the queue of the group layer while the membership changes.
    cluster.host(1).unload('guests');
    speaks[3] = 1;
    cluster.restart(3);
    expect(ended).toEqual(['departed', 'gone', 'gone', 'gone']);
    expect(dropped().sort()).toEqual([1, 2, 3].map((node) => `${node}: message of a later host`));
    expect(left().slice(1)).toEqual([0, 0]);
    expect(cluster.hashes('guests').filter((hash) => hash !== '')).toHaveLength(1);
  });
});
