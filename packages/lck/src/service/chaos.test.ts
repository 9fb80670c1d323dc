/**
 * Random clients on a cluster that loses nodes, splits and heals. After every step nobody who believes to
 * hold a lock may contradict another believer in the same view, and tokens rise; in the end, with all
 * nodes together and everybody unlocking, everyone who waits has been answered.
 */
import { SA_AIS_OK } from '@aisexec/ais';
import {
  createRandom,
  createTestCluster,
  type PendingReply,
  type TestClient,
  type TestCluster,
} from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { SA_LCK_LOCK_GRANTED, type SaLckLockModeT, staysOnRecord } from '../protocol.ts';
import { compatible } from './grants.ts';
import { EX, PR } from './harness.fixture.ts';
import { lckService } from './index.ts';

const NODES = [1, 2, 3, 4, 5];
const NAMES = ['x', 'y'];
const STEPS = 80;

interface Attempt {
  readonly node: number;
  readonly client: TestClient;
  readonly id: bigint;
  readonly name: string;
  readonly mode: SaLckLockModeT;
  readonly pending: PendingReply;
  state: 'waiting' | 'believed' | 'over';
}

function createChaos(seed: number) {
  const random = createRandom(seed);
  const quorum = { provider: 'votequorum', expectedVotes: NODES.length } as const;
  const cluster = createTestCluster({ nodes: NODES, services: [lckService], seed, quorum });
  const clients = new Map<number, TestClient>();
  const attempts: Attempt[] = [];
  const tokens = new Map<string, bigint>();
  let nextId = 1n;

  const connect = (node: number): void => {
    const client = cluster.client(node, 'lck');
    NAMES.forEach((name, i) => {
      client.post('open', { handle: BigInt(i + 1), name, create: true, notify: true });
    });
    clients.set(node, client);
  };
  const forget = (node: number): void => {
    for (const attempt of attempts) if (attempt.node === node) attempt.state = 'over';
  };
  const lock = (): void => {
    const node = NODES[random.below(NODES.length)] ?? 1;
    const index = random.below(NAMES.length);
    const client = clients.get(node) as TestClient;
    const mode = random.below(2) === 0 ? PR : EX;
    const id = nextId++;
    const handle = BigInt(index + 1);
    const request = { handle, lockId: id, mode, flags: 0, waiterSignal: 0n, detect: false };
    const pending = client.post('lock', request);
    attempts.push({ node, client, id, name: NAMES[index] ?? '', mode, pending, state: 'waiting' });
  };
  const unlock = (): void => {
    const open = attempts.filter(({ state }) => state !== 'over');
    const attempt = open[random.below(Math.max(1, open.length))];
    if (attempt === undefined) return;
    attempt.state = 'over';
    attempt.client.post('unlock', { lockId: attempt.id });
  };
  const fault = (): void => {
    const kind = random.below(4);
    const node = NODES[random.below(NODES.length)] ?? 1;
    if (kind === 0) cluster.heal(false);
    else if (kind === 1) {
      const side = NODES.filter(() => random.below(2) === 0);
      cluster.split([side, NODES.filter((one) => !side.includes(one))], false);
    } else if (kind === 2) {
      forget(node);
      cluster.restart(node, false);
      connect(node);
    } else {
      forget(node);
      clients.get(node)?.close();
      connect(node);
    }
  };
  /** Takes in what clients were told, in the order in which they may act on it. */
  const listen = (): void => {
    const granted: { attempt: Attempt; token: bigint }[] = [];
    for (const attempt of attempts) {
      const { reply } = attempt.pending;
      if (attempt.state !== 'waiting' || reply === undefined) continue;
      const isGrant = reply.rc === SA_AIS_OK && reply['lockStatus'] === SA_LCK_LOCK_GRANTED;
      attempt.state = isGrant ? 'believed' : 'over';
      if (isGrant) granted.push({ attempt, token: reply['fencingToken'] });
    }
    for (const client of clients.values()) {
      const losses = [
        ...client
          .take('lockLost')
          .map(({ payload }) => ({ ...payload, lockIds: [payload.lockId] })),
        ...client.take('locksLost').map(({ payload }) => payload),
      ].flatMap(({ lockIds, reason }) => lockIds.map((id: bigint) => ({ id, reason })));
      for (const payload of losses) {
        const lost = attempts.find((one) => one.client === client && one.id === payload.id);
        if (lost?.state === 'believed') {
          lost.state = 'over';
          if (staysOnRecord(payload.reason)) client.post('unlock', { lockId: lost.id });
        }
      }
    }
    granted.sort((a, b) => (a.token < b.token ? -1 : 1));
    for (const { attempt, token } of granted) {
      const last = tokens.get(attempt.name) ?? 0n;
      if (attempt.mode === EX) expect(token).toBeGreaterThan(last);
      else expect(token).toBeGreaterThanOrEqual(last);
      tokens.set(attempt.name, token);
    }
  };
  return { cluster, random, attempts, tokens, connect, lock, unlock, fault, listen };
}

/** Believers in a view without quorum, and pairs that contradict each other within one view. */
function contradictions(cluster: TestCluster, attempts: readonly Attempt[]): string[] {
  const believed = attempts.filter(({ state }) => state === 'believed');
  const unfounded = believed
    .filter(({ node }) => cluster.host(node).view?.quorate !== true)
    .map(({ name, node }) => `${name}: ${node} without quorum`);
  const pairs = believed.flatMap((a, i) =>
    believed
      .slice(i + 1)
      .filter((b) => a.name === b.name && !compatible(a.mode, b.mode))
      .filter((b) => cluster.host(a.node).view?.members.some((member) => member.nodeId === b.node))
      .map((b) => `${a.name}: ${a.node} and ${b.node}`),
  );
  return [...unfounded, ...pairs];
}

describe('locks under fire', () => {
  test.each(Array.from({ length: 30 }, (_, i) => i + 1))('seed %i', (seed) => {
    const chaos = createChaos(seed);
    const { cluster, random, attempts } = chaos;
    for (const node of NODES) chaos.connect(node);
    cluster.run();
    for (let i = 0; i < STEPS; i++) {
      const dice = random.below(10);
      if (dice < 5) chaos.lock();
      else if (dice < 7) chaos.unlock();
      else chaos.fault();
      // Some steps only go part of the way, so that faults meet requests and synchronisation.
      if (random.below(2) === 0) {
        for (let k = random.below(120); k > 0; k--) cluster.step();
        chaos.listen();
        continue;
      }
      cluster.run();
      chaos.listen();
      expect(contradictions(cluster, attempts)).toEqual([]);
    }
    cluster.heal();
    chaos.listen();
    for (let i = 0; attempts.some(({ state }) => state !== 'over') && i < STEPS; i++) {
      for (const attempt of attempts.filter(({ state }) => state === 'believed')) {
        attempt.state = 'over';
        attempt.client.request('unlock', { lockId: attempt.id });
      }
      chaos.listen();
    }
    expect(attempts.filter(({ state }) => state === 'waiting')).toEqual([]);
    expect(chaos.tokens.size).toBe(NAMES.length);
    expect(cluster.hashes('lck')).toHaveLength(1);
    expect(cluster.trace.filter(({ event }) => /failed|diverged/.test(event))).toEqual([]);
  });
});
