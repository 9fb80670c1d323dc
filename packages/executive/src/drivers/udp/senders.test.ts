import type { Socket } from 'node:dgram';
import { expect, test } from '@jest/globals';
import { SEND_QUEUE_BYTES_MAX } from '../../limits.ts';
import { createPeers } from './peers.ts';
import { senderOf } from './senders.ts';

test('node:dgram takes what the kernel does not, up to a bound: the rest is loss', () => {
  const nodes = [1, 2, 3].map((id) => ({
    ...{ id, name: `n${id}`, address: `10.0.0.${id}`, family: 'inet' as const, port: 5405 },
  }));
  const peers = createPeers(nodes[0]!, nodes);
  let waiting = 0;
  let failed = 0;
  const socket = {
    getSendQueueSize: () => waiting,
    send(bytes: Uint8Array) {
      waiting += bytes.length;
    },
  } as unknown as Socket;
  const sender = senderOf({ socket, syscalls: undefined }, peers, () => failed++);
  const packet = new Uint8Array(60_000);
  for (let i = 0; i < 100; i++) sender.send(packet, peers);
  expect(waiting).toBeGreaterThan(SEND_QUEUE_BYTES_MAX);
  expect(waiting).toBeLessThanOrEqual(SEND_QUEUE_BYTES_MAX + packet.length * peers.length);
  expect(failed).toBe(200 - waiting / packet.length);
});
