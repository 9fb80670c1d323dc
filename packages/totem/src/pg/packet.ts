/**
 * The totempg packet: what one multicast of the ring carries (totem-wire §2). Little-endian:
 *
 *     0 version i16 = 0 | 2 type i16 = 0 | 4 fragmented u8 | 5 continuation u8 | 6 count u16
 *     8 count x length u16 | the pieces, back to back, up to the very end
 *
 * `fragmented` not 0: the last piece goes on in this sender's next packet, and this is the number of
 * the fragment. `continuation` not 0: the first piece goes on from the packet with that number.
 */

export const PACKET_HEAD_BYTES = 8;
export const PIECE_LENGTH_BYTES = 2;

/** A checked packet head; made once and filled by {@link decodePacket} for each packet. */
export interface PacketHead {
  fragmented: number;
  continuation: number;
  count: number;
  /** Where the first piece starts. */
  dataStart: number;
}

export function createPacketHead(): PacketHead {
  return { fragmented: 0, continuation: 0, count: 0, dataStart: 0 };
}

/**
 * Checks a packet from outside and reads its head.
 * @returns why it must be dropped, or undefined when it is good and `head` is filled.
 */
export function decodePacket(bytes: Uint8Array, head: PacketHead): string | undefined {
  if (bytes.length < PACKET_HEAD_BYTES) return 'short';
  if (u16(bytes, 0) !== 0) return 'version';
  if (u16(bytes, 2) !== 0) return 'type';
  const count = u16(bytes, 6);
  if (count === 0) return 'empty';
  const dataStart = PACKET_HEAD_BYTES + PIECE_LENGTH_BYTES * count;
  if (dataStart > bytes.length) return 'count';
  let end = dataStart;
  for (let i = 0; i < count; i++) end += pieceLength(bytes, i);
  if (end !== bytes.length) return 'lengths';
  head.fragmented = bytes[4] as number;
  head.continuation = bytes[5] as number;
  head.count = count;
  head.dataStart = dataStart;
  return undefined;
}

/** Length of piece `index` of a packet that {@link decodePacket} found good. */
export function pieceLength(bytes: Uint8Array, index: number): number {
  return u16(bytes, PACKET_HEAD_BYTES + PIECE_LENGTH_BYTES * index);
}

/** What goes into a packet, for {@link encodePacket}. */
export interface PacketContent {
  readonly fragmented: number;
  readonly continuation: number;
  /** Lengths of the pieces; `count` of them are valid. */
  readonly lengths: Uint16Array;
  readonly count: number;
  /** The pieces back to back; `dataLength` bytes are valid. */
  readonly data: Uint8Array;
  readonly dataLength: number;
}

/** Writes a packet into `target`. @returns its length. */
export function encodePacket(content: PacketContent, target: Uint8Array): number {
  const { lengths, count, data, dataLength } = content;
  target.fill(0, 0, 4);
  target[4] = content.fragmented;
  target[5] = content.continuation;
  putU16(target, 6, count);
  for (let i = 0; i < count; i++) {
    putU16(target, PACKET_HEAD_BYTES + PIECE_LENGTH_BYTES * i, lengths[i] as number);
  }
  const dataStart = PACKET_HEAD_BYTES + PIECE_LENGTH_BYTES * count;
  target.set(data.subarray(0, dataLength), dataStart);
  return dataStart + dataLength;
}

function u16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}

function putU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff;
  bytes[offset + 1] = value >>> 8;
}
