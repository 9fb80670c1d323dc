/**
 * The stamp of our own groups' messages: the low 32 bits of the sequence of the ring for which the
 * message was packed, behind the group header (ADR 0020). A message is delivered only in that ring. One
 * sender's rings rise, so 32 bits tell any two apart that can still be under way.
 */

export const STAMP_BYTES = 4;

export function encodeStamp(ringSeq: number, target: Uint8Array, offset: number): void {
  const low = ringSeq % 0x1_0000_0000;
  target[offset] = low & 0xff;
  target[offset + 1] = (low >>> 8) & 0xff;
  target[offset + 2] = (low >>> 16) & 0xff;
  target[offset + 3] = low >>> 24;
}

/** Whether the bytes at `offset` are the stamp of this ring; false when they are cut off. */
export function hasStamp(ringSeq: number, bytes: Uint8Array, offset: number): boolean {
  const low = ringSeq % 0x1_0000_0000;
  return (
    offset + STAMP_BYTES <= bytes.length &&
    bytes[offset] === (low & 0xff) &&
    bytes[offset + 1] === ((low >>> 8) & 0xff) &&
    bytes[offset + 2] === ((low >>> 16) & 0xff) &&
    bytes[offset + 3] === low >>> 24
  );
}
