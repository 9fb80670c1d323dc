import { CheckpointService } from '@aisexec/ckpt';
import { Membership } from '@aisexec/clm';
import { EventService, type SubscriptionItem } from '@aisexec/evt';
import type { LocalNode } from '@aisexec/executive/local-cluster';
import { socketConnector } from '@aisexec/ipc';
import { describe, expect, test } from '@jest/globals';
import {
  eventually,
  membersEverywhere,
  TEST_TIMEOUT_MS,
  untilMembers,
  useCluster,
} from './support.fixture.ts';

const SERVICES = ['clm', 'lck', 'evt', 'ckpt'];

describe('replicated state on three real executives', () => {
  const cluster = useCluster({ nodes: 3 });

  test('a checkpoint written through one node is read through another', async () => {
    await using here = await CheckpointService.connect({ socket: cluster.nodes[0]!.socket });
    await using there = await CheckpointService.connect({ socket: cluster.nodes[1]!.socket });
    const create = { maxSections: 4, maxSectionBytes: 1_000_000 };
    const written = await here.open('shared', { create });
    const data = Buffer.alloc(300_000, 'x');
    await written.section('one').create(data);
    const read = await there.open('shared');
    await eventually(
      async () => (await read.status()).sections,
      (sections) => sections === 1,
      'the section on the other node',
    );
    expect(Buffer.from(await read.section('one').read()).equals(data)).toBe(true);
  });

  test('events of two publishers arrive on all nodes in one order, none twice, none missing', async () => {
    const services = await Promise.all(
      cluster.nodes.map((node) => EventService.connect({ socket: node.socket })),
    );
    const channels = await Promise.all(
      services.map((service) =>
        service.open('order', { create: true, publisher: true, subscriber: true }),
      ),
    );
    const streams = channels.map((channel) => channel.subscribe());
    await Promise.all(streams.map((stream) => stream.ready));
    const publishing = [0, 1].flatMap((publisher) =>
      Array.from({ length: 200 }, (_, index) =>
        channels[publisher]!.publish({ data: Buffer.from(`${publisher}:${index}`) }),
      ),
    );
    const logs = await Promise.all(streams.map((stream) => take(stream, publishing.length)));
    await Promise.all(publishing);
    expect(new Set(logs[0]).size).toBe(publishing.length);
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
    await Promise.all(services.map((service) => service.close()));
  });

  test(
    'a node that was killed comes back with the state of all four services, under load',
    async () => {
      const [first, second, victim] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
      await using checkpoints = await CheckpointService.connect({ socket: first.socket });
      const checkpoint = await checkpoints.open('survives', {
        create: { maxSections: 1, maxSectionBytes: 64, retentionMs: Number.POSITIVE_INFINITY },
      });
      await using events = await EventService.connect({ socket: second.socket });
      const channel = await events.open('kept', { create: true, publisher: true });
      const kept = await channel.publish({ data: Buffer.from('kept'), retentionMs: 3_600_000 });

      let acknowledged = 0;
      let working = true;
      const load = (async () => {
        while (working) {
          await checkpoint.section().overwrite(Buffer.from(String(acknowledged + 1)));
          acknowledged++;
        }
      })();
      victim.kill();
      await victim.exited();
      await membersEverywhere([first, second], 2);
      await victim.start();
      await membersEverywhere(cluster.nodes, 3);
      working = false;
      await load;

      await using back = await CheckpointService.connect({ socket: victim.socket });
      const copy = await back.open('survives');
      expect(acknowledged).toBeGreaterThan(0);
      await eventually(
        async () => Number(Buffer.from(await copy.section().read()).toString()),
        (value) => value === acknowledged,
        `the last acknowledged write (${acknowledged}) on the node that came back`,
      );
      await using late = await EventService.connect({ socket: victim.socket });
      const stream = (await late.open('kept', { subscriber: true })).subscribe();
      const retained = await stream[Symbol.asyncIterator]().next();
      expect(retained.value).toMatchObject({ type: 'event', id: kept });
      await equalStates(cluster.nodes);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'SIGSTOP past the token time-out and SIGCONT: all see the node leave and return, states are equal again',
    async () => {
      const [first, , paused] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
      await using membership = await Membership.connect({ socket: first.socket });
      const before = await untilMembers(membership, 3);
      paused.pause();
      await untilMembers(membership, 2);
      paused.resume();
      const after = await untilMembers(membership, 3);
      expect(after.viewNumber).toBeGreaterThanOrEqual(before.viewNumber + 2n);
      await equalStates(cluster.nodes);
    },
    TEST_TIMEOUT_MS,
  );
});

/** The data of the next `count` events as text; a lost item would show as such. */
async function take(stream: AsyncIterable<SubscriptionItem>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const item of stream) {
    taken.push(item.type === 'event' ? Buffer.from(item.data).toString() : 'lost');
    if (taken.length === count) break;
  }
  return taken;
}

async function equalStates(nodes: readonly LocalNode[]): Promise<void> {
  for (const service of SERVICES) {
    await eventually(
      () => Promise.all(nodes.map((node) => stateHash(node, service))),
      (hashes) => hashes.every((hash) => hash !== undefined && hash === hashes[0]),
      `state of ${service} on all nodes`,
    );
  }
}

async function stateHash(node: LocalNode, service: string): Promise<unknown> {
  const connection = await socketConnector(node.socket).connect('admin');
  const reply = await connection.request('inspect', { service });
  await connection.close();
  return reply['hash'];
}
