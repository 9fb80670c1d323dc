/**
 * Messages and configuration changes (ADR 0020): whatever happens, a message is delivered exactly once,
 * in its sender's order, and by all members of one configuration or by none.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ringIdText } from '../contract.ts';
import { createCorosyncReceiver } from './corosync-receiver.fixture.ts';
import { createRingWorld, type World, type WorldNode } from './ring-world.fixture.ts';

interface Delivery {
  readonly source: number;
  readonly ring: string;
  readonly text: string;
}

/** `a` carries no stamps. */
function setUpWorld(nodes: readonly number[], group: 'ais' | 'a' = 'ais', payloadBytesMax = 100) {
  const deliveries = new Map<number, Delivery[]>();
  const groups = new Map<number, ReturnType<WorldNode['pg']['messaging']['join']>>();
  const world = createRingWorld({
    nodes,
    payloadBytesMax,
    packetsAheadMax: 6,
    setUp(node) {
      const mine: Delivery[] = [];
      deliveries.set(node.id, mine);
      groups.set(
        node.id,
        node.pg.messaging.join(group, {
          deliver: ({ source, ringId, bytes }) =>
            mine.push({ source, ring: ringIdText(ringId), text: readMessage(bytes) }),
          configuration() {},
        }),
      );
    },
  });
  const send = (id: number, number: number, size: number): boolean =>
    groups.get(id)?.multicast([message(number, size)], 'agreed') === true;
  return {
    world,
    deliveries,
    send,
    textsAt: (id: number) => deliveries.get(id)?.map((d) => d.text),
  };
}

describe('a message cut by a configuration change', () => {
  test.each(['ais', 'a'] as const)(
    'to group %s is delivered once, whole, in the new ring, by old members and by joiners',
    (group) => {
      const { world, send, textsAt } = setUpWorld([1, 2, 3], group);
      world.reconfigure([[1, 2], [3]], 1);
      world.syncComplete(1);
      world.deliver(1, 9);
      world.deliver(2, 9);
      send(1, 1, 10);
      send(1, 2, 500);
      send(1, 3, 10);
      world.token(1, 3); // message 1, and the beginning of message 2
      world.deliver(2, 9);
      world.reconfigure([[1, 2, 3]], 1);
      world.syncComplete(1);
      world.settle();
      expect(textsAt(1)).toEqual(['1:10', '2:500', '3:10']);
      expect(textsAt(2)).toEqual(['1:10', '2:500', '3:10']);
      expect(textsAt(3)).toEqual(['2:500', '3:10']);
      // The beginning that went out in the old ring; the packet that ends it; nothing else is sent in vain.
      for (const id of [1, 2]) {
        expect(world.get(id).pg.messaging.stats()).toMatchObject({
          beginningsDropped: 1,
          tailsDropped: 1,
          staleDropped: 0,
        });
      }
      expect(world.get(3).pg.messaging.stats()).toMatchObject({ tailsDropped: 1, staleDropped: 0 });
    },
  );

  test('is delivered once when its beginning was lost with the old ring', () => {
    const { world, send, textsAt } = setUpWorld([1, 2]);
    world.reconfigure([[1, 2]], 1);
    world.syncComplete(1);
    world.deliver(1, 9);
    world.deliver(2, 9);
    send(1, 1, 500);
    world.token(1, 2);
    world.reconfigure([[1], [2]], 0); // node 2 never gets the beginning
    world.reconfigure([[1, 2]], 0);
    world.syncComplete(2);
    world.settle();
    expect(textsAt(1)).toEqual(['1:500']);
    expect(textsAt(2)).toEqual(['1:500']);
  });

  test.each(['normal', 'sync'] as const)(
    'is ended for Corosync peers with and without its beginning by one packet (%s traffic)',
    (traffic) => {
      const world = createRingWorld({ nodes: [1], payloadBytesMax: 100, setUp() {} });
      const seen: string[] = [];
      const group = world
        .get(1)
        .pg.messaging.join(
          'a',
          { deliver: ({ bytes }) => seen.push(readMessage(bytes)), configuration() {} },
          { traffic },
        );
      world.reconfigure([[1]], 1);
      if (traffic === 'normal') world.syncComplete(1);
      world.deliver(1, 9);
      for (const number of [1, 2]) group.multicast([message(number, 700)], 'agreed');
      world.token(1, 3);
      const before = payloadsOf(world);
      world.reconfigure([[1]], 1);
      group.multicast([message(3, 50)], 'agreed');
      if (traffic === 'normal') world.syncComplete(1);
      world.settle();
      const after = payloadsOf(world);
      for (const heard of [after, [...before, ...after]]) {
        const theirs = heard.flatMap(createCorosyncReceiver());
        expect(theirs.map((bytes) => readMessage(bytes.subarray(5)))).toEqual(seen);
      }
      // A synchronisation that the change has overtaken is not continued.
      expect(seen).toEqual(traffic === 'normal' ? ['1:700', '2:700', '3:50'] : ['3:50']);
    },
  );
});

