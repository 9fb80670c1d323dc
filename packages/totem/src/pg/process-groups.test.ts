import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Configuration,
  type GroupHandlers,
  type Guarantee,
  MESSAGE_BYTES_MAX,
} from '../contract.ts';
import type { Ring } from '../ring.ts';
import { createPacketHead, decodePacket } from './packet.ts';
import { createProcessGroups } from './process-groups.ts';

const PAYLOAD = 1382;

describe('sending and receiving', () => {
  test('every size around the packet boundaries comes back whole', () => {
    const node = setUp();
    const sizes: number[] = [];
    for (let packets = 0; packets <= 3; packets++) {
      for (let around = -60; around <= 60; around++) sizes.push(packets * PAYLOAD + around);
    }
    for (const size of sizes.filter((n) => n >= 0)) node.roundTrip([size]);
  });

  test('random sizes up to 1 MiB, packed behind each other, come back whole and in order', () => {
    const node = setUp();
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.nat(100), fc.nat(5000), fc.integer({ min: 0, max: MESSAGE_BYTES_MAX })),
          { minLength: 1, maxLength: 3 },
        ),
        (sizes) => node.roundTrip(sizes),
      ),
      { numRuns: 60 },
    );
    node.roundTrip([MESSAGE_BYTES_MAX]);
  });

  test('a message above 1 MiB is refused with an error', () => {
    const group = setUp().pg.messaging.join('g', silent());
    expect(() =>
      group.multicast([new Uint8Array(MESSAGE_BYTES_MAX), new Uint8Array(1)], 'agreed'),
    ).toThrow(RangeError);
  });

  test('the first message leaves at once, later small ones wait for the token and share a packet', () => {
    const node = setUp();
    const group = node.pg.messaging.join('g', silent());
    for (let i = 0; i < 20; i++) group.multicast([new Uint8Array(30)], 'agreed');
    expect(node.packets).toHaveLength(1);
    node.pg.client.tokenArrived();
    expect(node.packets).toHaveLength(2);
    const head = createPacketHead();
    expect(decodePacket(node.packets[1]?.payload as Uint8Array, head)).toBeUndefined();
    expect(head).toMatchObject({ count: 19, fragmented: 0, continuation: 0 });
  });

  test('what waits for room in the ring is told in packets, of a message in pieces only the rest', () => {
    const node = setUp();
    const group = node.pg.messaging.join('g', silent());
    expect(node.pg.client.packetsWaiting?.()).toBe(0);
    const large = new Uint8Array(MESSAGE_BYTES_MAX);
    for (let i = 0; i < 2; i++) group.multicast([large], 'agreed');
    const all = Math.ceil((2 * MESSAGE_BYTES_MAX) / PAYLOAD);
    const sent = node.packets.length;
    expect(sent).toBeGreaterThan(100);
    expect(node.pg.client.packetsWaiting?.()).toBeGreaterThanOrEqual(all - sent - 2);
    expect(node.pg.client.packetsWaiting?.()).toBeLessThanOrEqual(all - sent + 10);
  });

  test('every packet with a piece of a safe message is safe, and no other', () => {
    const node = setUp();
    const group = node.pg.messaging.join('g', silent());
    group.multicast([new Uint8Array(10)], 'agreed');
    group.multicast([new Uint8Array(10)], 'agreed');
    group.multicast([new Uint8Array(3000)], 'safe');
    group.multicast([new Uint8Array(3000)], 'agreed');
    node.pg.client.tokenArrived();
    expect(node.packets.map((packet) => packet.guarantee)).toEqual([
      'agreed',
      'safe',
      'safe',
      'safe',
      'agreed',
      'agreed',
    ]);
  });

  test('fragment numbers run from 1 to 255, skip 0, and start again with the next message', () => {
    const node = setUp(64);
    const group = node.pg.messaging.join('g', silent());
    group.multicast([new Uint8Array(15_000)], 'agreed');
    group.multicast([new Uint8Array(100)], 'agreed');
    node.loop();
    const numbers = node.wire.map((packet) => packet[4] as number);
    expect(numbers.slice(0, 257)).toEqual([...range(1, 255), 1, 2]);
    expect(numbers.slice(-3)).toEqual([1, 2, 0]);
    for (const [i, packet] of node.wire.entries()) {
      expect(packet[5]).toBe(i === 0 ? 0 : numbers[i - 1]);
    }
  });

  test('a group sees only its own messages, and none after it left', () => {
    const node = setUp();
    const seen: string[] = [];
    const log = (name: string): GroupHandlers => ({
      deliver: ({ group, bytes }) => seen.push(`${name}<${group}:${bytes.length}`),
      configuration() {},
    });
    const a = node.pg.messaging.join('a-group', log('a'));
    const b = node.pg.messaging.join('b-group', log('b'));
    a.multicast([new Uint8Array(1)], 'agreed');
    b.multicast([new Uint8Array(2)], 'agreed');
    node.loop();
    b.leave();
    b.multicast([new Uint8Array(3)], 'agreed');
    node.loop();
    expect(seen).toEqual(['a<a-group:1', 'b<b-group:2']);
    expect(node.pg.messaging.stats()).toMatchObject({ queueSlotsUsed: 0, groups: 1 });
  });

  test('a name is joined once at a time', () => {
    const { messaging } = setUp().pg;
    const group = messaging.join('g', silent());
    expect(() => messaging.join('g', silent())).toThrow('joined already');
    group.leave();
    messaging.join('g', silent());
  });

  test("what goes to Corosync's own groups is byte for byte what Corosync sends", () => {
    const node = setUp();
    const barrier = new Uint8Array(32).fill(7);
    const header = [0, 0, 0, 0, 0, 0, 1, 0, 40, 0, 1, 0, 4, 0, 0x73, 0x79, 0x6e, 0x63];
    const sync = node.pg.messaging.join('sync', silent(), { traffic: 'sync' });
    node.pg.client.configuration(regular(8));
    sync.multicast([barrier], 'agreed');
    expect(node.packets[0]?.payload).toEqual(Uint8Array.from([...header, ...barrier]));
    expect(() => node.pg.messaging.join('a', silent(), { straddling: 'resend' })).toThrow(
      RangeError,
    );
  });

  test('a group that joins late gets the current configuration', () => {
    const node = setUp();
    const seen: Configuration[] = [];
    node.pg.messaging.join('late', { deliver() {}, configuration: (c) => seen.push(c) });
    expect(seen).toEqual([regular(4)]);
    node.pg.client.configuration(regular(8));
    expect(seen).toEqual([regular(4), regular(8)]);
  });
});

