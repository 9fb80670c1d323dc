/**
 * Process groups on the real ring protocol: messages of many packets while the network splits, heals,
 * loses and nodes restart.
 */
import { describe, expect, test } from '@jest/globals';
import { type Group, ringIdText } from './contract.ts';
import type { RingTimer } from './ring.ts';
import { ringDefaults } from './srp/defaults.ts';
import { createTotem, type Totem } from './totem.ts';

interface Delivery {
  readonly source: number;
  readonly ring: string;
  readonly text: string;
}

interface Node {
  readonly totem: Totem;
  readonly group: Group;
  readonly delivered: Delivery[];
  readonly rings: string[];
  readonly sent: string[];
  readonly timers: Map<RingTimer, number>;
}

/** Nodes, a lossy network and virtual time, all from one seed. */
function createNet(ids: readonly number[], seed: number) {
  let now = 0;
  let order = 0;
  let loss = 0;
  let sides: readonly (readonly number[])[] = [ids];
  const random = generator(seed);
  const seqs = new Map<number, number>();
  const nodes = new Map<number, Node>();
  const events: { at: number; order: number; run: () => void }[] = [];

  const later = (delay: number, run: () => void): void => {
    events.push({ at: now + delay, order: order++, run });
  };
  const send = (from: number, to: number, packet: Uint8Array): void => {
    const hears = sides.some((side) => side.includes(from) && side.includes(to));
    if (from !== to && (!hears || random() < loss)) return;
    const copy = packet.slice();
    const sender = nodes.get(from);
    later(0.1 + random() * 0.2, () => {
      const node = nodes.get(to);
      if (nodes.get(from) === sender) node?.totem.ring.receive(copy, now);
    });
  };
  const boot = (id: number): void => {
    const timers = new Map<RingTimer, number>();
    const ringSeq = seqs.get(id) ?? 0;
    const config = ringDefaults({
      nodeId: id,
      ringSeq,
      random,
      tokenMs: 100,
      mergeMs: 20,
      joinMs: 10,
    });
    const totem = createTotem(config, {
      unicast: (target, packet) => send(id, target, packet),
      multicast: (packet) => {
        for (const other of ids) if (other !== id) send(id, other, packet);
      },
      setTimer(timer, delay) {
        const armed = ++order;
        timers.set(timer, armed);
        later(delay, () => {
          if (nodes.get(id)?.timers === timers && timers.get(timer) === armed) {
            timers.delete(timer);
            totem.ring.timeout(timer, now);
          }
        });
      },
      cancelTimer: (timer) => timers.delete(timer),
      storeRingId: (ringId) => seqs.set(id, ringId.seq),
      trace() {},
    });
    const delivered: Delivery[] = [];
    const rings: string[] = [];
    const group = totem.messaging.join('ais', {
      deliver: ({ source, ringId, bytes }) =>
        delivered.push({ source, ring: ringIdText(ringId), text: readMessage(bytes) }),
      configuration({ type, ringId }) {
        if (type === 'regular') rings.push(ringIdText(ringId));
      },
    });
    joinBarrier(totem);
    nodes.set(id, { totem, group, delivered, rings, sent: [], timers });
    totem.ring.start(now);
  };
  for (const id of ids) boot(id);

  return {
    random,
    nodes,
    get: (id: number) => nodes.get(id) as Node,
    restart: boot,
    partition: (...groups: (readonly number[])[]) => {
      sides = groups.length === 0 ? [ids] : groups;
    },
    lose: (share: number) => {
      loss = share;
    },
    send(id: number, size: number) {
      const { group, sent } = nodes.get(id) as Node;
      const number = order++;
      const bytes = message(number, size);
      if (group.multicast([bytes], random() < 0.2 ? 'safe' : 'agreed'))
        sent.push(readMessage(bytes));
    },
    run(ms: number) {
      for (const end = now + ms; ; ) {
        const next = events.reduce<number>((best, event, i) => {
          const other = events[best];
          const isFirst =
            other === undefined ||
            event.at < other.at ||
            (event.at === other.at && event.order < other.order);
          return isFirst ? i : best;
        }, -1);
        const event = events[next];
        if (event === undefined || event.at > end) {
          now = end;
          return;
        }
        events.splice(next, 1);
        now = event.at;
        event.run();
      }
    },
  };
}

