/**
 * Bytes of everything that this package sends: plain msgpack, no records (they are connection state),
 * bigint for 64 bit, decoded bytes copied out of the engine's memory. Maps decode as objects and Sets
 * as arrays: put neither into a message or chunk.
 *
 * Decoding never throws, and its errors carry no text: msgpackr's messages quote the data.
 */
import { Packr } from 'msgpackr';

const packr = new Packr({
  useRecords: false,
  moreTypes: false,
  mapsAsObjects: true,
  copyBuffers: true,
});

export type Decoded = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const REFUSED: Decoded = { ok: false };

/** @throws RangeError for a bigint beyond 64 bit: a bug of the service that made the value. */
export function encode(value: unknown): Uint8Array {
  return packr.pack(value) as Uint8Array;
}

export function decode(bytes: Uint8Array): Decoded {
  try {
    return { ok: true, value: packr.unpack(plain(bytes)) };
  } catch {
    return REFUSED;
  }
}

/** Slices of a Buffer are Buffers; state and replies hold plain Uint8Arrays. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
