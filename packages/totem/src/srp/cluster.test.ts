/** Stories of whole rings: leaving, merging, losing a member, a member that cannot hear, idling. */
import { describe, expect, test } from '@jest/globals';
import { PACKET_TYPE } from '../wire/index.ts';
import { checkEvs } from './evs.fixture.ts';
import { TestNet } from './test-net.fixture.ts';

function ringOf(count: number, options: ConstructorParameters<typeof TestNet>[0] = {}): TestNet {
  const net = new TestNet(options);
  const nodes = Array.from({ length: count }, (_, i) => i + 1);
  net.start(...nodes);
  net.runUntil(() => net.isOneRing(...nodes));
  return net;
}

describe('a member that goes', () => {
  test('in good order is missed for milliseconds, and joins again', () => {
    const net = ringOf(3);
    net.leave(1);
    expect(net.runUntil(() => net.isOneRing(2, 3))).toBeLessThan(20);
    net.start(1);
    expect(net.runUntil(() => net.isOneRing(1, 2, 3))).toBeLessThan(50);
    checkEvs(net);
  });

  test('without a word is missed after the token and consensus time-outs', () => {
    const net = ringOf(3);
    net.crash(2);
    const took = net.runUntil(() => net.isOneRing(1, 3));
    expect(took).toBeGreaterThan(100);
    expect(took).toBeLessThan(100 + 120 + 50);
    expect(net.configurations(1).slice(-2)).toEqual(['transitional 1,3', 'regular 1,3']);
  });

  test('during any step of forming a ring does not keep the others from forming it', () => {
    for (let delay = 0; delay < 6; delay += 0.25) {
      const net = new TestNet({ seed: delay * 4 });
      net.start(1, 2, 3);
      net.run(delay);
      net.crash(1);
      net.runUntil(() => net.isOneRing(2, 3), 1000);
      checkEvs(net);
    }
  });
});

describe('two rings', () => {
  test('that hear each other become one, and nothing of either is delivered in the other', () => {
    const net = ringOf(4);
    net.partition([1, 2], [3, 4]);
    net.runUntil(() => net.isOneRing(1, 2) && net.isOneRing(3, 4));
    for (let i = 0; i < 30; i++) net.submit(1 + (i % 4));
    net.run(50);
    net.partition();
    net.runUntil(() => net.isOneRing(1, 2, 3, 4), 1000);
    checkEvs(net);
    expect(net.delivered(1)).not.toEqual(net.delivered(3));
  });
});

describe('a member that hears tokens and JOINs but no messages', () => {
  const deaf = (to: number, packet: Uint8Array): boolean =>
    to === 2 && packet[3] === PACKET_TYPE.mcast;

  test('makes way for the others', () => {
    const net = ringOf(3, { config: { failRecvConst: 50 } });
    net.filter = (_from, to, packet) => !deaf(to, packet);
    net.submit(1);
    net.runUntil(() => net.isOneRing(1, 3), 5000);
    expect(net.delivered(3)).toEqual(['1.1.0']);
  });

  test('is expelled when it does not notice itself', () => {
    const net = ringOf(3, { config: { failRecvConst: 50 } });
    // It does not even hear that it should go: what it sends claims that all is well but for its aru.
    net.filter = (from, to, packet) =>
      !deaf(to, packet) && !(from === 2 && packet[3] === PACKET_TYPE.join);
    net.submit(1);
    net.runUntil(() => net.isOneRing(1, 3), 5000);
    expect(net.delivered(3)).toEqual(['1.1.0']);
  });
});

describe('an idle ring', () => {
  test('turns once per hold time and announces itself', () => {
    const net = ringOf(3, { config: { tokenMs: 3000, mergeMs: 200 } });
    net.run(2000);
    const before = net.packets;
    const visits = net.ring(2).stats()['tokenVisits']!;
    net.run(561 * 20);
    expect(net.ring(2).stats()['tokenVisits']! - visits).toBe(20);
    // Three token hops and two merge-detect datagrams a rotation.
    expect(net.packets - before).toBeLessThanOrEqual(20 * 5 + 5);
  });

  test('wakes at once for a message of any member', () => {
    const net = ringOf(3);
    net.run(500);
    for (const node of [1, 2, 3]) {
      const sent = net.delivered(3).length;
      net.submit(node);
      expect(net.runUntil(() => net.delivered(3).length > sent)).toBeLessThan(3);
      net.run(300);
    }
  });
});

