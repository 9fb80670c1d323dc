/** What the cluster tests share: a cluster per file, clients of its nodes, waiting for a condition. */

import { Membership, type MembershipView } from '@aisexec/clm';
import {
  LocalCluster,
  type LocalClusterOptions,
  type LocalNode,
} from '@aisexec/executive/local-cluster';
import { afterAll, beforeAll, test } from '@jest/globals';
import { ENGINE, type Ground, layGround } from './engine.fixture.ts';

/** Real processes on a loaded machine: a bound on hanging, never a wait. */
export const TEST_TIMEOUT_MS = 90_000;

/** For what is the built-in ring's alone: its votes, refusals, counters and socket. */
export const ringTest = ENGINE === 'totem' ? test : test.skip;

/** Starts a cluster of real processes before the tests of a file and stops it after them. */
export function useCluster(options: LocalClusterOptions): { readonly nodes: readonly LocalNode[] } {
  let cluster: LocalCluster | undefined;
  let ground: Ground | undefined;
  beforeAll(async () => {
    ground = await layGround(options);
    cluster = await LocalCluster.start(ground.options);
    await membersEverywhere(cluster.nodes, options.nodes);
  }, TEST_TIMEOUT_MS);
  afterAll(async () => {
    await cluster?.stop();
    await ground?.close();
  }, TEST_TIMEOUT_MS);
  return {
    get nodes() {
      if (cluster === undefined) throw new Error('the cluster has not started');
      return cluster.nodes;
    },
  };
}

/** Resolves when the membership service of each of these nodes shows exactly `count` members. */
export async function membersEverywhere(nodes: readonly LocalNode[], count: number): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      await using membership = await Membership.connect({ socket: node.socket });
      await untilMembers(membership, count);
    }),
  );
}

/** The first view, from now on, with exactly `count` members. */
export async function untilMembers(membership: Membership, count: number): Promise<MembershipView> {
  for await (const view of membership.track({ timeoutMs: TEST_TIMEOUT_MS })) {
    if (view.members.length === count) return view;
  }
  throw new Error('the membership service ended its stream');
}

/** Asks until the answer fits; the only way in which these tests wait for what has no event. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  fits: (answer: T) => boolean,
  what: string,
): Promise<T> {
  const end = performance.now() + TEST_TIMEOUT_MS / 2;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > end) throw new Error(`${what}: still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
