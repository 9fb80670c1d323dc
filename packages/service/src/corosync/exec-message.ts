/**
 * The header of every message in Corosync's group `a` (totem-wire §4): i32 id @0 (service << 16 | function),
 * i32 size @8, 16 bytes together. The C daemons trust it, so what leaves is checked first (totem-wire §4.7
 * rules 2 and 6); what comes is believed only when it fits.
 */
import { getU32 } from '@aisexec/ais';
import { invariant } from '../invariant.ts';
import { EXEC_FUNCTION_MAX, SERVICE_ID_MAX } from '../limits.ts';

export const EXEC_HEADER_BYTES = 16;
const OFFSET_SIZE = 8;

export interface ExecHeader {
  readonly service: number;
  readonly fn: number;
}

/** A message of `size` bytes with its header in place; the rest is zero. @throws InvariantError */
export function createExecMessage(
  service: number,
  fn: number,
  size: number,
): DataView<ArrayBuffer> {
  invariant(isWhole(service, SERVICE_ID_MAX), 'exec service id', { service });
  invariant(isWhole(fn, EXEC_FUNCTION_MAX), 'exec function', { service, fn });
  invariant(size >= EXEC_HEADER_BYTES, 'exec message without header', { service, fn, size });
  const view = new DataView(new ArrayBuffer(size));
  view.setInt32(0, (service << 16) | fn, true);
  view.setInt32(OFFSET_SIZE, size, true);
  return view;
}

/**
 * @param size of the whole message, of which `message` may be the beginning.
 * @returns undefined for another length than it says, or a service or function that cannot be.
 */
export function decodeExecHeader(
  message: Uint8Array,
  size = message.length,
): ExecHeader | undefined {
  if (message.length < EXEC_HEADER_BYTES || getU32(message, OFFSET_SIZE) !== size) return undefined;
  const id = getU32(message, 0);
  const service = id >>> 16;
  const fn = id & 0xffff;
  return service <= SERVICE_ID_MAX && fn <= EXEC_FUNCTION_MAX ? { service, fn } : undefined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
