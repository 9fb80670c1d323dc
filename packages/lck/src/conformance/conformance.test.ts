/** The conformance table in this process: all rows, with clients on other nodes than the resource's creator. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createSaLck } from '../client/literal.ts';
import { createClientCluster } from '../cluster.fixture.ts';
import { Case, type ConformanceWorld, type Placement } from './case.fixture.ts';
import { outcomeText } from './row.fixture.ts';
import { TABLE, tableLines } from './table.fixture.ts';
import { startVictim } from './victim.fixture.ts';

const PLACEMENTS: readonly Placement[] = [
  { creator: 1, client: 1 },
  { creator: 1, client: 3 },
  { creator: 3, client: 2 },
];
const PAGE = new URL('../../../../docs/reference/conformance-lck.md', import.meta.url);

function createWorld() {
  const env = createClientCluster(3);
  const world: ConformanceWorld = {
    connect: (node) => ({ connector: env.connector(node) }),
    victim: (node, resource, state) => startVictim(env.mortal(node), resource, state),
    isolate: (node) => env.cluster.split([[node], env.cluster.nodes.filter((id) => id !== node)]),
    rejoin: () => env.cluster.heal(),
    endExecutive(node) {
      env.drop(node);
      env.cluster.restart(node);
    },
  };
  return { ...env, world };
}

describe.each(PLACEMENTS)('created on node $creator, used on node $client', (placement) => {
  // What takes a client's executive away must leave the creator's.
  const rows = TABLE.filter(({ disturbs }) => !disturbs || placement.client !== placement.creator);
  test.each(rows.map((row) => [row.subject, row.when, row.expected, row] as const))(
    '%s: %s: %s',
    async (_subject, _when, expected, row) => {
      const { world, cluster } = createWorld();
      const started = await Case.start(world, placement, 'conformance');
      expect(outcomeText(await row.run(started))).toBe(expected);
      expect(await started.finish()).toEqual([]);
      cluster.run();
      expect(cluster.hashes('lck')).toHaveLength(1);
      for (const node of cluster.nodes) {
        expect(cluster.host(node).inspect('lck')).toMatchObject({
          clients: 0,
          locks: 0,
          resources: [],
        });
      }
    },
  );
});

describe('the table', () => {
  test('has every function of AIS LCK', () => {
    const functions = Object.keys(createSaLck()).sort();
    expect(functions).toHaveLength(14);
    expect(new Set(TABLE.map(({ subject }) => subject))).toEqual(
      new Set([...functions, 'LockGrantCallback', 'LockWaiterCallback', 'lifetime']),
    );
  });

  test('names every cause once', () => {
    const causes = TABLE.map(({ subject, when }) => `${subject}: ${when}`);
    expect(new Set(causes).size).toBe(causes.length);
  });

  test('is the one in docs/reference/conformance-lck.md', () => {
    const [, rows = ''] = readFileSync(PAGE, 'utf8').split('## Rows');
    const cells = rows
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (Subject|---)/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll('`', '')),
      );
    expect(cells).toEqual(tableLines());
  });
});