describe('synchronisation', () => {
  test('only sync traffic flows until syncComplete, then what the change cut of the normal traffic is sent anew', () => {
    const node = setUp();
    const seen: string[] = [];
    const log = (name: string): GroupHandlers => ({
      deliver: ({ bytes }) => seen.push(`${name}:${bytes.length}`),
      configuration() {},
    });
    const normal = node.pg.messaging.join('normal', log('normal'));
    const sync = node.pg.messaging.join('sync!', log('sync'), { traffic: 'sync' });
    normal.multicast([new Uint8Array(4000)], 'agreed');
    node.loop(1);
    node.pg.client.configuration(regular(8));
    normal.multicast([new Uint8Array(7)], 'agreed');
    sync.multicast([new Uint8Array(3000)], 'agreed');
    node.loop();
    expect(seen).toEqual(['sync:3000']);
    node.pg.messaging.syncComplete({ rep: 1, seq: 4 });
    node.loop();
    expect(seen).toEqual(['sync:3000']);
    node.pg.messaging.syncComplete({ rep: 1, seq: 8 });
    node.loop();
    expect(seen).toEqual(['sync:3000', 'normal:4000', 'normal:7']);
  });

  test('what a synchronisation did not send before the next one began is dropped', () => {
    const node = setUp();
    const seen: number[] = [];
    const sync = node.pg.messaging.join(
      'sync!',
      { deliver: ({ bytes }) => seen.push(bytes.length), configuration() {} },
      { traffic: 'sync' },
    );
    node.pg.client.configuration(regular(8));
    for (const size of [20_000, 10, 11]) sync.multicast([new Uint8Array(size)], 'agreed');
    for (let i = 0; i < 3; i++) node.loop(1);
    node.pg.client.configuration(regular(12));
    sync.multicast([new Uint8Array(12)], 'agreed');
    node.loop();
    expect(seen).toEqual([12]);
    expect(node.pg.messaging.stats()).toMatchObject({ syncDropped: 3, syncQueueSlotsUsed: 0 });
  });

  test('a sync group may speak while no synchronisation runs', () => {
    const node = setUp();
    const seen: number[] = [];
    const handlers = {
      deliver: ({ bytes }: { bytes: Uint8Array }) => seen.push(bytes.length),
      configuration() {},
    };
    node.pg.messaging
      .join('sync!', handlers, { traffic: 'sync' })
      .multicast([new Uint8Array(5)], 'agreed');
    node.loop();
    expect(seen).toEqual([5]);
  });
});

