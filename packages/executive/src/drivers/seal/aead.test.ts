import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SEAL_CIPHERS } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX, SEAL_OVERHEAD_BYTES } from '../../limits.ts';
import type { Aead } from './aead.ts';
import { chooseAead } from './choose-aead.ts';
import { HEADER_BYTES, SECRET_BYTES } from './format.ts';
import { loadNativeAead } from './native-aead.ts';

const secret = Uint8Array.from({ length: SECRET_BYTES }, (_, i) => 3 * i);

/** The datagram as it leaves. */
function sealedBy(aead: Aead, counter: number, packet: Uint8Array, header = 5): Buffer {
  const key = aead.key(secret);
  aead.frame.fill(header, 0, HEADER_BYTES);
  key.seal(counter, packet);
  key.close();
  return Buffer.from(aead.frame.subarray(0, packet.length + SEAL_OVERHEAD_BYTES));
}

/** What comes out, or undefined. */
function openedBy(aead: Aead, counter: number, datagram: Uint8Array): Buffer | undefined {
  const key = aead.key(secret);
  aead.frame.set(datagram);
  const textBytes = datagram.length - SEAL_OVERHEAD_BYTES;
  const isOpened = key.open(counter, textBytes);
  key.close();
  if (!isOpened) return undefined;
  return Buffer.from(aead.frame.subarray(HEADER_BYTES, HEADER_BYTES + textBytes));
}

test('io plain seals with node:crypto, and says so', () => {
  expect(chooseAead('aes-256-gcm', 'plain').plain).toBe('totem.io is plain');
});

describe.each(SEAL_CIPHERS)('%s by the libcrypto of the process', (cipher) => {
  const { create, missing } = loadNativeAead(cipher);
  const plain = chooseAead(cipher, 'plain').create();
  const withNative = create === undefined ? test.skip : test;
  const native = create?.() ?? plain;

  withNative('is what is chosen', () => {
    expect(missing).toBeUndefined();
    expect(chooseAead(cipher).plain).toBeUndefined();
  });

  withNative('gives the bytes of node:crypto, for packets of any length', () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), bytes, (counter, packet) => {
        const datagram = sealedBy(plain, counter, packet);
        expect(sealedBy(native, counter, packet)).toEqual(datagram);
        expect(openedBy(native, counter, datagram)).toEqual(Buffer.from(packet));
      }),
      { numRuns: 200 },
    );
    const largest = new Uint8Array(DATAGRAM_BYTES_MAX - SEAL_OVERHEAD_BYTES).fill(9);
    expect(sealedBy(native, 1, largest)).toEqual(sealedBy(plain, 1, largest));
  });

  withNative('refuses any altered bit, the header included, and the next one is not harmed', () => {
    const packet = new Uint8Array(33).fill(4);
    const datagram = sealedBy(plain, 7, packet);
    const key = native.key(secret);
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      native.frame.set(datagram);
      native.frame[bit >> 3]! ^= 1 << (bit & 7);
      expect(key.open(7, packet.length)).toBe(false);
      native.frame.set(datagram);
      expect(key.open(7, packet.length)).toBe(true);
    }
    native.frame.set(datagram);
    expect(key.open(8, packet.length)).toBe(false);
    key.close();
  });

  withNative('keeps several keys at work in turn', () => {
    const other = native.key(new Uint8Array(SECRET_BYTES));
    const key = native.key(secret);
    const packet = new Uint8Array(100).fill(1);
    const expected = sealedBy(plain, 2, packet);
    for (let round = 0; round < 3; round++) {
      native.frame.fill(5, 0, HEADER_BYTES);
      other.seal(2, packet);
      native.frame.fill(5, 0, HEADER_BYTES);
      key.seal(2, packet);
      expect(native.frame.subarray(0, expected.length).equals(expected)).toBe(true);
      expect(other.open(2, packet.length)).toBe(false);
    }
    key.close();
    other.close();
  });

  withNative('never touches a key that was closed', () => {
    const key = native.key(secret);
    key.close();
    key.close();
    expect(() => key.seal(1, new Uint8Array(20))).toThrow('after it was closed');
    expect(() => key.open(1, 20)).toThrow('after it was closed');
  });
});
