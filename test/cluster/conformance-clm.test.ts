/**
 * The conformance table of CLM on real daemons (the table itself stands with the package), and what
 * becomes of a locked node when its daemon is killed.
 */
import { isSaAisError, SA_AIS_ERR_UNAVAILABLE } from '@aisexec/ais';
import { Membership, NodeAdmin } from '@aisexec/clm';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conformanceRows, runRow } from '../../packages/clm/src/conformance.fixture.ts';
import type { WorldOptions } from '../../packages/clm/src/conformance-world.fixture.ts';
import { type Ground, layGround } from './engine.fixture.ts';
import {
  eventually,
  membersEverywhere,
  TEST_TIMEOUT_MS,
  untilMembers,
  useCluster,
} from './support.fixture.ts';

describe.each([
  [1, 2, 3],
  [3, 1, 2],
])('the table of CLM on three daemons, with the clients on node %i', (home, other, third) => {
  let cluster: LocalCluster | undefined;
  let ground: Ground | undefined;
  beforeAll(async () => {
    ground = await layGround({ nodes: 3 });
    cluster = await LocalCluster.start(ground.options);
    await membersEverywhere(cluster.nodes, 3);
  }, TEST_TIMEOUT_MS);
  afterAll(async () => {
    await cluster?.stop();
    await ground?.close();
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

describe('a locked node', () => {
  const cluster = useCluster({ nodes: 3 });

  test(
    'is still locked after kill -9 and a new start, until it is unlocked',
    async () => {
      const [first, , third] = cluster.nodes;
      await using membership = await Membership.connect({ socket: first!.socket });
      await using admin = await NodeAdmin.connect({ socket: first!.socket });
      await admin.lock(3);
      await untilMembers(membership, 2);
      third!.kill();
      await third!.exited();
      await third!.start();
      await eventually(
        () => admin.nodes(),
        (nodes) => nodes.some(({ nodeId, name }) => nodeId === 3 && name !== null),
        'node 3 is back',
      );
      const refused = await Membership.connect({ socket: third!.socket }).catch((e: unknown) => e);
      expect(isSaAisError(refused, SA_AIS_ERR_UNAVAILABLE)).toBe(true);
      expect(await membership.members()).toHaveLength(2);
      await admin.unlock(3);
      expect((await untilMembers(membership, 3)).members[2]).toMatchObject({ nodeId: 3 });
      await membersEverywhere([third!], 3);
    },
    TEST_TIMEOUT_MS,
  );
});
