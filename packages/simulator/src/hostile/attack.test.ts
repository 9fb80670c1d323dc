/** A ring survives hostile datagrams in every state; and a ring that breaks the wire's rules is noticed. */
import { expect, test } from '@jest/globals';
import { attack } from './attack.ts';

const PACKETS = 1500;

test.each([11, 12, 13, 14, 15, 16])(
  'attack %i: nothing is thrown, nothing wrong is sent, the ring re-forms',
  (seed) => {
    expect(attack({ seed, packets: PACKETS }).faults).toEqual([]);
  },
);

test('a ring that throws at a datagram is told', () => {
  const { faults } = attack({
    seed: 1,
    packets: 50,
    watch:
      (create) =>
      (...parts) => {
        const ring = create(...parts);
        const receive = (packet: Uint8Array, now: number): void => {
          if (packet.length === 57) throw new Error('planted');
          ring.receive(packet, now);
        };
        return Object.create(ring, { receive: { value: receive } }) as typeof ring;
      },
  });
  expect(faults.some((text) => text.includes('planted'))).toBe(true);
});

test('a ring that sends what breaks the wire is told', () => {
  const { faults } = attack({
    seed: 1,
    packets: 50,
    watch: (create) => (config, effects, client) => {
      const unicast = (target: number, packet: Uint8Array): void => {
        const wrong = packet.slice();
        // A count of retransmit requests that the packet does not hold.
        if (wrong[3] === 0) wrong[53] = 31;
        effects.unicast(target, wrong);
      };
      return create(config, { ...effects, unicast }, client);
    },
  });
  expect(faults).toContain('sent a token with bad-count');
});
