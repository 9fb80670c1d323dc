/** Corosync's parameters, and what is refused. */
import { describe, expect, test } from '@jest/globals';
import type { RingConfig } from '../ring.ts';
import { InvariantError } from '../wire/index.ts';
import { ringDefaults } from './defaults.ts';
import { Puppet } from './puppet.fixture.ts';

const given = { nodeId: 1, ringSeq: 0, random: () => 0 };

describe('the defaults', () => {
  test("are Corosync 3.1's", () => {
    expect(ringDefaults(given)).toMatchObject({
      payloadBytesMax: 1382,
      tokenMs: 3000,
      tokenRetransmitMs: 714,
      holdMs: 561,
      joinMs: 50,
      consensusMs: 3600,
      mergeMs: 200,
      sendJoinMs: 0,
      failRecvConst: 2500,
      seqnoUnchangedConst: 30,
      missCountConst: 5,
      windowSize: 50,
      maxMessages: 17,
      queueSlots: 3034,
      initialSeq: 0,
    });
    expect(ringDefaults({ ...given, payloadBytesMax: 1410 }).queueSlots).toBe(2974);
  });

  test('give every node beyond two 650 ms more', () => {
    expect(ringDefaults({ ...given, nodes: 3 })).toMatchObject({
      tokenMs: 3650,
      consensusMs: 4380,
    });
  });

  test('follow from a token time-out that is given', () => {
    expect(ringDefaults({ ...given, tokenMs: 1000 })).toMatchObject({
      tokenRetransmitMs: 238,
      holdMs: 180,
      consensusMs: 1200,
    });
  });
});

describe('a ring is not made', () => {
  test.each<[string, Partial<RingConfig>]>([
    ['a payload whose recovery copy fits no datagram', { payloadBytesMax: 65_418 }],
    ['a negative ring sequence', { ringSeq: -1 }],
    ['a window of the whole sort queue', { windowSize: 16_384 }],
    ['no message per visit', { maxMessages: 0 }],
    ['no queue', { queueSlots: 0 }],
    ['an initial sequence number beyond 32 bits', { initialSeq: 2 ** 32 }],
  ])('with %s', (_name, config) => {
    expect(() => new Puppet(1, config)).toThrow(InvariantError);
  });

  test('for node 0', () => {
    expect(() => new Puppet(0)).toThrow(InvariantError);
  });
});

test('a payload above the configured size is a bug of the caller', () => {
  const puppet = new Puppet(1, { payloadBytesMax: 2 }).start();
  expect(puppet.submit(1, 2)).toBe(true);
  expect(() => puppet.submit(1, 2, 3)).toThrow(InvariantError);
});
