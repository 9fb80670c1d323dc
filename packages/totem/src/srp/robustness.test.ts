/** Hostile, stale and broken packets: nothing is thrown, everything is counted, and the ring comes back. */
import { describe, expect, test } from '@jest/globals';
import { PACKET_TYPE } from '../wire/index.ts';
import { runChaos } from './chaos.fixture.ts';
import { generator, TestNet } from './test-net.fixture.ts';

const NODES = [1, 2, 3];
const STATES = ['gather', 'commit', 'recovery', 'operational'];

/** A ring under load whose packets are recorded, at most two hundred of each type. */
function recordedNet(seed: number): { net: TestNet; tape: Uint8Array[][] } {
  const tape: Uint8Array[][] = Array.from({ length: 6 }, () => []);
  const net = new TestNet({
    seed,
    filter: (_from, _to, packet) => {
      const kind = tape[packet[3]!]!;
      if (kind.length < 200) kind.push(packet.slice());
      return true;
    },
  });
  return { net, tape };
}

function countDrops(net: TestNet): number {
  let sum = 0;
  for (const { ring } of net.lives) {
    for (const [name, count] of Object.entries(ring.stats()))
      if (name.startsWith('drop.')) sum += count;
  }
  return sum;
}

describe('a ring under attack', () => {
  test('survives bytes changed in packets of its own, in every state, and re-forms', () => {
    const statesHit = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const random = generator(seed);
      const { net, tape } = recordedNet(seed);
      net.start(...NODES);
      net.runUntil(() => net.isOneRing(...NODES));
      net.run(100);
      net.submit(2);
      for (let step = 0; step < 150; step++) {
        const node = NODES[Math.floor(random() * NODES.length)]!;
        for (let i = 0; i < 4; i++) net.submit(1 + (i % 3), i % 2 === 0 ? 'safe' : 'agreed');
        const wanted = STATES[Math.floor(random() * STATES.length)]!;
        for (let i = 0; i < 60 && net.ring(node).state !== wanted; i++) net.run(0.1);
        const kind = tape[Math.floor(random() * tape.length)]!;
        const packet = kind[Math.floor(random() * kind.length)]?.slice() ?? new Uint8Array(13);
        for (let flips = Math.floor(random() * 4); flips >= 0; flips--) {
          packet[Math.floor(random() * packet.length)] = Math.floor(random() * 256);
        }
        statesHit.add(`${net.ring(node).state} ${packet[3]}`);
        net.inject(node, packet);
      }
      // Strangers that the changed packets invented are given up after the consensus time.
      net.runUntil(() => net.isOneRing(...NODES), 10_000);
      expect(countDrops(net)).toBeGreaterThan(0);
    }
    for (const state of STATES) {
      for (const type of Object.values(PACKET_TYPE))
        expect(statesHit).toContain(`${state} ${type}`);
    }
  });

  test('survives noise behind a valid header', () => {
    const random = generator(99);
    const { net } = recordedNet(1);
    net.start(...NODES);
    net.runUntil(() => net.isOneRing(...NODES));
    for (let i = 0; i < 20_000; i++) {
      const packet = Uint8Array.from({ length: Math.floor(random() * 120) }, () => random() * 256);
      packet.set([0x70, 0xc0, 3, Math.floor(random() * 7)].slice(0, packet.length));
      net.inject(1 + (i % 3), packet);
      if (i % 100 === 0) net.run(1);
    }
    net.runUntil(() => net.isOneRing(...NODES), 10_000);
  });

  test('keeps its order when a forger takes sequence numbers ahead of the token', () => {
    const { net, tape } = recordedNet(5);
    net.start(...NODES);
    net.runUntil(() => net.isOneRing(...NODES));
    net.submit(1);
    net.runUntil(() => net.delivered(3).length === 1);
    const genuine = tape[PACKET_TYPE.mcast]!.at(-1)!;
    for (const ahead of [1, 2, 3, 7, 9]) {
      const forged = genuine.slice();
      forged[17] = forged[17]! + ahead;
      for (const node of NODES) net.inject(node, forged.slice());
    }
    for (let i = 0; i < 20; i++) net.submit(1 + (i % 3));
    net.runUntil(() => NODES.every((node) => net.delivered(node).length >= 26));
    expect(net.delivered(2)).toEqual(net.delivered(1));
    expect(net.delivered(3)).toEqual(net.delivered(1));
  });

  test('replays of genuine old packets do not break extended virtual synchrony', () => {
    for (let seed = 300; seed < 380; seed++) runChaos(seed, { replay: 0.05 });
  });
});

describe('a packet that is not wanted', () => {
  test('is counted by reason', () => {
    const net = new TestNet();
    net.start(1);
    net.runUntil(() => net.isOneRing(1));
    net.inject(1, new Uint8Array(5));
    net.inject(1, Uint8Array.from([0xc0, 0x70, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    net.inject(1, Uint8Array.from([0x70, 0xc0, 3, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(net.ring(1).stats()).toMatchObject({ 'drop.short': 2, 'drop.big-endian': 1 });
  });

  test('is traced at the first of its kind, not each time', () => {
    const net = new TestNet();
    net.start(1);
    for (let i = 0; i < 1000; i++) net.inject(1, new Uint8Array(1));
    const traced = net.life(1).traces.filter((event) => event.event === 'drop-packet');
    expect(traced.length).toBe(10);
  });

  test('before the start and after the end is counted, too', () => {
    const net = new TestNet();
    net.start(1);
    net.runUntil(() => net.isOneRing(1));
    const { ring } = net.life(1);
    ring.leave(net.now);
    ring.receive(Uint8Array.from([0x70, 0xc0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), net.now);
    ring.timeout('token', net.now);
    ring.leave(net.now);
    expect(ring.state).toBe('left');
    expect(ring.stats()).toMatchObject({ 'drop.left': 1 });
    expect(ring.submit(new Uint8Array(12), 'agreed', 'normal')).toBe(false);
  });
});
