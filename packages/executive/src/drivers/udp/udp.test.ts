import { createSocket } from 'node:dgram';
import { describe, expect, test } from '@jest/globals';
import type { NodeConfig } from '../../config/config.ts';
import { canonicalAddress } from '../../config/resolve.ts';
import { DATAGRAM_BYTES_MAX, SEND_BATCH, SPARED_PROBE_MS } from '../../limits.ts';
import { createPeerLookup, createPeers } from './peers.ts';
import { decodeSockaddr, encodeSockaddr } from './sockaddr.ts';
import { loadUdpSyscalls } from './syscalls.ts';
import { createUdpTransport, type UdpOptions, type UdpTransport } from './udp.ts';

const node = (id: number, address: string, port: number): NodeConfig => ({
  id,
  name: `n${id}`,
  address,
  family: address.includes(':') ? 'inet6' : 'inet',
  port,
});
const packet = (fill: number, length = 20) => new Uint8Array(length).fill(fill);

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** A transport whose received packets can be awaited. */
async function transport(
  self: NodeConfig,
  nodes: readonly NodeConfig[],
  more: Partial<UdpOptions> = {},
) {
  const received: Uint8Array[] = [];
  let wake = () => {};
  const udp = await createUdpTransport({
    self,
    nodes,
    ...more,
    receive: (bytes) => {
      received.push(Uint8Array.from(bytes));
      wake();
    },
  });
  const count = async (wanted: number) => {
    while (received.length < wanted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { udp, received, count };
}

const closeAll = (...all: { udp: UdpTransport }[]) =>
  Promise.all(all.map(({ udp }) => udp.close()));

/** All ways to use a socket; `dgram` is what there is where koffi cannot wait. */
const WAYS = [
  ['auto', {}],
  ['dgram', { wait: 'dgram' }],
  ['plain', { io: 'plain' }],
] as const satisfies readonly (readonly [string, Partial<UdpOptions>])[];

describe.each(WAYS)('the udpu transport (%s)', (_, way) => {
  test.each(['127.0.0.1', '::1'])(
    'carries packets between nodes on %s, and not to itself',
    async (address) => {
      const ports = [await freePort(), await freePort(), await freePort()];
      const nodes = ports.map((port, i) => node(i + 1, address, port));
      const [a, b, c] = await Promise.all(nodes.map((self) => transport(self, nodes, way)));
      const reused = packet(1);
      a!.udp.multicast(reused);
      a!.udp.unicast(2, reused);
      reused.fill(9);
      await Promise.all([b!.count(2), c!.count(1)]);
      expect(b!.received.map((bytes) => bytes[0])).toEqual([1, 1]);
      expect(c!.received.map((bytes) => bytes[0])).toEqual([1]);
      expect(a!.received).toEqual([]);
      expect(a!.udp.stats()).toMatchObject({ packetsSent: 3, bytesSent: 60, sendErrors: 0 });
      await closeAll(a!, b!, c!);
    },
  );

  test('a packet to itself comes in a later turn, copied', async () => {
    const self = node(1, '127.0.0.1', 0);
    const one = await transport(self, [self], way);
    const reused = packet(5);
    one.udp.unicast(1, reused);
    reused.fill(0);
    expect(one.received).toEqual([]);
    await one.count(1);
    expect(one.received[0]?.[0]).toBe(5);
    await closeAll(one);
  });

  test('a receiver that always answers itself does not keep the loop from turning', async () => {
    const self = node(1, '127.0.0.1', 0);
    let handled = 0;
    let answered = () => {};
    const often = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const udp: UdpTransport = await createUdpTransport({
      self,
      nodes: [self],
      ...way,
      receive: (bytes) => {
        handled++;
        if (handled === 1000) answered();
        udp.unicast(1, bytes);
      },
    });
    udp.unicast(1, packet(1));
    await often;
    // The answers go on, and a timer, for which the loop must turn, fires all the same.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await udp.close();
    expect(handled).toBeGreaterThanOrEqual(1000);
  });

  test('packets of strangers, and those too short to be any, are counted and dropped', async () => {
    const peer = node(2, '127.0.0.1', await freePort());
    const self = node(1, '127.0.0.1', await freePort());
    const one = await transport(self, [self, peer], way);
    const two = await transport(peer, [self, peer], way);
    const stranger = createSocket('udp4');
    await new Promise<void>((resolve) =>
      stranger.send(packet(6), self.port, self.address, () => resolve()),
    );
    two.udp.unicast(1, packet(7, 12));
    two.udp.unicast(1, packet(8, 13));
    await one.count(1);
    expect(one.received.map((bytes) => bytes[0])).toEqual([8]);
    expect(one.udp.stats()).toMatchObject({
      droppedUnlisted: 1,
      droppedLength: 1,
      packetsReceived: 1,
    });
    stranger.close();
    await closeAll(one, two);
  });

  test('an unknown target and an impossible length are counted, not thrown', async () => {
    const self = node(1, '127.0.0.1', 0);
    const one = await transport(self, [self, node(2, '127.0.0.1', 9)], way);
    one.udp.unicast(77, packet(1));
    one.udp.unicast(2, packet(1, 65_508));
    one.udp.multicast(packet(1, 65_508));
    expect(one.udp.stats()).toMatchObject({ droppedNoTarget: 1, droppedLength: 2, packetsSent: 0 });
    await closeAll(one);
  });

  test('what the kernel refuses to send is counted as loss', async () => {
    const self = node(1, '127.0.0.1', 0);
    // From a socket bound to loopback there is no way to another network.
    const one = await transport(self, [self, node(2, '203.0.113.1', 5405)], way);
    one.udp.unicast(2, packet(1));
    while (one.udp.stats()['sendErrors'] === 0)
      await new Promise((resolve) => setImmediate(resolve));
    expect(one.udp.stats()).toMatchObject({ packetsSent: 1, sendErrors: 1 });
    await closeAll(one);
  });

  test('an address in use is named, and so is one of another host', async () => {
    const self = node(1, '127.0.0.1', await freePort());
    const one = await transport(self, [self], way);
    await expect(transport(self, [self], way)).rejects.toThrow(
      `127.0.0.1:${self.port} is in use: another executive`,
    );
    await expect(transport(node(1, '203.0.113.1', 5405), [], way)).rejects.toThrow(
      /cannot use 203.0.113.1/,
    );
    await closeAll(one);
  });
});

const canBatch = loadUdpSyscalls().missing === undefined;

(canBatch ? describe : describe.skip)('batches of system calls', () => {
  test('a burst larger than a batch arrives whole and in order, from one turn', async () => {
    const nodes = [
      node(1, '127.0.0.1', await freePort()),
      node(2, '127.0.0.1', await freePort()),
      node(3, '127.0.0.1', await freePort()),
    ];
    const [one, two, three] = await Promise.all(nodes.map((self) => transport(self, nodes)));
    const sent = Array.from({ length: SEND_BATCH }, (_, i) => packet(i & 0xff, 100 + i));
    for (const bytes of sent) one!.udp.multicast(bytes);
    one!.udp.unicast(2, packet(255, 20));
    await Promise.all([two!.count(sent.length + 1), three!.count(sent.length)]);
    expect(three!.received.map((bytes) => [...bytes])).toEqual(sent.map((bytes) => [...bytes]));
    expect(two!.received.at(-1)).toEqual(packet(255, 20));
    expect(one!.udp.stats()['sendCalls']).toBeLessThan(10);
    await closeAll(one!, two!, three!);
  });

  test('packets of one size leave together and arrive one by one, the shorter last one, too', async () => {
    const nodes = [
      node(1, '127.0.0.1', await freePort()),
      node(2, '127.0.0.1', await freePort()),
      node(3, '127.0.0.1', await freePort()),
    ];
    const [one, two, three] = await Promise.all(nodes.map((self) => transport(self, nodes)));
    const sent = Array.from({ length: 17 }, (_, i) => packet(i, i === 16 ? 300 : 1400));
    for (const bytes of sent) one!.udp.multicast(bytes);
    one!.udp.unicast(2, packet(255, 57));
    await Promise.all([two!.count(18), three!.count(17)]);
    expect(three!.received.map((bytes) => [...bytes])).toEqual(sent.map((bytes) => [...bytes]));
    expect(two!.received.at(-1)).toEqual(packet(255, 57));
    expect(one!.udp.stats()).toMatchObject({ sendCalls: 1, packetsSent: 35, sendErrors: 0 });
    const isOff = one!.udp.stats()['segmentationOff'] === 1;
    expect(one!.udp.stats()['segments']).toBe(isOff ? 0 : 34);
    expect(three!.udp.stats()['coalesced']).toBe(isOff ? 0 : 17);
    await closeAll(one!, two!, three!);
  });

  test('the largest datagrams pass, whatever is left of the batch', async () => {
    const nodes = [node(1, '127.0.0.1', await freePort()), node(2, '127.0.0.1', await freePort())];
    const [one, two] = await Promise.all(nodes.map((self) => transport(self, nodes)));
    const large = Array.from({ length: 20 }, (_, i) => packet(i, DATAGRAM_BYTES_MAX));
    for (const [i, bytes] of large.entries()) {
      one!.udp.multicast(bytes);
      one!.udp.unicast(2, packet(i));
      await two!.count(2 * i + 2);
    }
    const arrived = two!.received.filter((_, i) => i % 2 === 0);
    expect(arrived.every((bytes, i) => Buffer.compare(bytes, large[i]!) === 0)).toBe(true);
    await closeAll(one!, two!);
  });

  test.each(['127.0.0.1', '::1'])(
    'a refusal on %s is told with the node it concerns, and costs the living no packet',
    async (address) => {
      const nodes = [
        node(1, address, await freePort()),
        node(2, address, await freePort()),
        node(3, address, await freePort()),
      ];
      const refused: number[] = [];
      const one = await transport(nodes[0]!, nodes, {
        refused: (nodeId) => {
          refused.push(nodeId);
          return true;
        },
      });
      const three = await transport(nodes[2]!, nodes);
      for (let i = 0; i < 100; i++) {
        one.udp.multicast(packet(i));
        one.udp.unicast(3, packet(i));
      }
      await three.count(200);
      expect(new Set(refused)).toEqual(new Set([2]));
      expect(one.udp.stats()).toMatchObject({ sendErrors: 0, socketErrors: 0, packetsSent: 300 });
      await closeAll(one, three);
    },
  );

  test('a dead peer that nobody needs is spared until it is heard', async () => {
    const nodes = [node(1, '127.0.0.1', await freePort()), node(2, '127.0.0.1', await freePort())];
    let now = 0;
    let heard = 0;
    let isRefused = () => {};
    const refusal = new Promise<void>((resolve) => {
      isRefused = resolve;
    });
    const one = await transport(nodes[0]!, nodes, {
      clock: () => now,
      refused: () => {
        heard++;
        isRefused();
        return false;
      },
    });
    one.udp.multicast(packet(1));
    await refusal;
    const { packetsSent } = one.udp.stats() as { packetsSent: number };
    for (now = 1; now <= 2 * SPARED_PROBE_MS; now++) one.udp.multicast(packet(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(one.udp.stats()['packetsSent']).toBe(packetsSent + 2);
    expect(heard).toBe(1);
    const two = await transport(nodes[1]!, nodes);
    two.udp.unicast(1, packet(3));
    await one.count(1);
    one.udp.multicast(packet(4));
    one.udp.multicast(packet(5));
    await two.count(2);
    expect(two.received.map((bytes) => bytes[0])).toEqual([4, 5]);
    await closeAll(one, two);
  });
});

describe('whose a packet is', () => {
  const self = node(1, '10.0.0.1', 5405);
  const lookup = (peers: readonly NodeConfig[]) => {
    const find = createPeerLookup(self, createPeers(self, [self, ...peers]));
    return (address: string, port: number) => find({ address, port })?.node.id;
  };

  test('addresses decide, as peers send from other ports', () => {
    const idOf = lookup([node(2, '10.0.0.2', 5405)]);
    expect(idOf('10.0.0.2', 40_000)).toBe(2);
    expect(idOf('10.0.0.3', 5405)).toBeUndefined();
    expect(idOf('10.0.0.1', 5405)).toBeUndefined();
  });

  test('ports decide, too, where nodes share an address', () => {
    const idOf = lookup([node(2, '10.0.0.1', 5406), node(3, '10.0.0.3', 5405)]);
    expect(idOf('10.0.0.1', 5406)).toBe(2);
    expect(idOf('10.0.0.1', 5405)).toBeUndefined();
    expect(idOf('10.0.0.1', 40_000)).toBeUndefined();
    expect(idOf('10.0.0.3', 40_000)).toBe(3);
  });
});

test.each(['10.1.2.3', '::1', '::', 'fe80::1:2', '2001:db8:1:2:3:4:5:6', '::ffff:192.0.2.1'])(
  '%s survives its way through a sockaddr',
  (address) => {
    expect(decodeSockaddr(encodeSockaddr({ address, port: 5405 }), 0)).toEqual({
      address: canonicalAddress(address),
      port: 5405,
    });
  },
);
