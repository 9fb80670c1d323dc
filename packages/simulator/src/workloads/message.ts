/**
 * The payload of a simulated message: id, guarantee, its own content hash, and filler of any length. Layout,
 * little-endian: magic u32, node u32, incarnation u32, stream u8, safe u8, two bytes 0, counter u32,
 * hash u32 over everything else.
 */
import { bytesHash } from '../hash.ts';
import {
  messageCounter,
  messageId,
  messageIncarnation,
  messageNode,
  messageStream,
} from '../trace/record.ts';

const MAGIC = 0x534d_4953;
const HASH_OFFSET = 20;
export const MESSAGE_HEAD_BYTES = 24;

export interface SimMessage {
  readonly id: number;
  readonly safe: boolean;
  /** Hash of the whole payload as it is, not the one it claims. */
  readonly hash: number;
  /** The claimed hash fits the content. */
  readonly intact: boolean;
}

/** @returns the payload and its hash. `bytes` is at least {@link MESSAGE_HEAD_BYTES}. */
export function encodeMessage(
  id: number,
  safe: boolean,
  bytes: number,
): { readonly payload: Uint8Array; readonly hash: number } {
  const payload = new Uint8Array(Math.max(bytes, MESSAGE_HEAD_BYTES));
  const view = new DataView(payload.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, messageNode(id), true);
  view.setUint32(8, messageIncarnation(id), true);
  view.setUint8(12, messageStream(id));
  view.setUint8(13, safe ? 1 : 0);
  view.setUint32(16, messageCounter(id), true);
  for (let i = MESSAGE_HEAD_BYTES; i < payload.length; i += 1) payload[i] = (id + i * 31) & 0xff;
  view.setUint32(HASH_OFFSET, bytesHash(payload), true);
  return { payload, hash: bytesHash(payload) };
}

/** The message id at `offset` of a packet; 0 when there is none. */
export function peekMessage(packet: Uint8Array, offset: number): number {
  if (packet.length < offset + MESSAGE_HEAD_BYTES || u32(packet, offset) !== MAGIC) return 0;
  const stream = packet[offset + 12] === 1 ? 1 : 0;
  return messageId(
    u32(packet, offset + 4),
    u32(packet, offset + 8),
    stream,
    u32(packet, offset + 16),
  );
}

/** undefined when these bytes are no message of ours. */
export function decodeMessage(payload: Uint8Array): SimMessage | undefined {
  const id = peekMessage(payload, 0);
  if (id === 0) return undefined;
  const claimed = u32(payload, HASH_OFFSET);
  const blank = payload.slice();
  blank.fill(0, HASH_OFFSET, HASH_OFFSET + 4);
  return {
    id,
    safe: payload[13] === 1,
    hash: bytesHash(payload),
    intact: bytesHash(blank) === claimed,
  };
}

export function u32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! |
      (bytes[offset + 1]! << 8) |
      (bytes[offset + 2]! << 16) |
      (bytes[offset + 3]! << 24)) >>>
    0
  );
}
