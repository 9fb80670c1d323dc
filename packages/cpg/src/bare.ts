/**
 * The callback of a message without a map: u32 nodeid, u32 pid, u8 part, then the message's own bytes. Ten thousand
 * times a second the names of four fields cost more than everything else (ADR 0207).
 */
import { copyBytes, getU32, putU32, type Slabs } from '@aisexec/ais';
import type { MessageEvent } from './protocol.ts';

const HEAD_BYTES = 9;
const OFFSET_PID = 4;
const OFFSET_PART = 8;
const PARTS = ['whole', 'first', 'middle', 'last'] as const;

export function encodeBare(slabs: Slabs, { nodeId, pid, part, bytes }: MessageEvent): Uint8Array {
  const payload = slabs.take(HEAD_BYTES + bytes.length);
  putU32(payload, 0, nodeId);
  putU32(payload, OFFSET_PID, pid);
  payload[OFFSET_PART] = PARTS.indexOf(part);
  copyBytes(bytes, 0, bytes.length, payload, HEAD_BYTES);
  return payload;
}

/** `bytes` lies in `payload`. @returns undefined when it does not fit. */
export function decodeBare(payload: Uint8Array): MessageEvent | undefined {
  const part = PARTS[payload[OFFSET_PART] ?? PARTS.length];
  if (part === undefined) return undefined;
  const nodeId = getU32(payload, 0);
  const pid = getU32(payload, OFFSET_PID);
  return { nodeId, pid, part, bytes: payload.subarray(HEAD_BYTES) };
}
