/** `memb_ring_id` on the wire: u32 representative, u64 sequence (totem-wire §1.1). */
import type { RingId } from '../contract.ts';
import { getU32, getU64, putU32, putU64 } from './bytes.ts';
import { RING_SEQ_MAX } from './limits.ts';

export const RING_ID_BYTES = 12;

export function getRingId(bytes: Uint8Array, at: number): RingId {
  return { rep: getU32(bytes, at), seq: getU64(bytes, at + 4) };
}

export function putRingId(bytes: Uint8Array, at: number, rep: number, seq: number): void {
  putU32(bytes, at, rep);
  putU64(bytes, at + 4, seq);
}

/** Compares in place, without an object. */
export function ringIdAtEquals(bytes: Uint8Array, at: number, ringId: RingId): boolean {
  return getU32(bytes, at) === ringId.rep && getU64(bytes, at + 4) === ringId.seq;
}

export function isRingSeq(seq: number): boolean {
  return seq <= RING_SEQ_MAX;
}
