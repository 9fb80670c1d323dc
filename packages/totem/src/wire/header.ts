/**
 * The 13-byte header that starts every datagram of the ring (totem-wire §1.1), and the one check that
 * every received datagram passes before a codec looks at it.
 */
import { getU16, getU32, putU16, putU32 } from './bytes.ts';
import { DATAGRAM_BYTES_MAX } from './limits.ts';

/** Packet types by their number on the wire. */
export const PACKET_TYPE = {
  orfToken: 0,
  mcast: 1,
  mergeDetect: 2,
  join: 3,
  commitToken: 4,
  holdCancel: 5,
} as const;

export const HEADER_BYTES = 13;
export const MAGIC = 0xc070;
export const VERSION = 3;

/** `encapsulated` of an mcast: a recovery copy, or plain. Every other type carries 0. */
export const ENCAPSULATED = 1;
export const PLAIN = 2;

const MAGIC_SWAPPED = 0x70c0;

/** Why a datagram was refused. Stable names: they are counters in `stats()`. */
export type WireError =
  | 'short'
  | 'long'
  | 'bad-magic'
  | 'big-endian'
  | 'bad-version'
  | 'bad-type'
  | 'bad-count'
  | 'bad-node'
  | 'bad-ring'
  | 'bad-encapsulation';

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

export function refused(error: WireError): { readonly ok: false; readonly error: WireError } {
  return { ok: false, error };
}

/** The reason to refuse this datagram by its header alone, or undefined. */
export function headerError(packet: Uint8Array): WireError | undefined {
  if (packet.length < HEADER_BYTES) return 'short';
  if (packet.length > DATAGRAM_BYTES_MAX) return 'long';
  const magic = getU16(packet, 0);
  // A big-endian member could never finish synchronisation with us (totem-wire §1): told apart, not read.
  if (magic !== MAGIC) return magic === MAGIC_SWAPPED ? 'big-endian' : 'bad-magic';
  if (packet[2] !== VERSION) return 'bad-version';
  if (packet[3]! > PACKET_TYPE.holdCancel) return 'bad-type';
  return undefined;
}

export function packetType(packet: Uint8Array): number {
  return packet[3]!;
}

/** Who put this datagram on the wire (a forwarder stamps itself); 0 marks a LEAVE. */
export function packetNodeId(packet: Uint8Array): number {
  return getU32(packet, 5);
}

/** `target_nodeid` is knet's and stays 0. */
export function putHeader(
  packet: Uint8Array,
  type: number,
  encapsulated: number,
  nodeId: number,
): void {
  putU16(packet, 0, MAGIC);
  packet[2] = VERSION;
  packet[3] = type;
  packet[4] = encapsulated;
  putU32(packet, 5, nodeId);
  putU32(packet, 9, 0);
}
