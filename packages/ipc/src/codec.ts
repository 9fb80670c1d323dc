/**
 * The bytes of one frame body: a msgpack map. Plain maps, no shared records: structures would be state
 * of the connection, and no other msgpack library reads them.
 */
import { Packr, Unpackr } from 'msgpackr';

const settings = { useRecords: false, moreTypes: false, mapsAsObjects: true } as const;
const packr = new Packr(settings);
// Binary fields are copied: a slice would pin the whole read buffer and alias it.
const unpackr = new Unpackr({ ...settings, copyBuffers: true });

/** @returns undefined for what msgpack cannot say (a bigint over 64 bits, a function). */
export function encode(value: unknown): Uint8Array | undefined {
  try {
    return packr.pack(value);
  } catch {
    return undefined;
  }
}

/** @returns undefined for rubbish. The library's message is not passed on: it quotes the data. */
export function decode(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: unpackr.unpack(bytes) };
  } catch {
    return undefined;
  }
}

/** A plain object with string keys, as every frame body and reply is. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
