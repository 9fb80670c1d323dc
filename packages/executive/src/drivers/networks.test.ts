import { createSocket } from 'node:dgram';
import type { LinkEvent } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import type { ExecutiveConfig } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { freePorts } from '../executive.fixture.ts';
import { type Networks, openNetworks } from './networks.ts';
import { createUdpTransport } from './udp/udp.ts';

/** Two nodes; node 1 has its second link, node 2, too, if `peerLinks` is 2. */
async function configure(peerLinks: 1 | 2, mode = 'passive'): Promise<readonly ExecutiveConfig[]> {
  const [one, two] = await freePorts(2);
  const second = peerLinks === 2 ? 'links: [127.0.0.1, 127.0.1.1]' : 'address: 127.0.0.1';
  return [1, 2].map((id) => {
    const { config, problems } = parseConfig(
      `node: {id: ${id}}
totem: {link_mode: ${mode}, token: 400}
nodelist:
  - {id: 1, port: ${one}, links: [127.0.0.1, 127.0.1.1]}
  - {id: 2, port: ${two}, ${second}}`,
      'test.yaml',
    );
    if (config === undefined) throw new Error(problems.join('\n'));
    return config;
  });
}

interface Node {
  readonly networks: Networks;
  readonly received: number[];
  readonly events: LinkEvent[];
  /** Links whose datagrams do not get here. */
  readonly cut: Set<number>;
}

async function open(config: ExecutiveConfig): Promise<Node> {
  const received: number[] = [];
  const events: LinkEvent[] = [];
  const cut = new Set<number>();
  let links = 0;
  const networks = await openNetworks({
    config,
    open: (options) => {
      const link = links++;
      const receive = (packet: Uint8Array, source: number) => {
        if (!cut.has(link)) options.receive(packet, source);
      };
      return createUdpTransport({ ...options, receive });
    },
    receive: (packet) => received.push(packet[0]!),
    refused: () => true,
    event: (event) => events.push(event),
  });
  networks.start();
  return { networks, received, events, cut };
}

/** A message of the ring, as far as the link layer looks. */
const packet = (first: number) => new Uint8Array(20).fill(first, 0, 3).fill(1, 3);
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};
const isUp = ({ networks }: Node) => networks.links().every(({ state }) => state === 'up');

describe('two networks', () => {
  test.each([
    ['passive', 1],
    ['active', 2],
  ])(
    '%s: each packet comes %i times, and over the other link when one is cut',
    async (mode, copies) => {
      const [one, two] = await Promise.all((await configure(2, mode)).map(open));
      if (one === undefined || two === undefined) throw new Error('two nodes');
      await until(() => isUp(one) && isUp(two));
      one.networks.unicast(2, packet(1));
      one.networks.multicast(packet(2));
      one.networks.unicast(1, packet(3));
      await until(() => two.received.length === 2 * copies && one.received.length === 1);
      expect([...two.received].sort()).toEqual([1, 2].flatMap((n) => Array(copies).fill(n)));
      expect(one.received).toEqual([3]);
      two.cut.add(0);
      await until(() => one.events.at(-1)?.event === 'link-down');
      expect(one.events.at(-1)).toEqual({
        event: 'link-down',
        link: 0,
        peer: 2,
        reason: 'silent',
        up: 1,
      });
      one.networks.multicast(packet(4));
      await until(() => two.received.includes(4));
      expect(one.networks.links()).toMatchObject([
        { peer: 2, link: 0, state: 'down', used: false, downs: 1 },
        { peer: 2, link: 1, state: 'up', used: true, downs: 0 },
      ]);
      expect(one.networks.stats()['links']).toMatchObject({ links: 2, up: 1 });
      await Promise.all([one.networks.close(), two.networks.close()]);
    },
  );

  test('with a peer of one link nothing but the packets of the ring is sent', async () => {
    const [one, two] = await Promise.all((await configure(1)).map(open));
    two!.networks.unicast(1, packet(1));
    one!.networks.multicast(packet(2));
    await until(() => one!.received.length + two!.received.length === 2);
    for (const { networks } of [one!, two!]) {
      expect(networks.stats()['udp']).toMatchObject({ packetsSent: 1, packetsReceived: 1 });
    }
    expect(one!.networks.links()).toMatchObject([
      { peer: 2, link: 0, state: 'single', used: true },
    ]);
    expect(two!.networks.links()).toEqual([]);
    await Promise.all([one!.networks.close(), two!.networks.close()]);
  });

  test('where the second address is in use, that is said and the first is free again', async () => {
    const [config] = await configure(2);
    const [first, second] = config!.node.links!;
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(second!.port, second!.address, resolve));
    await expect(open(config!)).rejects.toThrow(`${second!.address}:${second!.port} is in use`);
    await new Promise<void>((resolve) => other.close(resolve));
    const again = createSocket('udp4');
    await new Promise<void>((resolve) => again.bind(first!.port, first!.address, resolve));
    await new Promise<void>((resolve) => again.close(resolve));
  });
});
