/** The conformance table of CLM on real daemons: the table itself stands with the package. */
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conformanceRows, runRow } from '../../packages/clm/src/conformance.fixture.ts';
import type { WorldOptions } from '../../packages/clm/src/conformance-world.fixture.ts';
import { membersEverywhere, TEST_TIMEOUT_MS } from './support.fixture.ts';

describe.each([
  [1, 2, 3],
  [3, 1, 2],
])('the table of CLM on three daemons, with the clients on node %i', (home, other, third) => {
  let cluster: LocalCluster | undefined;
  beforeAll(async () => {
    cluster = await LocalCluster.start({ nodes: 3 });
    await membersEverywhere(cluster.nodes, 3);
  }, TEST_TIMEOUT_MS);
  afterAll(async () => {
    await cluster?.stop();
  }, TEST_TIMEOUT_MS);

  const world: WorldOptions = {
    home,
    other,
    third,
    connect: (node) => ({ socket: cluster?.nodes[node - 1]?.socket ?? '' }),
    elapse: () => {},
    tick: () => new Promise((resolve) => setTimeout(resolve, 2)),
  };

  const rows = conformanceRows.filter(({ inProcessOnly }) => inProcessOnly !== true);
  test.each(rows.map((row) => [`${row.generation} ${row.fn}: ${row.cause}`, row] as const))(
    '%s',
    async (_title, row) => {
      expect(await runRow(row, world)).toBe(row.expect);
    },
    TEST_TIMEOUT_MS,
  );
});
