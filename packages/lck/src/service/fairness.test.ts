/** The order of grants: the standard's, where readers pass, and first come, first served. */
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { describe, expect, test } from '@jest/globals';
import { SA_LCK_LOCK_DEADLOCK, SA_LCK_LOCK_GRANTED, SA_LCK_LOCK_NOT_QUEUED } from '../protocol.ts';
import { EX, PR } from './harness.fixture.ts';
import { createLckService, lckService } from './index.ts';
import type { LckInspection } from './inspect.ts';

const fifo = createLckService({ fairness: 'fifo' });

type Services = Parameters<typeof createTestCluster>[0]['services'];

function clusterOf(services: Services = [fifo]): TestCluster {
  const quorum = { provider: 'votequorum', expectedVotes: 3 } as const;
  return createTestCluster({ nodes: 3, services, seed: 4, quorum });
}

/** Clients of the nodes in turn; each asks for one mode and shows its status when it has one. */
function createQueue(cluster: TestCluster) {
  let next = 0;
  const connect = () => {
    const client = cluster.client(1 + (next++ % 3), 'lck');
    client.request('open', { handle: 1n, name: 'r', create: true, notify: false });
    return client;
  };
  const ask = (mode: 1 | 2, flags = 0, client = connect(), lockId = BigInt(++next)) => {
    const request = { handle: 1n, lockId, mode, flags, waiterSignal: 0n, detect: true };
    const waits = client.post('lock', request);
    cluster.run();
    return {
      client,
      status: () => waits.reply?.['lockStatus'] as number | undefined,
      unlock: () => client.request('unlock', { lockId }),
    };
  };
  return { ask };
}

const granted = (queue: readonly { status(): number | undefined }[]) =>
  queue.map(({ status }) => status() === SA_LCK_LOCK_GRANTED);

describe('fifo', () => {
  test('a reader does not pass a writer that waits, and readers in a row are granted together', () => {
    const { ask } = createQueue(clusterOf());
    const first = ask(PR);
    const queue = [ask(EX), ask(PR), ask(PR), ask(EX), ask(PR)];
    expect(granted(queue)).toEqual([false, false, false, false, false]);
    first.unlock();
    expect(granted(queue)).toEqual([true, false, false, false, false]);
    queue[0]!.unlock();
    expect(granted(queue)).toEqual([true, true, true, false, false]);
    queue[1]!.unlock();
    expect(granted(queue)).toEqual([true, true, true, false, false]);
    queue[2]!.unlock();
    expect(granted(queue)).toEqual([true, true, true, true, false]);
    queue[3]!.unlock();
    expect(granted(queue)).toEqual([true, true, true, true, true]);
  });

  test('a writer that gives up lets those behind it go on', () => {
    const { ask } = createQueue(clusterOf());
    ask(PR);
    const writer = ask(EX);
    const reader = ask(PR);
    expect(reader.status()).toBeUndefined();
    writer.unlock();
    expect(reader.status()).toBe(SA_LCK_LOCK_GRANTED);
  });

  test('NO_QUEUE is NOT_QUEUED while anybody waits', () => {
    const { ask } = createQueue(clusterOf());
    ask(PR);
    ask(EX);
    expect(ask(PR, 1).status()).toBe(SA_LCK_LOCK_NOT_QUEUED);
  });

  test('a reader that asks again behind a writer that waits for it is a deadlock', () => {
    const { ask } = createQueue(clusterOf());
    const reader = ask(PR);
    ask(EX);
    expect(ask(PR, 0, reader.client).status()).toBe(SA_LCK_LOCK_DEADLOCK);
  });

  test('who stands behind a client that dies moves up', () => {
    const cluster = clusterOf();
    const { ask } = createQueue(cluster);
    const holder = ask(EX);
    const queue = [ask(EX), ask(PR), ask(EX)];
    queue[0]!.client.close();
    cluster.run();
    holder.unlock();
    expect(granted(queue.slice(1))).toEqual([true, false]);
    expect(cluster.hashes('lck')).toHaveLength(1);
  });
});

test('standard: a reader passes a writer that waits', () => {
  const { ask } = createQueue(clusterOf([lckService]));
  ask(PR);
  const queue = [ask(EX), ask(PR)];
  expect(granted(queue)).toEqual([false, true]);
});

describe('nodes that are configured differently', () => {
  const mixed = (node: number) => [node === 2 ? fifo : lckService];
  const fairness = (cluster: TestCluster) =>
    cluster.nodes.map((node) => (cluster.host(node).inspect('lck') as LckInspection).fairness);

  test('agree on what the node of the first client proposes', () => {
    for (const first of [1, 2]) {
      const cluster = clusterOf(mixed);
      expect(fairness(cluster)).toEqual([null, null, null]);
      for (const node of [first, 2, 1]) {
        const open = { handle: 1n, name: 'r', create: true, notify: false };
        cluster.client(node, 'lck').request('open', open);
      }
      const agreed = first === 2 ? 'fifo' : 'standard';
      expect(fairness(cluster)).toEqual([agreed, agreed, agreed]);
      expect(cluster.hashes('lck')).toHaveLength(1);
    }
  });

  test('take over what is agreed when they join later, and when two parts agreed on different orders', () => {
    const cluster = clusterOf(mixed);
    const open = (node: number) =>
      cluster
        .client(node, 'lck')
        .request('open', { handle: 1n, name: 'r', create: true, notify: false });
    cluster.split([[1, 3], [2]]);
    open(2);
    open(1);
    expect(fairness(cluster)).toEqual(['standard', 'fifo', 'standard']);
    cluster.heal();
    expect(fairness(cluster)).toEqual(['standard', 'standard', 'standard']);
    cluster.restart(2);
    open(2);
    expect(fairness(cluster)).toEqual(['standard', 'standard', 'standard']);
    expect(cluster.hashes('lck')).toHaveLength(1);
  });
});