describe('back-pressure', () => {
  test('a full queue refuses, passes all levels, and calls drained once there is room again', () => {
    const node = setUp();
    let drained = 0;
    const levels = new Set<number>();
    const level = () => node.pg.messaging.stats()['queueLevel'] as number;
    const group = node.pg.messaging.join('g', { ...silent(), drained: () => drained++ });
    let sent = 0;
    while (group.multicast([new Uint8Array(50_000)], 'agreed')) {
      sent++;
      levels.add(level());
    }
    expect(sent).toBeGreaterThan(70);
    expect([...levels]).toEqual([0, 1, 2, 3]);
    expect(node.packets).toHaveLength(128);
    while (level() === 3) {
      expect(drained).toBe(0);
      node.loop(1);
    }
    expect(level()).toBe(2);
    expect(drained).toBe(1);
    expect(group.multicast([new Uint8Array(MESSAGE_BYTES_MAX)], 'agreed')).toBe(true);
    node.loop();
    expect(drained).toBe(1);
    expect(level()).toBe(0);
  });

  test('a ring without a free slot loses nothing', () => {
    const node = setUp(PAYLOAD, 3);
    node.roundTrip([20_000, 5, 5, 9000]);
  });

  test('buffers are the sender’s again when multicast returns', () => {
    const node = setUp();
    const seen: Uint8Array[] = [];
    const group = node.pg.messaging.join('g', {
      deliver: ({ bytes }) => seen.push(bytes.slice()),
      configuration() {},
    });
    const part = Uint8Array.of(1, 2, 3);
    node.pg.client.configuration(regular(8));
    group.multicast([part, part], 'agreed');
    part.fill(9);
    node.pg.messaging.syncComplete({ rep: 1, seq: 8 });
    node.loop();
    expect(seen).toEqual([Uint8Array.of(1, 2, 3, 1, 2, 3)]);
  });
});

describe('rubbish from the ring', () => {
  test('is counted and dropped, and disturbs no other sender', () => {
    const node = setUp();
    fc.assert(
      fc.property(fc.array(rubbish(), { maxLength: 20 }), fc.nat(4000), (packets, size) => {
        for (const packet of packets)
          node.pg.client.deliver(2, packet, { rep: 1, seq: 4 }, 'agreed');
        node.roundTrip([size]);
      }),
    );
    const stats = node.pg.messaging.stats();
    for (const counter of [
      'packetsDropped',
      'headersDropped',
      'tailsDropped',
      'beginningsDropped',
    ]) {
      expect(stats[counter]).toBeGreaterThan(0);
    }
  });

  test('a sender that never ends its message is cut off at 1 MiB + 64 KiB', () => {
    const node = setUp();
    const body = new Uint8Array(60_000);
    for (let i = 0; i < 40; i++) {
      const head = [0, 0, 0, 0, 1, i === 0 ? 0 : 1, 1, 0, 0x60, 0xea];
      const packet = Uint8Array.from([...head, ...body]);
      node.pg.client.deliver(2, packet, { rep: 1, seq: 4 }, 'agreed');
    }
    expect(node.pg.messaging.stats()).toMatchObject({ oversizeDropped: 1, openAssemblies: 0 });
  });

  test('whole messages behind a tail without a beginning are delivered where a stamp tells their ring, and else dropped', () => {
    const node = setUp();
    const seen: number[] = [];
    const handlers = {
      deliver: ({ bytes }: { bytes: Uint8Array }) => seen.push(...bytes),
      configuration() {},
    };
    node.pg.messaging.join('x', handlers, { straddling: 'deliver' });
    node.pg.messaging.join('y', handlers);
    const tail = [1, 2, 3];
    const plain = [1, 0, 1, 0, 0x78, 42];
    const stamped = [1, 0, 1, 0, 0x79, 4, 0, 0, 0, 43];
    const lengths = [tail, plain, stamped].flatMap(({ length }) => [length, 0]);
    const packet = [0, 0, 0, 0, 0, 7, 3, 0, ...lengths, ...tail, ...plain, ...stamped];
    node.pg.client.deliver(2, Uint8Array.from(packet), { rep: 1, seq: 4 }, 'agreed');
    expect(seen).toEqual([43]);
    expect(node.pg.messaging.stats()).toMatchObject({ tailsDropped: 1, doubtfulDropped: 1 });
  });
});

