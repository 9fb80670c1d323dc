import { describe, expect, test } from '@jest/globals';
import type { NodeConfig } from '../../config/config.ts';
import { type GroupKey, groupKey } from '../../key-file.ts';
import {
  DATAGRAM_BYTES_MAX,
  REFUSAL_REPORT_MS,
  REPLAY_WINDOW_PACKETS,
  SEAL_OVERHEAD_BYTES,
} from '../../limits.ts';
import type { UdpOptions, UdpTransport } from '../udp/udp.ts';
import { createSeal, noticingSealed } from './transport.ts';

const A = groupKey(1, new Uint8Array(32).fill(1));
const B = groupKey(2, new Uint8Array(32).fill(2));
const nodes: readonly NodeConfig[] = [1, 2].map((id) => ({
  id,
  name: `n${id}`,
  address: `10.0.0.${id}`,
  family: 'inet',
  port: 5405,
}));
const packet = Uint8Array.from({ length: 30 }, (_, i) => i);

/** One node's seal around its links, on wires that the test holds. */
async function sealedNode(id: number, key: GroupKey = A, links = 1) {
  const received: number[][] = [];
  const wire: [target: number | 'all', bytes: Uint8Array, link: number][] = [];
  const log: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  const heard: [what: string, id: number][] = [];
  const time = { now: 0 };
  const flushed: number[] = [];
  const opened: UdpOptions[] = [];
  let epoch = 1n;
  const seal = createSeal({
    nodeId: id,
    peers: nodes.map((node) => node.id).filter((peer) => peer !== id),
    cipher: 'aes-256-gcm',
    sending: key,
    accepted: [key],
    epochs: { next: () => epoch++ },
    heardOther: ({ id: keyId }) => heard.push(['other', keyId]),
    heardUnknown: (keyId) => heard.push(['unknown', keyId]),
    trace: (event, detail) => log.push([event, detail]),
    clock: () => time.now,
  });
  const open = async (options: UdpOptions): Promise<UdpTransport> => {
    const link = opened.push(options) - 1;
    return {
      address: '10.0.0.1',
      port: 5405,
      plain: undefined,
      unicast: (target, bytes) => wire.push([target, Uint8Array.from(bytes), link]),
      multicast: (bytes, targets) =>
        wire.push([targets?.[0] ?? 'all', Uint8Array.from(bytes), link]),
      flush: () => flushed.push(link),
      close: async () => {},
      stats: () => ({ packetsSent: wire.length }),
    };
  };
  const transports: UdpTransport[] = [];
  for (let link = 0; link < links; link++) {
    const receive = (bytes: Uint8Array, from: number) => received.push([from, ...bytes]);
    transports.push(await seal.around({ self: nodes[id - 1]!, nodes, receive }, open));
  }
  const arrive = (bytes: Uint8Array, from: number, link = 0) => opened[link]!.receive(bytes, from);
  return {
    seal,
    udp: transports[0]!,
    transports,
    received,
    wire,
    log,
    heard,
    time,
    flushed,
    arrive,
  };
}

test('a ring in the clear names the node that seals, and drops its packets like any that it cannot read', () => {
  const log: unknown[] = [];
  const passed: number[] = [];
  const options = noticingSealed(
    { self: nodes[0]!, nodes, receive: (_, from) => passed.push(from) },
    (event, detail) => log.push([event, detail]),
    () => 0,
  );
  const sealed = Uint8Array.from([0xc5, 0xea, 1, 9, ...new Uint8Array(60)]);
  options.receive(sealed, 2);
  options.receive(sealed, 2);
  options.receive(packet, 2);
  expect(passed).toEqual([2, 2, 2]);
  expect(log).toMatchObject([['packet-refused', { from: 2, reason: 'sealed', keyId: 9 }]]);
});

