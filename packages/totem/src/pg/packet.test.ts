import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeGroupHeader, groupHeaderLength, namesGroup } from './group-header.ts';
import { createPacketHead, decodePacket, encodePacket, pieceLength } from './packet.ts';

/** Corosync's sync barrier as captured (totem-wire §1.8), node 1, ring 1.d: 45 bytes of the ring's, then ours. */
const BARRIER = fromHex(
  '70c00301020100000000000000010000000500000014000000010000000d000000000000000000000000000000' +
    '000000000000010028000100040073796e6300000000000000002000000000000000010000000d0000000000000000000000',
).subarray(45);

describe('the totempg packet', () => {
  test("Corosync's sync barrier decodes to one message to the group `sync` and encodes to the same bytes", () => {
    const head = createPacketHead();
    expect(decodePacket(BARRIER, head)).toBeUndefined();
    expect(head).toEqual({ fragmented: 0, continuation: 0, count: 1, dataStart: 10 });
    expect(pieceLength(BARRIER, 0)).toBe(40);
    const message = BARRIER.subarray(head.dataStart);
    expect(groupHeaderLength(message)).toBe(8);
    expect(namesGroup(message, encodeGroupHeader('sync'))).toBe(true);
    expect(namesGroup(message, encodeGroupHeader('sync2'))).toBe(false);
    expect(namesGroup(message, encodeGroupHeader('a'))).toBe(false);
    const target = new Uint8Array(100).fill(0xff);
    const length = encodePacket(
      {
        fragmented: 0,
        continuation: 0,
        lengths: Uint16Array.of(40),
        count: 1,
        data: message,
        dataLength: message.length,
      },
      target,
    );
    expect(target.subarray(0, length)).toEqual(BARRIER);
  });

  test('the header of our own message to `sync` is the one Corosync writes', () => {
    expect(encodeGroupHeader('sync')).toEqual(BARRIER.subarray(10, 18));
  });

  test.each([
    ['short', '00000000000001'],
    ['version', '0100000000000100000000'],
    ['type', '0000010000000100000000'],
    ['empty', '0000000000000000'],
    ['count', '00000000000002000100'],
    ['lengths', '000000000000010002000a'],
    ['lengths', '000000000000010001000a0b'],
  ])('a packet with bad %s is refused', (reason, hex) => {
    expect(decodePacket(fromHex(hex), createPacketHead())).toBe(reason);
  });

  test('any bytes are refused or describe themselves exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, plausible) => {
        if (plausible) bytes.fill(0, 0, 4);
        const head = createPacketHead();
        if (decodePacket(bytes, head) !== undefined) return;
        let end = head.dataStart;
        for (let i = 0; i < head.count; i++) end += pieceLength(bytes, i);
        expect(end).toBe(bytes.length);
      }),
    );
  });

  test('a group header is never longer than its message', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 0, max: 3 }),
        (bytes, count) => {
          if (bytes.length > 1) bytes.set([count, 0]);
          const length = groupHeaderLength(bytes);
          expect(length).toBeLessThanOrEqual(bytes.length);
          if (length > 0) namesGroup(bytes, encodeGroupHeader('ais'));
        },
      ),
    );
  });

  test.each(['', 'x'.repeat(33), 'sp ace', 'ü'])('the group name %j is refused', (name) => {
    expect(() => encodeGroupHeader(name)).toThrow(RangeError);
  });
});

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