/** One node alone on its ring, operational; `loop` is the ring. */
function setUp(payloadBytesMax = PAYLOAD, queueSlots = 1000) {
  const packets: { payload: Uint8Array; guarantee: Guarantee; traffic: string }[] = [];
  const wire: Uint8Array[] = [];
  const pg = createProcessGroups({ nodeId: 1, payloadBytesMax });
  const ring: Ring = {
    nodeId: 1,
    submit(payload, guarantee, traffic) {
      if (packets.length >= queueSlots) return false;
      expect(payload.length).toBeLessThanOrEqual(payloadBytesMax);
      packets.push({ payload: payload.slice(), guarantee, traffic });
      return true;
    },
    room: (traffic) => queueSlots - packets.filter((packet) => packet.traffic === traffic).length,
    withdraw(traffic) {
      packets.splice(0, packets.length, ...packets.filter((packet) => packet.traffic !== traffic));
    },
    syncComplete() {},
    stats: () => ({}),
  };
  pg.attach(ring);
  let seq = 4;
  pg.client.configuration(regular(seq));
  pg.messaging.syncComplete({ rep: 1, seq });
  let syncing = false;
  const client = { ...pg.client };
  pg.client.configuration = (configuration) => {
    seq = configuration.ringId.seq;
    syncing = true;
    client.configuration(configuration);
  };
  ring.syncComplete = () => {
    syncing = false;
  };
  /** Token visits, each with delivery of what it sent, until nothing moves or `visits` are over. */
  const loop = (visits = Number.MAX_SAFE_INTEGER): void => {
    for (let i = 0; i < visits; i++) {
      pg.client.tokenArrived();
      const traffic = syncing ? 'sync' : 'normal';
      const sent = packets
        .filter((packet) => packet.traffic === traffic)
        .slice(0, visits === 1 ? 2 : 17);
      if (sent.length === 0) return;
      for (const packet of sent) packets.splice(packets.indexOf(packet), 1);
      for (const { payload, guarantee } of sent) {
        wire.push(payload.slice());
        pg.client.deliver(1, payload, { rep: 1, seq }, guarantee);
      }
    }
  };
  const roundTrip = (sizes: readonly number[]): void => {
    const received: Uint8Array[] = [];
    const group = pg.messaging.join('trip', {
      deliver: ({ bytes }) => received.push(bytes.slice()),
      configuration() {},
    });
    const sent = sizes.map((size, i) =>
      Uint8Array.from({ length: size }, (_, n) => (n * 7 + i + size) & 0xff),
    );
    for (const bytes of sent) {
      const cut = bytes.length >> 1;
      expect(group.multicast([bytes.subarray(0, cut), bytes.subarray(cut)], 'agreed')).toBe(true);
    }
    loop();
    group.leave();
    expect(received.length).toBe(sent.length);
    for (const [i, bytes] of sent.entries()) expect(sameBytes(received[i], bytes)).toBe(true);
  };
  return { pg, packets, wire, loop, roundTrip };
}

function regular(seq: number): Configuration {
  return { type: 'regular', ringId: { rep: 1, seq }, members: [1, 2], left: [], joined: [] };
}

function silent(): GroupHandlers {
  return { deliver() {}, configuration() {} };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Noise, and packets that are right in form and wrong in meaning. */
function rubbish() {
  const pieces = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 4 });
  const shaped = fc
    .tuple(fc.nat(3), fc.nat(3), pieces)
    .map(([fragmented, continuation, list]) =>
      Uint8Array.from([
        ...[0, 0, 0, 0, fragmented, continuation, list.length, 0],
        ...list.flatMap((piece) => [piece.length, 0]),
        ...list.flatMap((piece) => [...piece]),
      ]),
    );
  return fc.oneof(fc.uint8Array({ maxLength: 100 }), shaped);
}