describe('a sealed transport', () => {
  test('passes packets on to the other node, in the clear at neither end of the wire', async () => {
    const [one, two] = [await sealedNode(1), await sealedNode(2)];
    one.udp.multicast(packet);
    one.udp.unicast(2, packet);
    expect(one.wire.map(([target]) => target)).toEqual(['all', 2]);
    for (const [, bytes] of one.wire) {
      expect(bytes).toHaveLength(packet.length + SEAL_OVERHEAD_BYTES);
      expect(Buffer.from(bytes).includes(Buffer.from(packet.subarray(0, 8)))).toBe(false);
      two.arrive(bytes, 1);
    }
    expect(two.received).toEqual([
      [1, ...packet],
      [1, ...packet],
    ]);
    expect(one.udp.stats()).toEqual({ packetsSent: 2 });
    expect(one.seal.stats()).toMatchObject({ packetsSealed: 2 });
    expect(two.seal.stats()).toMatchObject({ packetsOpened: 2 });
  });

  test('leaves alone what a node sends to itself', async () => {
    const one = await sealedNode(1);
    one.udp.unicast(1, packet);
    expect(one.wire).toEqual([[1, packet, 0]]);
    one.arrive(packet, 1);
    expect(one.received).toEqual([[1, ...packet]]);
  });

  test('drops and counts what would not fit into a datagram', async () => {
    const one = await sealedNode(1);
    one.udp.unicast(2, new Uint8Array(DATAGRAM_BYTES_MAX - SEAL_OVERHEAD_BYTES));
    one.udp.multicast(new Uint8Array(DATAGRAM_BYTES_MAX - SEAL_OVERHEAD_BYTES + 1));
    expect(one.wire).toHaveLength(1);
    expect(one.seal.stats()).toMatchObject({ packetsSealed: 1, droppedTooLong: 1 });
  });

  test('names who sends what cannot be opened, a line for a node and reason at a time', async () => {
    const [one, two] = [await sealedNode(1), await sealedNode(2, B)];
    const send = (times: number) => {
      for (let i = 0; i < times; i++) {
        two.udp.multicast(packet);
        one.arrive(two.wire.at(-1)![1], 2);
      }
    };
    send(5);
    one.arrive(packet, 2);
    one.time.now = REFUSAL_REPORT_MS;
    send(1);
    expect(one.received).toEqual([]);
    const line = { from: 2, name: 'n2', address: '10.0.0.2', port: 5405 };
    expect(one.log).toMatchObject([
      ['packet-refused', { ...line, reason: 'unknown-key', keyId: 2, suppressed: 0 }],
      ['packet-refused', { ...line, reason: 'unsealed', suppressed: 0 }],
      ['packet-refused', { ...line, reason: 'unknown-key', keyId: 2, suppressed: 4 }],
    ]);
    expect(one.heard).toEqual([
      ['unknown', 2],
      ['unknown', 2],
    ]);
    expect(one.seal.stats()).toMatchObject({ droppedUnknownKey: 6, droppedUnsealed: 1 });
  });

  test('says what the other cipher is', async () => {
    const one = await sealedNode(1);
    one.arrive(Uint8Array.from([0xc5, 0xea, 0x11, 1, ...new Uint8Array(60)]), 2);
    expect(one.log).toMatchObject([
      ['packet-refused', { reason: 'cipher', theirs: 'chacha20-poly1305', ours: 'aes-256-gcm' }],
    ]);
  });

  test('a repeated packet is counted and no line of the log', async () => {
    const [one, two] = [await sealedNode(1), await sealedNode(2)];
    two.udp.multicast(packet);
    for (let i = 0; i < 3; i++) one.arrive(two.wire[0]![1], 2);
    expect(one.received).toHaveLength(1);
    expect(one.log).toEqual([]);
    expect(one.seal.stats()).toMatchObject({ droppedReplay: 2 });
  });

  test('changes its key between two packets, accepts both meanwhile, and tells of the other', async () => {
    const [one, two] = [await sealedNode(1), await sealedNode(2)];
    one.seal.useKeys(A, [A, B]);
    two.udp.multicast(packet);
    two.seal.useKeys(B, [B, A]);
    two.udp.multicast(packet);
    for (const [, bytes] of two.wire) one.arrive(bytes, 2);
    expect(two.wire.map(([, bytes]) => bytes[3])).toEqual([1, 2]);
    expect(one.received).toHaveLength(2);
    expect(one.heard).toEqual([['other', 2]]);
    one.seal.useKeys(B, [B]);
    one.arrive(two.wire[0]![1], 2);
    expect(one.seal.stats()).toMatchObject({ packetsOpened: 2, droppedUnknownKey: 1 });
  });
});

