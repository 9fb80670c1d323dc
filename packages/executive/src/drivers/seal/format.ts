/**
 * A sealed datagram (totem-wire §6), all numbers little-endian:
 *
 *     0 magic C5 EA · 2 version 1 in the low half, cipher in the high half · 3 key id
 *     4 nodeid u32 · 8 epoch u64 · 16 counter u64 · 24 ciphertext · tag of 16 bytes
 *
 * The header is authenticated. The nonce is four zero bytes and the counter; the key is the sender's own for
 * this epoch, so a nonce never meets a key twice. Version and cipher are part of the derivation, too.
 */
import { hkdfSync } from 'node:crypto';
import { SEAL_CIPHERS, type SealCipher } from '../../config/config.ts';
import type { GroupKey } from '../../key-file.ts';

export const MAGIC_0 = 0xc5;
export const MAGIC_1 = 0xea;
export const VERSION = 1;
export const HEADER_BYTES = 24;
export const TAG_BYTES = 16;
export const NONCE_BYTES = 12;
/** Where the counter is in header and nonce; its upper half is always 0. */
export const COUNTER_AT = 16;
export const NONCE_COUNTER_AT = 4;

/** Of a sender's key, for both ciphers. */
export const SECRET_BYTES = 32;

/** The byte that says version and cipher. */
export function versionByte(cipher: SealCipher): number {
  return (SEAL_CIPHERS.indexOf(cipher) << 4) | VERSION;
}

/** The cipher that a version byte names; undefined: none that is known. */
export function cipherOf(byte: number): SealCipher | undefined {
  return SEAL_CIPHERS[byte >> 4];
}

/** The secret of one sender in one epoch. Costs tens of microseconds. */
export function senderSecret(
  { secret }: GroupKey,
  cipher: SealCipher,
  nodeId: number,
  epoch: bigint,
): Uint8Array {
  const sender = Buffer.alloc(12);
  sender.writeUInt32LE(nodeId, 0);
  sender.writeBigUInt64LE(epoch, 4);
  const info = Buffer.concat([Buffer.from(`aisexec seal ${VERSION} ${cipher} `, 'latin1'), sender]);
  return new Uint8Array(hkdfSync('sha256', secret, '', info, SECRET_BYTES));
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}
