import { createRequire } from 'node:module';
import { Membership } from '@aisexec/clm';
import type { LocalNode } from '@aisexec/executive/local-cluster';
import { expect, test } from '@jest/globals';
import {
  membersEverywhere,
  ringTest,
  TEST_TIMEOUT_MS,
  untilMembers,
  useCluster,
} from './support.fixture.ts';

/** So long that a death which is told within a third of it was not noticed by a time-out. */
const TOKEN_MS = 30_000;

const canHear = process.platform === 'linux' && hasKoffi();

/** Without koffi there are no hints, and the token time-out decides (ADR 0110). */
(canHear ? ringTest : test.skip)(
  'the refusals of its host tell of a killed node long before the token time-out, again after a restart',
  async () => {
    for (const victim of [cluster.nodes[2], cluster.nodes[0]] as [LocalNode, LocalNode]) {
      const survivor = cluster.nodes[1] as LocalNode;
      await using membership = await Membership.connect({ socket: survivor.socket });
      const at = performance.now();
      victim.kill();
      await untilMembers(membership, 2);
      expect(performance.now() - at).toBeLessThan(TOKEN_MS / 3);
      await victim.exited();
      await victim.start();
      await membersEverywhere(cluster.nodes, 3);
    }
  },
  TEST_TIMEOUT_MS,
);

const cluster = useCluster({ nodes: 3, totem: { token: TOKEN_MS, token_coefficient: 0 } });

function hasKoffi(): boolean {
  try {
    createRequire(import.meta.url).resolve('koffi');
    return true;
  } catch {
    return false;
  }
}
