/**
 * The stale merge, a thousand times over: the node with the lowest id joins with an empty table, and two
 * halves that both hold a name exclusively meet again. openais lost all locks to the first and kept both
 * holders in the second.
 */
import {
  createRandom,
  createTestCluster,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { expect, test } from '@jest/globals';
import { SA_LCK_LOCK_GRANTED } from '../protocol.ts';
import { EX } from './harness.fixture.ts';
import { lckService } from './index.ts';

const ROUNDS = 1_000;
const ROUNDS_MS_MAX = 120_000;
const NODES = [1, 2, 3];

interface Holder {
  readonly client: TestClient;
  readonly token: bigint;
}

/** Asks for the name and reports the grant; undefined while it waits. */
function hold(cluster: TestCluster, node: number, name: string): Holder | undefined {
  const client = cluster.client(node, 'lck');
  client.request('open', { handle: 1n, name, create: true, notify: false });
  const request = { handle: 1n, lockId: 1n, mode: EX, flags: 0, waiterSignal: 0n, detect: false };
  const reply = client.request('lock', request);
  if (reply?.['lockStatus'] !== SA_LCK_LOCK_GRANTED) return undefined;
  return { client, token: reply['fencingToken'] as bigint };
}

const lossesOf = ({ client }: Holder) =>
  client.take('lockLost').map(({ payload }) => payload.reason as string);

test(
  'an empty joiner with the lowest id never costs a lock, over 1,000 rounds',
  () => {
    const quorum = { provider: 'votequorum', expectedVotes: NODES.length } as const;
    const cluster = createTestCluster({ nodes: NODES, services: [lckService], seed: 1, quorum });
    let last = 0n;
    for (let round = 1; round <= ROUNDS; round++) {
      const name = `round ${round}`;
      const holder = hold(cluster, 2 + (round % 2), name);
      if (holder === undefined) throw new Error(`round ${round}: not granted`);
      cluster.restart(1);
      expect(lossesOf(holder)).toEqual([]);
      expect(holder.token).toBeGreaterThan(last);
      const rival = cluster.client(1, 'lck');
      rival.request('open', { handle: 1n, name, create: true, notify: false });
      const request = { handle: 1n, lockId: 1n, mode: EX, waiterSignal: 0n, detect: false };
      expect(rival.request('lock', { ...request, flags: 1 })?.['lockStatus']).toBe(3);
      expect(holder.client.request('unlock', { lockId: 1n })?.rc).toBe(1);
      last = rival.request('lock', { ...request, lockId: 2n, flags: 0 })?.['fencingToken'];
      expect(last).toBeGreaterThan(holder.token);
      holder.client.close();
      rival.close();
      cluster.run();
      expect(cluster.hashes('lck')).toHaveLength(1);
    }
  },
  ROUNDS_MS_MAX,
);

test(
  'of two halves that both hold a name exactly one is left, and the other is told, over 1,000 rounds',
  () => {
    const cluster = createTestCluster({ nodes: NODES, services: [lckService], seed: 2 });
    const random = createRandom(2);
    for (let round = 1; round <= ROUNDS; round++) {
      const alone = NODES[random.below(NODES.length)]!;
      const [left, right] = [[alone], NODES.filter((node) => node !== alone)];
      cluster.split([left, right]);
      const holders = [left, right].map((side) => hold(cluster, side[0]!, 'both'));
      const [a, b] = holders;
      if (a === undefined || b === undefined) throw new Error(`round ${round}: not granted`);
      cluster.heal();
      const losses = [lossesOf(a), lossesOf(b)];
      expect(losses.flat()).toEqual(['merged']);
      const winner = losses[0]!.length === 0 ? a : b;
      const third = cluster.client(3, 'lck');
      third.request('open', { handle: 1n, name: 'both', create: false, notify: false });
      const request = {
        handle: 1n,
        lockId: 1n,
        mode: EX,
        flags: 0,
        waiterSignal: 0n,
        detect: false,
      };
      const waits = third.post('lock', request);
      cluster.run();
      expect(waits.reply).toBeUndefined();
      winner.client.request('unlock', { lockId: 1n });
      expect(waits.reply?.['lockStatus']).toBe(SA_LCK_LOCK_GRANTED);
      for (const client of [a.client, b.client, third]) client.close();
      cluster.run();
      expect(cluster.hashes('lck')).toHaveLength(1);
    }
  },
  ROUNDS_MS_MAX,
);
