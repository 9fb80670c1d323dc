import { describe, expect, test } from '@jest/globals';
import type { ServiceDefinition } from '../contract.ts';
import { type CounterState, counterService, createTestCluster } from '../testing/index.ts';

const add = counterService.exec['add']!;

/** Adds one too many whenever its bit of memory is hit: on one node, once. */
function withFault(): ServiceDefinition<CounterState> {
  let applied = 0;
  return {
    ...counterService,
    exec: {
      ...counterService.exec,
      add: {
        ...add,
        apply(state, message, source, ctx) {
          applied++;
          const amount = applied === 5 ? message.amount + 1 : message.amount;
          add.apply(state, { ...message, amount }, source, ctx);
        },
      },
    },
  };
}

function compared(service: ServiceDefinition<CounterState>) {
  const cluster = createTestCluster({ nodes: 3, services: [service] });
  const client = cluster.client(2, 'counter');
  client.request('add', { name: 'a', amount: 1 });
  client.request('add', { name: 'a', amount: 1 });
  cluster.host(1).checkStates();
  cluster.run();
  const mismatches = cluster.trace.filter(({ event }) => event === 'state-mismatch');
  return { cluster, mismatches };
}

describe('comparing states while they run', () => {
  test('finds nothing where replicas are equal, and has looked', () => {
    const { cluster, mismatches } = compared(counterService);
    expect(mismatches).toEqual([]);
    for (const node of cluster.nodes) {
      expect(cluster.host(node).stats()).toMatchObject({ statesCompared: 2, statesMismatched: 0 });
    }
  });

  test('names service, ring and both nodes where one is not as the others', () => {
    const { cluster, mismatches } = compared(withFault());
    const { ringId } = cluster.host(1).view!;
    expect(mismatches).toHaveLength(4);
    for (const { detail } of mismatches)
      expect(detail).toMatchObject({ service: 'counter', ringId });
    const pairs = mismatches.map(({ node, detail }) => [node, detail?.['otherNode']].sort());
    const alone = cluster.nodes.filter((node) => pairs.every((pair) => pair.includes(node)));
    expect(alone).toHaveLength(1);
  });

  test('is begun by the lowest member alone, and goes wrong with nothing that a peer may send', () => {
    const { cluster } = compared(counterService);
    cluster.host(2).checkStates();
    cluster.inject(2, 'ais', Uint8Array.of(0x94, 1, 5, 0xd3, 0, 0, 0, 0, 0, 0, 0, 0, 0x80));
    cluster.run();
    expect(cluster.host(3).stats()).toMatchObject({ statesCompared: 2, statesMismatched: 0 });
  });
});
