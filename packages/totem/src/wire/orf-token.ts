/**
 * The ORF token: 57 bytes and 16 per retransmit request (totem-wire §1.3). Decoded into one reused object,
 * because it is the only packet that every node handles on every rotation.
 */
import { getU32, getU64, putU32 } from './bytes.ts';
import { PACKET_TYPE, packetNodeId, putHeader, type WireError } from './header.ts';
import { invariant } from './invariant.ts';
import { RTR_ENTRIES_MAX, SEQ_AHEAD_MAX } from './limits.ts';
import { isRingSeq, putRingId } from './ring-id.ts';

export const ORF_TOKEN_BYTES = 57;
export const RTR_ENTRY_BYTES = 16;
export const ORF_TOKEN_BYTES_MAX = ORF_TOKEN_BYTES + RTR_ENTRIES_MAX * RTR_ENTRY_BYTES;

/** Mutable on purpose: a token visit changes it and sends it on. */
export interface OrfToken {
  /** The last forwarder. */
  nodeId: number;
  /** Highest sequence number given to a message of this ring. */
  seq: number;
  /** Rises with every hop: duplicates die by it. */
  tokenSeq: number;
  /** All received up to here, as far as this rotation knows. */
  aru: number;
  /** Who lowered aru; 0 when nobody misses anything. */
  aruAddr: number;
  ringRep: number;
  ringSeq: number;
  backlog: number;
  /** Messages sent by all nodes in the last rotation. */
  fcc: number;
  retransFlg: number;
  rtrCount: number;
  readonly rtrSeq: Uint32Array;
  readonly rtrRingRep: Uint32Array;
  readonly rtrRingSeq: Float64Array;
}

export function createOrfToken(): OrfToken {
  return {
    nodeId: 0,
    seq: 0,
    tokenSeq: 0,
    aru: 0,
    aruAddr: 0,
    ringRep: 0,
    ringSeq: 0,
    backlog: 0,
    fcc: 0,
    retransFlg: 0,
    rtrCount: 0,
    rtrSeq: new Uint32Array(RTR_ENTRIES_MAX),
    rtrRingRep: new Uint32Array(RTR_ENTRIES_MAX),
    rtrRingSeq: new Float64Array(RTR_ENTRIES_MAX),
  };
}

/** Reads a token whose header is right. On an error `token` holds rubbish. */
export function decodeOrfToken(packet: Uint8Array, token: OrfToken): WireError | undefined {
  if (packet.length < ORF_TOKEN_BYTES) return 'short';
  const count = getU32(packet, 53);
  if (count > RTR_ENTRIES_MAX) return 'bad-count';
  if (packet.length < ORF_TOKEN_BYTES + count * RTR_ENTRY_BYTES) return 'short';
  token.nodeId = packetNodeId(packet);
  token.seq = getU32(packet, 13);
  token.tokenSeq = getU32(packet, 17);
  token.aru = getU32(packet, 21);
  token.aruAddr = getU32(packet, 25);
  token.ringRep = getU32(packet, 29);
  token.ringSeq = getU64(packet, 33);
  if (!isRingSeq(token.ringSeq)) return 'bad-ring';
  token.backlog = getU32(packet, 41);
  token.fcc = getU32(packet, 45);
  token.retransFlg = getU32(packet, 49);
  token.rtrCount = count;
  for (let i = 0, at = ORF_TOKEN_BYTES; i < count; i++, at += RTR_ENTRY_BYTES) {
    token.rtrRingRep[i] = getU32(packet, at);
    token.rtrRingSeq[i] = getU64(packet, at + 4);
    token.rtrSeq[i] = getU32(packet, at + 12);
  }
  return undefined;
}

/** Writes the token to the start of `into` (ORF_TOKEN_BYTES_MAX long). @returns its length. */
export function encodeOrfToken(token: OrfToken, into: Uint8Array): number {
  const { rtrCount, seq, aru } = token;
  invariant(rtrCount <= RTR_ENTRIES_MAX, 'too many retransmit entries', { rtrCount });
  // totem-wire §4.7 rule 3: a C peer asserts on the distance. Unsigned on purpose.
  invariant((seq - aru) >>> 0 < SEQ_AHEAD_MAX, 'token seq too far ahead of its aru', { seq, aru });
  putHeader(into, PACKET_TYPE.orfToken, 0, token.nodeId);
  putU32(into, 13, seq);
  putU32(into, 17, token.tokenSeq);
  putU32(into, 21, aru);
  putU32(into, 25, token.aruAddr);
  putRingId(into, 29, token.ringRep, token.ringSeq);
  putU32(into, 41, token.backlog);
  putU32(into, 45, token.fcc);
  putU32(into, 49, token.retransFlg);
  putU32(into, 53, rtrCount);
  let at = ORF_TOKEN_BYTES;
  for (let i = 0; i < rtrCount; i++, at += RTR_ENTRY_BYTES) {
    putRingId(into, at, token.rtrRingRep[i]!, token.rtrRingSeq[i]!);
    putU32(into, at + 12, token.rtrSeq[i]!);
  }
  return at;
}