describe('a seal around several links', () => {
  const counterOf = (bytes: Uint8Array) => Buffer.from(bytes).readBigUInt64LE(16);
  const epochOf = (bytes: Uint8Array) => Buffer.from(bytes).readBigUInt64LE(8);

  test('uses no nonce twice: one epoch and one counter, whichever link a packet takes', async () => {
    const one = await sealedNode(1, A, 3);
    for (let i = 0; i < 30; i++) {
      const link = one.transports[i % 3]!;
      if (i % 2 === 0) link.multicast(packet);
      else link.unicast(2, packet);
    }
    expect(one.wire.map(([, bytes]) => counterOf(bytes))).toEqual(
      Array.from({ length: 30 }, (_, i) => BigInt(i)),
    );
    expect(new Set(one.wire.map(([, bytes]) => epochOf(bytes)))).toEqual(new Set([1n]));
    expect(one.seal.stats()).toMatchObject({ packetsSealed: 30 });
  });

  test('opens each copy of a packet, and none a second time, on its own link or another', async () => {
    const [one, two] = [await sealedNode(1, A, 2), await sealedNode(2, A, 2)];
    for (const link of one.transports) link.multicast(packet);
    for (const [, bytes, link] of one.wire) two.arrive(bytes, 1, link);
    expect(two.received).toHaveLength(2);
    for (const [, bytes, link] of one.wire) {
      two.arrive(bytes, 1, link);
      two.arrive(bytes, 1, 1 - link);
    }
    expect(two.received).toHaveLength(2);
    expect(two.seal.stats()).toMatchObject({ packetsOpened: 2, droppedReplay: 4 });
  });

  test('drops and counts what a link brings behind the window of the other', async () => {
    const [one, two] = [await sealedNode(1, A, 2), await sealedNode(2, A, 2)];
    one.transports[1]!.multicast(packet);
    one.transports[1]!.multicast(packet);
    for (let i = 1; i < REPLAY_WINDOW_PACKETS; i++) one.transports[0]!.multicast(packet);
    const [lost, late, ...fast] = one.wire.map(([, bytes]) => bytes);
    for (const bytes of fast) two.arrive(bytes, 1, 0);
    two.arrive(late!, 1, 1);
    expect(two.seal.stats()).toMatchObject({ droppedReplay: 0 });
    two.arrive(lost!, 1, 1);
    expect(two.seal.stats()).toMatchObject({
      droppedReplay: 1,
      packetsOpened: REPLAY_WINDOW_PACKETS,
    });
  });

  test('forgets its keys with the last one that is closed', async () => {
    const one = await sealedNode(1, A, 2);
    await one.transports[0]!.close();
    for (const link of one.transports) link.multicast(packet);
    expect(one.wire.map(([, , link]) => link)).toEqual([1]);
    await one.transports[1]!.close();
    one.seal.useKeys(B, [B]);
    for (const link of one.transports) link.multicast(packet);
    expect(one.seal.stats()).toMatchObject({ packetsSealed: 1 });
  });

  test('changes the key of all of them at once', async () => {
    const [one, two] = [await sealedNode(1, A, 2), await sealedNode(2, A, 2)];
    two.seal.useKeys(A, [A, B]);
    one.seal.useKeys(B, [B, A]);
    for (const link of one.transports) link.multicast(packet);
    expect(one.wire.map(([, bytes]) => bytes[3])).toEqual([2, 2]);
    for (const [, bytes, link] of one.wire) two.arrive(bytes, 1, link);
    expect(two.received).toHaveLength(2);
    two.seal.useKeys(A, [A]);
    for (const link of one.transports) link.multicast(packet);
    for (const [, bytes, link] of one.wire.slice(2)) two.arrive(bytes, 1, link);
    expect(two.seal.stats()).toMatchObject({ packetsOpened: 2, droppedUnknownKey: 2 });
  });

  test('hands on for whom a multicast is, and the wish that it leaves now', async () => {
    const one = await sealedNode(1, A, 2);
    one.transports[1]!.multicast(packet, [2]);
    for (const link of one.transports) link.flush?.();
    expect(one.wire.map(([target, , link]) => [target, link])).toEqual([[2, 1]]);
    expect(one.flushed).toEqual([0, 1]);
  });
});
