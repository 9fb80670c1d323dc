/** The two small multicasts: merge-detect, 29 bytes, and token-hold-cancel, 25 bytes (totem-wire §1.6). */
import type { RingId } from '../contract.ts';
import { getU32, putU32 } from './bytes.ts';
import { type Decoded, PACKET_TYPE, putHeader, refused } from './header.ts';
import { getRingId, isRingSeq, putRingId } from './ring-id.ts';

export const MERGE_DETECT_BYTES = 29;
export const HOLD_CANCEL_BYTES = 25;

/** "This ring is here": what a representative tells the world when its ring is idle. */
export interface MergeDetect {
  readonly systemFrom: number;
  readonly ringId: RingId;
}

export function decodeMergeDetect(packet: Uint8Array): Decoded<MergeDetect> {
  if (packet.length < MERGE_DETECT_BYTES) return refused('short');
  const systemFrom = getU32(packet, 13);
  const ringId = getRingId(packet, 17);
  if (systemFrom === 0) return refused('bad-node');
  if (!isRingSeq(ringId.seq)) return refused('bad-ring');
  return { ok: true, value: { systemFrom, ringId } };
}

export function encodeMergeDetect(message: MergeDetect): Uint8Array {
  const packet = new Uint8Array(MERGE_DETECT_BYTES);
  putHeader(packet, PACKET_TYPE.mergeDetect, 0, message.systemFrom);
  putU32(packet, 13, message.systemFrom);
  putRingId(packet, 17, message.ringId.rep, message.ringId.seq);
  return packet;
}

/** "I have something to send": asks the representative to let the held token go. */
export interface HoldCancel {
  readonly nodeId: number;
  readonly ringId: RingId;
}

export function decodeHoldCancel(packet: Uint8Array): Decoded<HoldCancel> {
  if (packet.length < HOLD_CANCEL_BYTES) return refused('short');
  const ringId = getRingId(packet, 13);
  if (!isRingSeq(ringId.seq)) return refused('bad-ring');
  return { ok: true, value: { nodeId: getU32(packet, 5), ringId } };
}

export function encodeHoldCancel(message: HoldCancel): Uint8Array {
  const packet = new Uint8Array(HOLD_CANCEL_BYTES);
  putHeader(packet, PACKET_TYPE.holdCancel, 0, message.nodeId);
  putRingId(packet, 13, message.ringId.rep, message.ringId.seq);
  return packet;
}
