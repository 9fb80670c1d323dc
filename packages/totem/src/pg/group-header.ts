/**
 * The group header in front of every message (totem-wire §2): u16 count, count x u16 name lengths, the
 * names, then the payload. Corosync trusts it, so what we send is always exact (totem-wire §4.7).
 */
import { GROUP_NAME_BYTES_MAX, GROUPS_PER_MESSAGE_MAX } from './limits.ts';

/** The groups into which Corosync's nodes look: what we send there must be what they expect (totem-wire §2). */
const COROSYNC_GROUPS: readonly string[] = ['a', 'sync'];

export function isCorosyncGroup(group: string): boolean {
  return COROSYNC_GROUPS.includes(group);
}

/**
 * The header of a message to one group.
 * @throws RangeError for a name that is not 1 to 32 characters of printable ASCII.
 */
export function encodeGroupHeader(group: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(group) || group.length > GROUP_NAME_BYTES_MAX) {
    throw new RangeError(
      `group name ${JSON.stringify(group)}: 1 to ${GROUP_NAME_BYTES_MAX} characters of printable ASCII without blanks are allowed`,
    );
  }
  const header = new Uint8Array(4 + group.length);
  header[0] = 1;
  header[2] = group.length;
  for (let i = 0; i < group.length; i++) header[4 + i] = group.charCodeAt(i);
  return header;
}

/**
 * Length of the header of a received message.
 * @returns 0 when it is not a valid header.
 */
export function groupHeaderLength(message: Uint8Array): number {
  if (message.length < 2) return 0;
  const count = u16(message, 0);
  if (count === 0 || count > GROUPS_PER_MESSAGE_MAX) return 0;
  let length = 2 + 2 * count;
  if (length > message.length) return 0;
  for (let i = 0; i < count; i++) length += u16(message, 2 + 2 * i);
  return length > message.length ? 0 : length;
}

/** Whether a message with a valid header names the group whose own header (of one name) is given. */
export function namesGroup(message: Uint8Array, oneNameHeader: Uint8Array): boolean {
  const count = u16(message, 0);
  const wanted = oneNameHeader.length - 4;
  let name = 2 + 2 * count;
  for (let i = 0; i < count; i++) {
    const length = u16(message, 2 + 2 * i);
    if (length === wanted && sameBytes(message, name, oneNameHeader, 4, length)) return true;
    name += length;
  }
  return false;
}

/** Whether `length` bytes of `a` from `aStart` equal those of `b` from `bStart`. */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

function u16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}
