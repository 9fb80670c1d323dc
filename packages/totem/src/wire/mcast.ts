/**
 * mcast: one ordered packet, 45 bytes and the payload (totem-wire §1.2, §1.7). The hot path: fields are
 * read in place and the header is written around a payload that is already where it belongs.
 */
import type { Guarantee } from '../contract.ts';
import { getU32, getU64, putU32 } from './bytes.ts';
import {
  ENCAPSULATED,
  HEADER_BYTES,
  headerError,
  PACKET_TYPE,
  PLAIN,
  putHeader,
  type WireError,
} from './header.ts';
import { invariant } from './invariant.ts';
import { isRingSeq, putRingId } from './ring-id.ts';

export const MCAST_BYTES = 45;

const SYSTEM_FROM = HEADER_BYTES;
const SEQ = 17;
const THIS_SEQNO = 21;
const RING_ID = 25;
const NODE_ID = 37;
const GUARANTEE = 41;
const GUARANTEE_SAFE = 1;

/** The reason to refuse an mcast whose header is right, or undefined. */
export function mcastError(packet: Uint8Array): WireError | undefined {
  if (packet.length < MCAST_BYTES) return 'short';
  if (packet[4] !== ENCAPSULATED && packet[4] !== PLAIN) return 'bad-encapsulation';
  if (getU32(packet, SYSTEM_FROM) === 0) return 'bad-node';
  if (!isRingSeq(mcastRingSeq(packet))) return 'bad-ring';
  return undefined;
}

/** The originator, who may not be the one that sent this copy. */
export function mcastSource(packet: Uint8Array): number {
  return getU32(packet, SYSTEM_FROM);
}

export function mcastSeq(packet: Uint8Array): number {
  return getU32(packet, SEQ);
}

export function mcastRingRep(packet: Uint8Array): number {
  return getU32(packet, RING_ID);
}

export function mcastRingSeq(packet: Uint8Array): number {
  return getU64(packet, RING_ID + 4);
}

export function mcastIsEncapsulated(packet: Uint8Array): boolean {
  return packet[4] === ENCAPSULATED;
}

/** Corosync carries `guarantee` and ignores it; only the value 1 means safe here (ADR 0011). */
export function mcastIsSafe(packet: Uint8Array): boolean {
  return getU32(packet, GUARANTEE) === GUARANTEE_SAFE;
}

export function mcastPayload(packet: Uint8Array): Uint8Array {
  return packet.subarray(MCAST_BYTES);
}

/** Everything that is known when a message is queued; {@link stampMcast} adds the rest when it is sent. */
export function prepareMcast(packet: Uint8Array, nodeId: number, guarantee: Guarantee): void {
  invariant(nodeId > 0, 'an mcast needs its originator', { nodeId });
  putHeader(packet, PACKET_TYPE.mcast, PLAIN, nodeId);
  putU32(packet, SYSTEM_FROM, nodeId);
  putU32(packet, NODE_ID, 0);
  putU32(packet, GUARANTEE, guarantee === 'safe' ? GUARANTEE_SAFE : 0);
}

/** Gives a prepared packet its place in the order. `senderCount` is a counter nobody reads. */
export function stampMcast(
  packet: Uint8Array,
  seq: number,
  ringRep: number,
  ringSeq: number,
  senderCount: number,
): void {
  putU32(packet, SEQ, seq);
  putU32(packet, THIS_SEQNO, senderCount);
  putRingId(packet, RING_ID, ringRep, ringSeq);
}

/** A recovery copy around a message of the old ring, in `packet` (of that length); stamp it like any other. */
export function encapsulate(
  inner: Uint8Array,
  nodeId: number,
  packet: Uint8Array = new Uint8Array(MCAST_BYTES + inner.length),
): Uint8Array {
  prepareMcast(packet, nodeId, 'agreed');
  packet[4] = ENCAPSULATED;
  packet.set(inner, MCAST_BYTES);
  return packet;
}

/** The message inside a recovery copy, or undefined when it is none. */
export function decapsulate(outer: Uint8Array): Uint8Array | undefined {
  const inner = mcastPayload(outer);
  if (headerError(inner) !== undefined || inner[3] !== PACKET_TYPE.mcast) return undefined;
  if (mcastError(inner) !== undefined || inner[4] !== PLAIN) return undefined;
  return inner;
}
