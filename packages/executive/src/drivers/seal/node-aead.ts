/** Sealing by node:crypto. */
import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherGCM,
} from 'node:crypto';
import type { SealCipher } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX } from '../../limits.ts';
import type { Aead } from './aead.ts';
import { HEADER_BYTES, NONCE_BYTES, NONCE_COUNTER_AT, TAG_BYTES } from './format.ts';

export function createNodeAead(cipher: SealCipher): Aead {
  const frame = Buffer.allocUnsafeSlow(DATAGRAM_BYTES_MAX);
  const header = frame.subarray(0, HEADER_BYTES);
  const nonce = Buffer.alloc(NONCE_BYTES);
  // Both ciphers have the interface of GCM.
  const gcm = cipher as 'aes-256-gcm';
  const options = { authTagLength: TAG_BYTES };
  return {
    frame,
    key(secret) {
      let key = createSecretKey(secret);
      return {
        seal(counter, packet) {
          nonce.writeUInt32LE(counter, NONCE_COUNTER_AT);
          const box: CipherGCM = createCipheriv(gcm, key, nonce, options);
          box.setAAD(header);
          frame.set(box.update(packet), HEADER_BYTES);
          box.final();
          frame.set(box.getAuthTag(), HEADER_BYTES + packet.length);
        },
        open(counter, textBytes) {
          nonce.writeUInt32LE(counter, NONCE_COUNTER_AT);
          const end = HEADER_BYTES + textBytes;
          const box: DecipherGCM = createDecipheriv(gcm, key, nonce, options);
          box.setAAD(header);
          box.setAuthTag(frame.subarray(end, end + TAG_BYTES));
          frame.set(box.update(frame.subarray(HEADER_BYTES, end)), HEADER_BYTES);
          try {
            box.final();
            return true;
          } catch {
            return false;
          }
        },
        close() {
          key = createSecretKey(new Uint8Array(secret.length));
        },
      };
    },
  };
}
