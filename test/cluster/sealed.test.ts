import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventService, textOf } from '@aisexec/evt';
import { createKeyFile, keyName } from '@aisexec/executive/key-file';
import { LocalCluster, type LocalNode } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { aisctl, document } from './aisctl.fixture.ts';
import { eventually, membersEverywhere, TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

const ROUNDS = 20;
/** So long that a busy machine is never taken for a dead node. */
const TOKEN = { token: 10_000, token_coefficient: 0 };
const MARKER = 'plainly-to-be-seen-by-everybody';

let directory: string;
let keyFile: string;
let cluster: LocalCluster | undefined;
let log: (readonly [node: number, line: Record<string, unknown>])[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-sealed-'));
  keyFile = join(directory, 'key');
  log = [];
});
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  rmSync(directory, { recursive: true });
});

const onLog = ({ id }: LocalNode, line: string) =>
  void log.push([id, JSON.parse(line) as Record<string, unknown>]);
const logged = (event: string, node?: number) =>
  log.filter(([id, line]) => line['event'] === event && (node === undefined || node === id));

/** Puts a new key in the place of the key file, as an operator would on every node. */
function newKeyFile(id: number): string {
  const key = createKeyFile(`${keyFile}.new`, id);
  renameSync(`${keyFile}.new`, keyFile);
  return keyName(key);
}

describe('a sealed cluster', () => {
  test('keeps out a node with another key, and says who it is', async () => {
    newKeyFile(1);
    const wrong = join(directory, 'wrong');
    createKeyFile(wrong, 9);
    cluster = await LocalCluster.prepare({
      nodes: 4,
      totem: (id) => ({ key_file: id === 4 ? wrong : keyFile }),
      onLog,
    });
    const [one, two, three, four] = cluster.nodes as [LocalNode, LocalNode, LocalNode, LocalNode];
    const together = [one, two, three].map((node) => node.sees(3));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await Promise.all(together);
    await eventually(
      () => new Set(logged('packet-refused').map(([id]) => id)),
      (nodes) => nodes.size === 4,
      'refused packets in the logs of all four',
    );
    const theirs = { from: 4, name: 'node-4', reason: 'unknown-key', keyId: 9 };
    for (const [id, line] of logged('packet-refused')) {
      if (id !== 4) expect(line).toMatchObject(theirs);
    }
    expect(await ringOf(four)).toEqual([4]);
    expect(await ringOf(one)).toEqual([1, 2, 3]);
    await four.stop();
    rmSync(wrong);
    renameSync(keyFile, wrong);
    await four.start();
    await membersEverywhere(cluster.nodes, 4);
  });

  test.each([
    ['shows nothing of what it says on the wire', true],
    ['that has no key shows everything', false],
  ])('%s', async (_, isSealed) => {
    newKeyFile(5);
    cluster = await LocalCluster.prepare({
      nodes: 3,
      ...(isSealed ? { totem: { key_file: keyFile } } : {}),
      quorum: 'none',
      onLog,
    });
    const [one, two, absent] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
    const eavesdropper = createSocket('udp4');
    const heard: Buffer[] = [];
    eavesdropper.on('message', (datagram) => heard.push(datagram));
    const together = Promise.all([one.sees(2), two.sees(2)]);
    await Promise.all([one.start(), two.start()]);
    // It sits where the third node will not be started: what is for all goes there, too.
    eavesdropper.bind(portOf(one, absent.id), '127.0.0.1');
    await once(eavesdropper, 'listening');
    await together;
    // A node that was not there is sent little until it is heard.
    for (const { id } of [one, two])
      eavesdropper.send(Buffer.alloc(20), portOf(one, id), '127.0.0.1');
    await using locks = await LockService.connect({ socket: one.socket });
    let opened = 0;
    await eventually(
      async () => {
        await locks.open(`${MARKER} ${opened++}`, { create: true });
        return isSealed ? heard.length : heard.filter((bytes) => bytes.includes(MARKER)).length;
      },
      (count) => count > 20 && opened > 20,
      'datagrams at the eavesdropper',
    );
    const magic = new Set(heard.map((datagram) => datagram.readUInt16BE(0)));
    expect(magic.has(0xc5ea)).toBe(isSealed);
    expect(magic.size).toBe(1);
    expect(heard.some((datagram) => datagram.includes(MARKER))).toBe(!isSealed);
    expect(logged('unsealed-ring')).toHaveLength(isSealed ? 0 : 2);
    eavesdropper.close();
  });

  test(`changes its key ${ROUNDS} times under load without losing a node or an event`, async () => {
    newKeyFile(100);
    cluster = await LocalCluster.start({ nodes: 3, totem: { key_file: keyFile, ...TOKEN }, onLog });
    await membersEverywhere(cluster.nodes, 3);
    const [one, two, three] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
    await using load = await startLoad(one, two);
    const views = logged('view').length;
    const gathers = logged('enter-gather').length;
    for (let round = 0; round < ROUNDS; round++) {
      const before = load.received;
      const key = newKeyFile(101 + round);
      const node = cluster.nodes[round % 3]!;
      const outcome = await aisctl(['key', 'rotate', '--format', 'json'], node.socket);
      expect(document(outcome)).toMatchObject({ key, members: [1, 2, 3], done: true });
      await eventually(
        () => load.received,
        (count) => count > before,
        'events after a rotation',
      );
    }
    expect(logged('view')).toHaveLength(views);
    expect(logged('enter-gather')).toHaveLength(gathers);
    await load.finish();

    const last = newKeyFile(99);
    const rotation = aisctl(['key', 'rotate', '--format', 'json'], one.socket);
    await eventually(
      () => logged('key-loaded', 3).filter(([, line]) => line['key'] === last).length,
      (count) => count === 1,
      'the victim has the new key',
    );
    three.kill();
    expect(document(await rotation)).toMatchObject({ key: last, done: true });
    await three.exited();
    await three.start();
    await membersEverywhere(cluster.nodes, 3);
    for (const node of cluster.nodes) {
      await eventually(
        async () => (await statusOf(node))['keys'],
        (keys) => (keys as { state: string; sending: string }).state === 'idle',
        'the end of the rotation',
      );
      expect((await statusOf(node))['keys']).toMatchObject({ sending: last, previous: null });
    }
  });

  test('says which node has not got the new key, and stays with the old one', async () => {
    const old = newKeyFile(1);
    const other = join(directory, 'other');
    copyFileSync(keyFile, other);
    cluster = await LocalCluster.start({
      nodes: 2,
      totem: (id) => ({ key_file: id === 2 ? other : keyFile, ...TOKEN }),
    });
    newKeyFile(2);
    const { socket } = cluster.nodes[0]!;
    const outcome = await aisctl(['key', 'rotate'], socket);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/was not taken into use: node 2: its key file has key 1:/);
    expect(String((await aisctl(['key', 'status'], socket)).stdout)).toMatch(
      new RegExp(`^sending with ${old}; last change: to 2:.*, failed`),
    );
  });
});

