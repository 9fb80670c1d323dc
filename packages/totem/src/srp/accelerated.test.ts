/** Early token release (totem-wire §7): what may leave after the token, and when nothing may. */
import { describe, expect, test } from '@jest/globals';
import { mcastSeq, PACKET_TYPE, packetType } from '../wire/index.ts';
import { checkEvs } from './evs.fixture.ts';
import { Puppet } from './puppet.fixture.ts';
import { TestNet } from './test-net.fixture.ts';

const RING = [2, 5, 9];

/** What node 5 of 2, 5 and 9 sends on one visit with five messages waiting: numbers, and `token`. */
function visit(config: object, arriving: object = {}): (number | 'token')[] {
  const puppet = new Puppet(5, config).start().form(RING);
  for (let i = 0; i < 5; i++) puppet.ring.submit(Uint8Array.of(i), 'agreed', 'normal');
  puppet.clear();
  puppet.rotate(arriving);
  return puppet.sent.map(({ packet }) =>
    packetType(packet) === PACKET_TYPE.orfToken ? 'token' : mcastSeq(packet),
  );
}

describe('early token release', () => {
  test('is off unless it is asked for', () => {
    expect(visit({})).toEqual([1, 2, 3, 4, 5, 'token']);
  });

  test('sends the last messages of a visit after the token, in order', () => {
    expect(visit({ acceleratedWindow: 2 })).toEqual([1, 2, 3, 'token', 4, 5]);
  });

  test('sends all of them after the token when the window is as large', () => {
    expect(visit({ acceleratedWindow: 17 })).toEqual(['token', 1, 2, 3, 4, 5]);
  });

  test('is off where a receiver may ask at once for what the token overtook', () => {
    expect(visit({ acceleratedWindow: 17, missCountConst: 1 })).toEqual([1, 2, 3, 4, 5, 'token']);
  });

  test('never holds back a message that somebody asked for', () => {
    const puppet = new Puppet(5, { acceleratedWindow: 17 }).start().form(RING);
    const { rep, seq } = puppet.ring.ringId;
    puppet.mcast(2, 1);
    puppet.clear();
    puppet.rotate({
      seq: 1,
      rtrCount: 1,
      rtrSeq: Uint32Array.of(1),
      rtrRingRep: Uint32Array.of(rep),
      rtrRingSeq: Float64Array.of(seq),
    });
    expect(puppet.sent.map(({ packet }) => packetType(packet))).toEqual([
      PACKET_TYPE.mcast,
      PACKET_TYPE.orfToken,
    ]);
  });

  test('keeps the promises of the order under loss, and asks for nothing that is on its way', () => {
    const net = new TestNet({ config: { acceleratedWindow: 17 } });
    net.start(1, 2, 3);
    net.runUntil(() => net.isOneRing(1, 2, 3));
    for (let i = 0; i < 300; i++) net.submit(1 + (i % 3));
    net.run(200);
    expect(net.ring(1).stats()['messagesOvertaken']).toBeGreaterThan(50);
    expect(net.ring(1).stats()['resendsRequested']).toBe(0);
    let packets = 0;
    net.filter = () => packets++ % 10 !== 0;
    for (let i = 0; i < 300; i++) net.submit(1 + (i % 3));
    net.run(3000);
    expect(net.delivered(1)).toHaveLength(600);
    checkEvs(net);
  });
});
