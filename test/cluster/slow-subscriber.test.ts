import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Membership } from '@aisexec/clm';
import { type Channel, EventService, textOf } from '@aisexec/evt';
import { expect, test } from '@jest/globals';
import { eventually, TEST_TIMEOUT_MS, untilMembers, useCluster } from './support.fixture.ts';

const CHILD = fileURLToPath(new URL('slow-subscriber.child.mjs', import.meta.url));
const CHANNEL = 'overflow';
/** More than socket buffers and an executive's queue for one client hold. */
const LOW = 7_000;
const HIGH = 300;
const AFTER = 50;
const EVENT_BYTES = 1_024;

const cluster = useCluster({ nodes: 3 });

/** What is published, padded so that buffers fill. */
const texts = (what: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${what} ${i}`);

async function publish(channel: Channel, data: readonly string[], priority: 0 | 3): Promise<void> {
  await Promise.all(
    data.map((text) => channel.publish({ data: text.padEnd(EVENT_BYTES), priority })),
  );
}

async function subscriber(
  index: number,
): Promise<{ readonly read: string[]; readonly service: EventService }> {
  const service = await EventService.connect({ socket: cluster.nodes[index]!.socket });
  const channel = await service.open(CHANNEL, { subscriber: true });
  const subscription = channel.subscribe([], { bufferMax: 1_000_000 });
  await subscription.ready;
  const read: string[] = [];
  void (async () => {
    for await (const item of subscription) {
      read.push(item.type === 'lost' ? 'lost' : textOf(item.data).trimEnd());
    }
  })();
  return { read, service };
}

test(
  'a subscriber that stops reading loses the lowest priorities, is told once, and harms nobody',
  async () => {
    await using membership = await Membership.connect({ socket: cluster.nodes[0]!.socket });
    const before = await untilMembers(membership, 3);
    await using service = await EventService.connect({ socket: cluster.nodes[0]!.socket });
    const channel = await service.open(CHANNEL, { create: true, publisher: true });
    const [neighbour, distant] = [await subscriber(1), await subscriber(2)];
    const child = spawn(process.execPath, [CHILD, cluster.nodes[1]!.socket, CHANNEL], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const slow: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => slow.push(line));
    const slowHas = (line: string) =>
      eventually(
        () => slow.includes(line),
        (is) => is,
        `${line} at the slow subscriber`,
      );
    try {
      await slowHas('ready');
      child.kill('SIGSTOP');
      await publish(channel, texts('low', LOW), 3);
      await publish(channel, texts('high', HIGH), 0);
      const all = [...texts('low', LOW), ...texts('high', HIGH)];
      for (const { read } of [neighbour, distant]) {
        await eventually(
          () => read.length,
          (length) => length === all.length,
          'events read',
        );
      }
      child.kill('SIGCONT');
      await slowHas('lost');
      await publish(channel, texts('after', AFTER), 3);
      await slowHas(`after ${AFTER - 1}`);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }

    const of = (what: string, read = slow) => read.filter((line) => line.startsWith(what));
    const low = of('low');
    expect(slow.filter((line) => line === 'lost').length).toBe(1);
    expect(low.length).toBeLessThan(LOW);
    // What waited longest was kept; the loss is told ahead of what follows it.
    expect(low).toEqual(texts('low', low.length));
    expect(of('high')).toEqual(texts('high', HIGH));
    expect(of('after')).toEqual(texts('after', AFTER));
    expect(slow.indexOf('lost')).toBeLessThan(slow.indexOf('after 0'));
    for (const { read, service: healthy } of [neighbour, distant]) {
      await eventually(
        () => of('after', read).length,
        (length) => length === AFTER,
        'the rest',
      );
      expect([of('low', read), of('high', read), of('after', read)]).toEqual([
        texts('low', LOW),
        texts('high', HIGH),
        texts('after', AFTER),
      ]);
      await healthy.close();
    }
    expect((await untilMembers(membership, 3)).viewNumber).toBe(before.viewNumber);
  },
  TEST_TIMEOUT_MS,
);