async function statusOf(node: LocalNode): Promise<Record<string, unknown>> {
  return document(await aisctl(['status', '--format', 'json'], node.socket));
}

async function ringOf(node: LocalNode): Promise<unknown> {
  return ((await statusOf(node))['ring'] as { members: unknown }).members;
}

function portOf(node: LocalNode, id: number): number {
  const text = readFileSync(join(node.directory, 'aisexec.yaml'), 'utf8');
  return Number([...text.matchAll(/port: (\d+)/g)][id - 1]![1]);
}

/** Events from one node to another, numbered, one after the other without a pause. */
async function startLoad(from: LocalNode, to: LocalNode) {
  const publisher = await EventService.connect({ socket: from.socket });
  const subscriber = await EventService.connect({ socket: to.socket });
  const source = await publisher.open('load', { create: true, publisher: true });
  const subscription = (await subscriber.open('load', { subscriber: true })).subscribe([], {
    bufferMax: 1_000_000,
  });
  await subscription.ready;
  let isSending = true;
  let sent = 0;
  let received = 0;
  const sending = (async () => {
    for (; isSending; sent++) await source.publish({ data: String(sent) });
  })();
  const receiving = (async () => {
    for await (const item of subscription) {
      if (item.type === 'lost') throw new Error(`events were lost after ${received}`);
      expect(textOf(item.data)).toBe(String(received));
      received++;
    }
  })();
  return {
    get received() {
      return received;
    },
    /** Every event that was sent has come, in order and once. */
    async finish(): Promise<void> {
      isSending = false;
      await sending;
      await Promise.race([
        receiving,
        eventually(
          () => received,
          (count) => count === sent,
          `${sent} events received`,
        ),
      ]);
      expect(received).toBe(sent);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      isSending = false;
      await sending.catch(() => {});
      await subscriber.close();
      await publisher.close();
      await receiving.catch(() => {});
    },
  };
}