/** What was sent in the ring that is there now. */
function payloadsOf(world: World): Uint8Array[] {
  const entries = world.get(1).ring?.entries ?? [];
  return entries.flatMap((entry) => (entry === 'sync-complete' ? [] : [entry.payload]));
}

describe('any run of sends, tokens, deliveries and changes', () => {
  const ids = [1, 2, 3, 4];
  const node = fc.constantFrom(...ids);
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), node, size: sizes() }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('token' as const), node, count: fc.nat(6) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('deliver' as const), node, count: fc.nat(8) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('sync' as const), node }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('change' as const),
        sides: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
        cut: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
  );

  test.each(['ais', 'a'] as const)(
    'delivers every message to %s exactly once, first in first out, in one configuration for all',
    (group) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
          const { world, deliveries, send } = setUpWorld(ids, group);
          const sent = new Map<number, string[]>(ids.map((id) => [id, []]));
          const history = new Map<number, string[]>(ids.map((id) => [id, []]));
          const change = (sides: readonly number[], cut: number): void => {
            const components = [0, 1, 2].map((side) => ids.filter((_, i) => sides[i] === side));
            world.reconfigure(
              components.filter((c) => c.length > 0),
              cut,
            );
            for (const id of ids) history.get(id)?.push(ringIdText(ringOf(world, id)));
          };
          change([0, 0, 0, 0], 1);
          let number = 0;
          for (const now of steps) {
            if (now.do === 'send') {
              number++;
              if (send(now.node, number, now.size))
                sent.get(now.node)?.push(`${number}:${now.size}`);
            } else if (now.do === 'token') world.token(now.node, now.count);
            else if (now.do === 'deliver') world.deliver(now.node, now.count);
            else if (now.do === 'sync') world.syncComplete(now.node);
            else change(now.sides, now.cut);
          }
          change([0, 0, 0, 0], 0.5);
          world.syncComplete(1);
          world.settle();

          for (const id of ids) {
            const own = deliveries.get(id)?.filter((d) => d.source === id);
            expect(own?.map((d) => d.text)).toEqual(sent.get(id));
          }
          for (const a of ids) {
            for (const b of ids) {
              checkSameSource(deliveries.get(a) ?? [], deliveries.get(b) ?? [], a);
              const ringsA = history.get(a) ?? [];
              const ringsB = history.get(b) ?? [];
              ringsA.forEach((ring, i) => {
                if (ringsB[i] !== ring || ringsA[i + 1] !== ringsB[i + 1]) return;
                expect(inRing(deliveries.get(b), ring)).toEqual(inRing(deliveries.get(a), ring));
              });
            }
          }
          for (const id of ids) {
            expect(world.get(id).pg.messaging.stats()).toMatchObject({
              packetsDropped: 0,
              headersDropped: 0,
              oversizeDropped: 0,
              doubtfulDropped: 0,
              staleDropped: 0,
              queueSlotsUsed: 0,
              queueLevel: 0,
              openAssemblies: 0,
            });
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});

/** What `other` delivered of `sender`, ring by ring, is a beginning of what the sender itself delivered. */
function checkSameSource(
  own: readonly Delivery[],
  other: readonly Delivery[],
  sender: number,
): void {
  const rings = new Set(other.map((d) => d.ring));
  for (const ring of rings) {
    const theirs = inRing(other, ring).filter((d) => d.source === sender);
    const mine = inRing(own, ring).filter((d) => d.source === sender);
    expect(theirs).toEqual(mine.slice(0, theirs.length));
  }
}

function inRing(deliveries: readonly Delivery[] | undefined, ring: string): readonly Delivery[] {
  return deliveries?.filter((d) => d.ring === ring) ?? [];
}

function ringOf(world: World, id: number) {
  const ring = world.get(id).ring;
  if (ring === undefined) throw new Error(`node ${id} is on no ring`);
  return ring.ringId;
}

function sizes() {
  return fc.oneof(fc.integer({ min: 6, max: 40 }), fc.integer({ min: 6, max: 450 }));
}

/** `size` bytes that tell their number and whether they are intact. */
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
