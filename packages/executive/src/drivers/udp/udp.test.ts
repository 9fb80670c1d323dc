import { createSocket } from 'node:dgram';
import { describe, expect, test } from '@jest/globals';
import type { NodeConfig } from '../config/config.ts';
import { createSourceCheck, createUdpTransport, type UdpTransport } from './udp.ts';

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
async function transport(self: NodeConfig, nodes: readonly NodeConfig[]) {
  const received: Uint8Array[] = [];
  let wake = () => {};
  const udp = await createUdpTransport({
    self,
    nodes,
    receive: (bytes) => {
      received.push(bytes);
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

describe('the udpu transport', () => {
  test.each(['127.0.0.1', '::1'])(
    'carries packets between nodes on %s, and not to itself',
    async (address) => {
      const ports = [await freePort(), await freePort(), await freePort()];
      const nodes = ports.map((port, i) => node(i + 1, address, port));
      const [a, b, c] = await Promise.all(nodes.map((self) => transport(self, nodes)));
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
    const one = await transport(self, [self]);
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
    const udp: UdpTransport = await createUdpTransport({
      self,
      nodes: [self],
      receive: (bytes) => {
        handled++;
        udp.unicast(1, bytes);
      },
    });
    udp.unicast(1, packet(1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(handled).toBeGreaterThan(1);
    await udp.close();
  });

  test('packets of strangers, and those too short to be any, are counted and dropped', async () => {
    const peer = node(2, '127.0.0.1', await freePort());
    const self = node(1, '127.0.0.1', await freePort());
    const one = await transport(self, [self, peer]);
    const two = await transport(peer, [self, peer]);
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
    const one = await transport(self, [self, node(2, '127.0.0.1', 9)]);
    one.udp.unicast(77, packet(1));
    one.udp.unicast(2, packet(1, 65_508));
    one.udp.multicast(packet(1, 65_508));
    expect(one.udp.stats()).toMatchObject({ droppedNoTarget: 1, droppedLength: 2, packetsSent: 0 });
    await closeAll(one);
  });

  test('what the kernel refuses to send is counted as loss', async () => {
    const self = node(1, '127.0.0.1', 0);
    // From a socket bound to loopback there is no way to another network.
    const one = await transport(self, [self, node(2, '203.0.113.1', 5405)]);
    one.udp.unicast(2, packet(1));
    while (one.udp.stats()['sendErrors'] === 0)
      await new Promise((resolve) => setImmediate(resolve));
    expect(one.udp.stats()).toMatchObject({ packetsSent: 1, sendErrors: 1 });
    await closeAll(one);
  });

  test('an address in use is named, and so is one of another host', async () => {
    const self = node(1, '127.0.0.1', await freePort());
    const one = await transport(self, [self]);
    await expect(transport(self, [self])).rejects.toThrow(
      `127.0.0.1:${self.port} is in use: another executive`,
    );
    await expect(transport(node(1, '203.0.113.1', 5405), [])).rejects.toThrow(
      /cannot use 203.0.113.1/,
    );
    await closeAll(one);
  });
});

describe('the source check', () => {
  const self = node(1, '10.0.0.1', 5405);
  test('compares addresses only, as peers send from other ports', () => {
    const check = createSourceCheck(self, [node(2, '10.0.0.2', 5405)]);
    expect(check({ address: '10.0.0.2', port: 40_000 })).toBe(true);
    expect(check({ address: '10.0.0.3', port: 5405 })).toBe(false);
    expect(check({ address: '10.0.0.1', port: 5405 })).toBe(false);
  });

  test('compares ports, too, where nodes share an address', () => {
    const peers = [node(2, '10.0.0.1', 5406), node(3, '10.0.0.3', 5405)];
    const check = createSourceCheck(self, peers);
    expect(check({ address: '10.0.0.1', port: 5406 })).toBe(true);
    expect(check({ address: '10.0.0.1', port: 5405 })).toBe(false);
    expect(check({ address: '10.0.0.1', port: 40_000 })).toBe(false);
    expect(check({ address: '10.0.0.3', port: 40_000 })).toBe(true);
  });
});
