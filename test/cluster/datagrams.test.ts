import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { LocalNode } from '@aisexec/executive/local-cluster';
import { LockService } from '@aisexec/lck';
import { describe, expect, test } from '@jest/globals';
import { membersEverywhere, ringTest, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const DATAGRAMS = 20_000;
const FRAMES = 50;

describe('rubbish from outside', () => {
  const cluster = useCluster({ nodes: 2 });

  ringTest(
    'random, truncated and oversized datagrams are dropped; the ring and its clients notice nothing',
    async () => {
      const [node, other] = cluster.nodes;
      await using service = await LockService.connect({ socket: other!.socket });
      const resource = await service.open('steady', { create: true });
      const held = await resource.acquire('EX');
      await flood(portOf(node!));
      await using second = await LockService.connect({ socket: node!.socket });
      expect(await (await second.open('steady')).tryAcquire('EX')).toBeUndefined();
      expect(held.signal.aborted).toBe(false);
      await membersEverywhere(cluster.nodes, 2);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'rubbish on the client socket costs its sender the connection and nobody else anything',
    async () => {
      const node = cluster.nodes[0]!;
      await using service = await LockService.connect({ socket: node.socket });
      const resource = await service.open('calm', { create: true });
      for (let i = 0; i < FRAMES; i++) {
        const held = resource.acquire('EX');
        await rubbishClient(node.socket, i);
        await (await held).unlock();
      }
      expect(node.condition).toBe('up');
    },
    TEST_TIMEOUT_MS,
  );
});

function portOf(node: LocalNode): number {
  const text = readFileSync(join(node.directory, 'aisexec.yaml'), 'utf8');
  const ports = [...text.matchAll(/port: (\d+)/g)].map((match) => Number(match[1]));
  return ports[node.id - 1]!;
}

/** Datagrams of all lengths; half of them begin like one of Corosync's. */
async function flood(port: number): Promise<void> {
  const socket = createSocket('udp4');
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  for (let i = 0; i < DATAGRAMS; i++) {
    const bytes = Buffer.alloc(i % 1000 === 0 ? 60_000 : random(200), random(256));
    if (i % 2 === 0 && bytes.length > 4) bytes.set([0x70, 0xc0, 3, random(7), random(3)]);
    await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve));
  }
  socket.close();
}

/** Connects, writes something that is no frame, and resolves when the executive has hung up. */
function rubbishClient(path: string, seed: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    const lengths = [0xffff_ffff, 0, 7, 64, 1_000_000];
    const head = Buffer.alloc(4);
    head.writeUInt32LE(lengths[seed % lengths.length]!);
    socket.end(Buffer.concat([head, Buffer.alloc(seed * 3, seed)]));
    socket.resume();
  });
}