describe('synchronisation', () => {
  test('holds back normal messages until it is over for this very ring', () => {
    const net = ringOf(2, { autoSync: false });
    net.submit(1);
    net.run(100);
    expect(net.delivered(2)).toEqual([]);
    net.ring(1).syncComplete({ rep: 1, seq: 1 });
    net.run(100);
    expect(net.delivered(2)).toEqual([]);
    for (const node of [1, 2]) net.ring(node).syncComplete(net.ring(node).ringId);
    expect(net.runUntil(() => net.delivered(2).length === 1)).toBeLessThan(5);
  });
});

describe('a pause', () => {
  test('longer than the token time-out ends in one ring again', () => {
    const net = ringOf(3);
    net.pause(2);
    for (let i = 0; i < 20; i++) net.submit(1 + 2 * (i % 2), 'safe');
    net.run(1000);
    net.resume(2);
    net.runUntil(() => net.isOneRing(1, 2, 3), 2000);
    net.submit(2);
    net.runUntil(() => net.delivered(1).includes('2.1.0'));
    checkEvs(net);
  });

  test('shorter than the token time-out changes nothing', () => {
    const net = ringOf(3);
    net.pause(2);
    net.run(60);
    net.resume(2);
    net.run(500);
    expect(net.configurations(1).filter((text) => text === 'regular 1,2,3')).toHaveLength(1);
  });
});

test('a ring of 32 forms, and its token passes every member in order', () => {
  const net = ringOf(32);
  for (let node = 1; node <= 32; node++) net.submit(node);
  net.runUntil(() => net.living().every((life) => net.delivered(life.nodeId).length === 32));
  checkEvs(net);
});

describe('a ring under a steady load', () => {
  test('makes no new packet buffers once it has seen the load', () => {
    const net = ringOf(3);
    const load = (messages: number): void => {
      for (let i = 0; i < messages; i++) {
        for (const node of [1, 2, 3]) net.submit(node);
        if (i % 20 === 0) net.run(5);
      }
      net.run(100);
    };
    const made = (): number[] =>
      [1, 2, 3].map((node) => net.ring(node).stats()['packetBuffersMade']!);
    load(400);
    const afterTheFirst = made();
    for (let i = 0; i < 5; i++) load(400);
    expect(made()).toEqual(afterTheFirst);
  });
});

describe('a node that may fill the window alone', () => {
  /** Node 1 always has more than the window waiting. */
  function flooded(): TestNet {
    const net = ringOf(3, { config: { windowSize: 50, maxMessages: 50 } });
    const flood = (): void => {
      while (net.ring(1).room('normal') > 0) net.submit(1);
      net.at(1, flood);
    };
    flood();
    net.run(20);
    return net;
  }
  const deliveredOf = (net: TestNet, source: number): number =>
    net.delivered(3).filter((message) => message.startsWith(`${source}.`)).length;

  test('leaves room for one message of another within a few rotations', () => {
    const net = flooded();
    net.submit(2);
    const took = net.runUntil(() => deliveredOf(net, 2) === 1);
    expect(took).toBeLessThan(10);
  });

  test('shares it evenly with another that has as much to send', () => {
    const net = flooded();
    const flood = (): void => {
      while (net.ring(2).room('normal') > 0) net.submit(2);
      net.at(1, flood);
    };
    const before = deliveredOf(net, 1);
    flood();
    net.run(100);
    const [one, two] = [deliveredOf(net, 1) - before, deliveredOf(net, 2)];
    expect(two / (one + two)).toBeGreaterThan(0.4);
  });
});