/** The least synchronisation: when all have spoken in a new ring, all go on, at one place of the order. */
function joinBarrier(totem: Totem): void {
  let missing = new Set<number>();
  const barrier = totem.messaging.join(
    'barrier',
    {
      deliver({ source, ringId }) {
        missing.delete(source);
        if (missing.size === 0) totem.messaging.syncComplete(ringId);
      },
      configuration({ type, members }) {
        if (type === 'transitional') return;
        missing = new Set(members);
        barrier.multicast([new Uint8Array(1000)], 'agreed');
        barrier.multicast([], 'agreed');
      },
    },
    { traffic: 'sync' },
  );
}

describe('createTotem', () => {
  test('nodes form a ring and deliver messages of any size in one order', () => {
    const net = createNet([1, 2, 3], 1);
    net.run(500);
    expect(net.get(2).totem.ring.state).toBe('operational');
    expect(net.get(2).totem.ring.members).toEqual([1, 2, 3]);
    for (const id of [1, 2, 3])
      for (const size of [8, 1500, 200_000, 1_048_576]) net.send(id, size);
    net.run(3_000);
    const [first = []] = [1, 2, 3].map((id) => net.get(id).delivered);
    expect(first).toHaveLength(12);
    for (const id of [2, 3]) expect(net.get(id).delivered).toEqual(first);
    expect(net.get(1).totem.stats()).toMatchObject({
      'ring.members': 3,
      'pg.packetsDropped': 0,
      'pg.queueSlotsUsed': 0,
    });
  });

  test('without synchronisation, every member may go on in its configuration callback', () => {
    const net = createNet([1, 2], 3);
    const seen: string[] = [];
    for (const id of [1, 2]) {
      const { totem } = net.get(id);
      const chat = totem.messaging.join('chat', {
        deliver: ({ source, bytes }) => seen.push(`${id}<${source}:${bytes[0]}`),
        configuration({ type, ringId, members }) {
          if (type !== 'regular') return;
          totem.messaging.syncComplete(ringId);
          if (members.length === 2) chat.multicast([Uint8Array.of(id)], 'safe');
        },
      });
    }
    net.run(1_000);
    expect(seen.sort()).toEqual(['1<1:1', '1<2:2', '2<1:1', '2<2:2']);
  });

  test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'every message is delivered once, in order, in one ring: seed %i',
    (seed) => {
      const ids = [1, 2, 3, 4];
      const net = createNet(ids, seed);
      const pick = (n: number): number => Math.floor(net.random() * n);
      net.run(400);
      let restarted = 0;
      for (let step = 0; step < 25; step++) {
        for (let i = pick(8); i > 0; i--)
          net.send(ids[pick(4)] as number, 8 + pick(net.random() < 0.2 ? 60_000 : 3_000));
        const what = pick(8);
        if (what === 0) net.partition(ids.slice(0, 2), ids.slice(2));
        else if (what === 1)
          net.partition(
            ids.filter((id) => id % 2 === 0),
            ids.filter((id) => id % 2 === 1),
          );
        else if (what === 2) net.partition();
        else if (what === 3) net.lose(net.random() * 0.1);
        else if (what === 4 && step > 15 && restarted === 0) {
          restarted = ids[pick(4)] as number;
          net.restart(restarted);
        }
        net.run(net.random() * (net.random() < 0.3 ? 400 : 20));
      }
      net.lose(0);
      net.partition();
      net.run(8_000);
      for (const id of ids) expect(net.get(id).totem.ring.members).toEqual(ids);
      for (const id of ids) {
        const { delivered, sent, totem } = net.get(id);
        const later = restarted === id ? net.get(id).rings : undefined;
        const own = delivered.filter(
          ({ source, ring }) => source === id && (later?.includes(ring) ?? true),
        );
        expect(own.map(({ text }) => text)).toEqual(sent);
        expect(totem.stats()).toMatchObject({ 'pg.queueSlotsUsed': 0, 'pg.packetsDropped': 0 });
      }
      for (const a of ids) for (const b of ids) compare(net.get(a), net.get(b));
    },
  );
});

/** Two nodes that went together from one ring to the next delivered the same in it. */
function compare(a: Node, b: Node): void {
  a.rings.forEach((ring, i) => {
    const at = b.rings.indexOf(ring);
    if (at === -1 || a.rings[i + 1] !== b.rings[at + 1]) return;
    const inRing = (node: Node) => node.delivered.filter((d) => d.ring === ring);
    expect(inRing(b)).toEqual(inRing(a));
  });
}

function message(number: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, number);
  for (let i = 4; i < size; i++) bytes[i] = (number * 31 + i * 7) & 0xff;
  return bytes;
}

function readMessage(bytes: Uint8Array): string {
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const intact = message(number, bytes.length).every((byte, i) => byte === bytes[i]);
  return intact ? `${number}:${bytes.length}` : 'broken';
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
