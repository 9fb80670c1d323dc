import { createSocket } from 'node:dgram';
import type { LinkEvent } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import type { ExecutiveConfig } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { freePorts } from '../executive.fixture.ts';
import { type GroupKey, groupKey } from '../key-file.ts';
import { createNetworks, type Networks } from './networks.ts';
import { createSeal, type Seal } from './seal/transport.ts';
import { createUdpTransport } from './udp/udp.ts';

type Wrap = Seal['around'];
const asItIs: Wrap = (options, below) => below(options);

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

async function open(config: ExecutiveConfig, wrap: Wrap = asItIs): Promise<Node> {
  const received: number[] = [];
  const events: LinkEvent[] = [];
  const cut = new Set<number>();
  let links = 0;
  const networks = await createNetworks({
    config,
    open: (options) => {
      const link = links++;
      const receive = (packet: Uint8Array, source: number) => {
        if (!cut.has(link)) options.receive(packet, source);
      };
      return wrap({ ...options, receive }, createUdpTransport);
    },
    receive: (packet) => received.push(packet[0]!),
    refused: () => true,
    event: (event) => events.push(event),
    failed: (error) => {
      throw error;
    },
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
      const [one, two] = await Promise.all(
        (await configure(2, mode)).map((config) => open(config)),
      );
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
    const [one, two] = await Promise.all((await configure(1)).map((config) => open(config)));
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

  test('sealed: a new key reaches both links, and what is sealed with another is silence', async () => {
    const [a, b] = [1, 2].map((id) => groupKey(id, new Uint8Array(32).fill(id))) as [
      GroupKey,
      GroupKey,
    ];
    let epoch = 1n;
    const sealOf = (nodeId: number) =>
      createSeal({
        nodeId,
        peers: [3 - nodeId],
        cipher: 'aes-256-gcm',
        sending: a,
        accepted: [a],
        epochs: { next: () => epoch++ },
        heardOther: () => {},
        heardUnknown: () => {},
        trace: () => {},
      });
    const seals = [sealOf(1), sealOf(2)] as const;
    const configs = await configure(2, 'active');
    const [one, two] = await Promise.all(
      configs.map((config, i) => open(config, seals[i]!.around)),
    );
    if (one === undefined || two === undefined) throw new Error('two nodes');
    await until(() => isUp(one) && isUp(two));
    for (const seal of seals) seal.useKeys(a, [a, b]);
    for (const seal of seals) seal.useKeys(b, [b]);
    const answers = one.networks.links().map((link) => link.answers);
    await until(() => one.networks.links().every((link, i) => link.answers > answers[i]! + 1));
    await until(() => isUp(one) && isUp(two));
    one.networks.multicast(packet(1));
    one.networks.flush();
    await until(() => two.received.length === 2);
    seals[1].useKeys(a, [a]);
    await until(() => one.networks.links().every(({ state }) => state !== 'up'));
    one.networks.multicast(packet(2));
    await until(() => (seals[1].stats()['droppedUnknownKey'] ?? 0) > 0);
    expect(two.received).toEqual([1, 1]);
    await Promise.all([one.networks.close(), two.networks.close()]);
  });

  test('a node whose epoch cannot be stored says so and stops probing', async () => {
    const [config] = await configure(2);
    const errors: unknown[] = [];
    const networks = await createNetworks({
      config: config!,
      open: async (options) => ({
        ...(await createUdpTransport(options)),
        unicast() {
          throw new Error('disk full');
        },
      }),
      receive: () => {},
      refused: () => true,
      event: () => {},
      failed: (error) => errors.push(error),
    });
    networks.start();
    expect(errors).toEqual([new Error('disk full')]);
    await networks.close();
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
