import { describe, expect, test } from '@jest/globals';
import type { NodeConfig } from '../../config/config.ts';
import { type GroupKey, groupKey } from '../../key-file.ts';
import { DATAGRAM_BYTES_MAX, REFUSAL_REPORT_MS, SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import type { UdpOptions, UdpTransport } from '../udp/udp.ts';
import { createSealedTransport, noticingSealed } from './transport.ts';

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

/** One node's sealed transport on a wire that the test holds. */
async function transport(id: number, key: GroupKey = A) {
  const received: number[][] = [];
  const wire: [target: number | 'all', bytes: Uint8Array][] = [];
  const log: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  const heard: [what: string, id: number][] = [];
  const time = { now: 0 };
  let options: UdpOptions | undefined;
  let epoch = 1n;
  const udp = await createSealedTransport(
    {
      self: nodes[id - 1]!,
      nodes,
      receive: (bytes, from) => received.push([from, ...bytes]),
    },
    {
      cipher: 'aes-256-gcm',
      sending: key,
      accepted: [key],
      epochs: { next: () => epoch++ },
      heardOther: ({ id: keyId }) => heard.push(['other', keyId]),
      heardUnknown: (keyId) => heard.push(['unknown', keyId]),
      trace: (event, detail) => log.push([event, detail]),
      clock: () => time.now,
    },
    async (given): Promise<UdpTransport> => {
      options = given;
      return {
        address: '10.0.0.1',
        port: 5405,
        plain: undefined,
        unicast: (target, bytes) => wire.push([target, Uint8Array.from(bytes)]),
        multicast: (bytes) => wire.push(['all', Uint8Array.from(bytes)]),
        close: async () => {},
        stats: () => ({ packetsSent: wire.length }),
      };
    },
  );
  const arrive = (bytes: Uint8Array, from: number) => options!.receive(bytes, from);
  return { udp, received, wire, log, heard, time, arrive };
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
    const [one, two] = [await transport(1), await transport(2)];
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
    expect(one.udp.stats()).toMatchObject({ packetsSent: 2, packetsSealed: 2 });
    expect(two.udp.stats()).toMatchObject({ packetsOpened: 2 });
  });

  test('leaves alone what a node sends to itself', async () => {
    const one = await transport(1);
    one.udp.unicast(1, packet);
    expect(one.wire).toEqual([[1, packet]]);
    one.arrive(packet, 1);
    expect(one.received).toEqual([[1, ...packet]]);
  });

  test('drops and counts what would not fit into a datagram', async () => {
    const one = await transport(1);
    one.udp.unicast(2, new Uint8Array(DATAGRAM_BYTES_MAX - SEAL_OVERHEAD_BYTES));
    one.udp.multicast(new Uint8Array(DATAGRAM_BYTES_MAX - SEAL_OVERHEAD_BYTES + 1));
    expect(one.wire).toHaveLength(1);
    expect(one.udp.stats()).toMatchObject({ packetsSealed: 1, droppedTooLong: 1 });
  });

  test('names who sends what cannot be opened, a line for a node and reason at a time', async () => {
    const [one, two] = [await transport(1), await transport(2, B)];
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
    expect(one.udp.stats()).toMatchObject({ droppedUnknownKey: 6, droppedUnsealed: 1 });
  });

  test('says what the other cipher is', async () => {
    const one = await transport(1);
    one.arrive(Uint8Array.from([0xc5, 0xea, 0x11, 1, ...new Uint8Array(60)]), 2);
    expect(one.log).toMatchObject([
      ['packet-refused', { reason: 'cipher', theirs: 'chacha20-poly1305', ours: 'aes-256-gcm' }],
    ]);
  });

  test('a repeated packet is counted and no line of the log', async () => {
    const [one, two] = [await transport(1), await transport(2)];
    two.udp.multicast(packet);
    for (let i = 0; i < 3; i++) one.arrive(two.wire[0]![1], 2);
    expect(one.received).toHaveLength(1);
    expect(one.log).toEqual([]);
    expect(one.udp.stats()).toMatchObject({ droppedReplay: 2 });
  });

  test('changes its key between two packets, accepts both meanwhile, and tells of the other', async () => {
    const [one, two] = [await transport(1), await transport(2)];
    one.udp.useKeys(A, [A, B]);
    two.udp.multicast(packet);
    two.udp.useKeys(B, [B, A]);
    two.udp.multicast(packet);
    for (const [, bytes] of two.wire) one.arrive(bytes, 2);
    expect(two.wire.map(([, bytes]) => bytes[3])).toEqual([1, 2]);
    expect(one.received).toHaveLength(2);
    expect(one.heard).toEqual([['other', 2]]);
    one.udp.useKeys(B, [B]);
    one.arrive(two.wire[0]![1], 2);
    expect(one.udp.stats()).toMatchObject({ packetsOpened: 2, droppedUnknownKey: 1 });
  });
});
