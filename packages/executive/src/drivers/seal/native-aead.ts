/**
 * Sealing by the libcrypto of this process: the one inside of Node.js, which exports its functions to addons
 * (nodejs.org/api/addons.html), or the shared one that Node.js is linked to. A key keeps its cipher context,
 * so a packet costs five calls and makes nothing (EVP_EncryptInit(3)). All addresses are of memory made once.
 */
import type { SealCipher } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX } from '../../limits.ts';
import { type Libc, loadLibc, type Native } from '../native.ts';
import type { Aead } from './aead.ts';
import { HEADER_BYTES, NONCE_COUNTER_AT, TAG_BYTES } from './format.ts';

type LibCrypto = ReturnType<typeof bindCrypto>;

const CIPHERS: Readonly<Record<SealCipher, string>> = {
  'aes-256-gcm': 'EVP_aes_256_gcm',
  'chacha20-poly1305': 'EVP_chacha20_poly1305',
};
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const SEALS = 1;
const OPENS = 0;
/** A pointer that says: as before, or none. */
const NULL = 0;
/** Behind the frame: the nonce, and the length that OpenSSL tells and nobody reads. */
const NONCE_AT = Math.ceil(DATAGRAM_BYTES_MAX / 8) * 8;
const LENGTH_AT = NONCE_AT + 16;
const MEMORY_BYTES = LENGTH_AT + 8;

/** Never throws. */
export function loadNativeAead(cipher: SealCipher): Native<{ readonly create: () => Aead }> {
  const { libc, missing } = loadLibc();
  if (libc === undefined) return { missing };
  try {
    const crypto = bindCrypto(libc, cipher);
    return { create: () => createNativeAead(libc, crypto) };
  } catch (error) {
    return { missing: `this Node.js has no libcrypto to call: ${(error as Error).message}` };
  }
}

/** Addresses are numbers here: those of a process are below 2^53, and a bigint costs more than the call. */
function bindCrypto(libc: Libc, cipher: SealCipher) {
  const at = 'uintptr_t';
  return {
    cipher: libc.func(CIPHERS[cipher], at, []),
    newContext: libc.func('EVP_CIPHER_CTX_new', at, []),
    freeContext: libc.func('EVP_CIPHER_CTX_free', 'void', [at]),
    setKey: libc.func('EVP_CipherInit_ex', 'int', [at, at, at, 'void *', at, 'int']),
    begin: libc.func('EVP_CipherInit_ex', 'int', [at, at, at, at, at, 'int']),
    update: libc.func('EVP_CipherUpdate', 'int', [at, at, at, at, 'int']),
    final: libc.func('EVP_CipherFinal_ex', 'int', [at, at, at]),
    control: libc.func('EVP_CIPHER_CTX_ctrl', 'int', [at, 'int', 'int', at]),
  };
}

function createNativeAead(libc: Libc, crypto: LibCrypto): Aead {
  const memory = Buffer.alloc(MEMORY_BYTES);
  const frame = memory.subarray(0, DATAGRAM_BYTES_MAX);
  const header = Number(libc.address(memory));
  const text = header + HEADER_BYTES;
  const nonce = header + NONCE_AT;
  const length = header + LENGTH_AT;

  function contextFor(secret: Uint8Array): number {
    const context = crypto.newContext();
    if (context === NULL) throw new Error('no memory for a cipher context');
    const { cipher, setKey } = crypto;
    done(setKey(context, cipher(), NULL, secret, NULL, SEALS));
    return context;
  }

  function begin(context: number, counter: number, direction: number): boolean {
    if (context === NULL) throw new Error('a key was used after it was closed');
    memory.writeUInt32LE(counter, NONCE_AT + NONCE_COUNTER_AT);
    return crypto.begin(context, NULL, NULL, NULL, nonce, direction) === 1;
  }

  /** The header, which stays as it is, then the text, in place; and whether that is all right. */
  function pass(context: number, textBytes: number): boolean {
    return (
      crypto.update(context, NULL, length, header, HEADER_BYTES) === 1 &&
      crypto.update(context, text, length, text, textBytes) === 1 &&
      crypto.final(context, text + textBytes, length) === 1
    );
  }

  return {
    frame,
    key(secret) {
      let context = contextFor(secret);
      return {
        seal(counter, packet) {
          frame.set(packet, HEADER_BYTES);
          const isSealed =
            begin(context, counter, SEALS) &&
            pass(context, packet.length) &&
            crypto.control(context, GET_TAG, TAG_BYTES, text + packet.length) === 1;
          // Or the packet would leave in the clear.
          if (!isSealed) throw new Error('libcrypto does not seal');
        },
        open: (counter, textBytes) =>
          begin(context, counter, OPENS) &&
          crypto.control(context, SET_TAG, TAG_BYTES, text + textBytes) === 1 &&
          pass(context, textBytes),
        close() {
          if (context !== NULL) crypto.freeContext(context);
          context = NULL;
        },
      };
    },
  };
}

function done(result: number): void {
  if (result !== 1) throw new Error('libcrypto does not take the key');
}
