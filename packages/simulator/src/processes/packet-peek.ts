/**
 * What the omniscient observer reads from a multicast packet (totem-wire §1.1, §1.2, §1.7): which message it
 * carries and its place in which ring. A recovery copy carries a whole old multicast, so one packet has two
 * places. Reading is tolerant: what it does not know has message 0.
 */
import type { RingId } from '@aisexec/totem';
import { peekMessage, u32 } from '../workloads/message.ts';

export const PACKET_TYPE = {
  token: 0,
  multicast: 1,
  merge: 2,
  join: 3,
  commit: 4,
  cancel: 5,
} as const;

const TYPE_OFFSET = 3;
const ENCAPSULATED_OFFSET = 4;
const RECOVERY_COPY = 1;
const SYSTEM_FROM_OFFSET = 13;
const SEQ_OFFSET = 17;
const RING_OFFSET = 25;
/** Where the payload of a multicast starts. */
export const MULTICAST_HEAD_BYTES = 45;

export interface PeekedMulticast {
  readonly source: number;
  readonly ringId: RingId;
  /** As on the wire. */
  readonly seq: number;
  readonly encapsulated: boolean;
  readonly message: number;
}

/** The multicast that starts at `offset`; undefined for any other packet. */
export function peekMulticast(packet: Uint8Array, offset = 0): PeekedMulticast | undefined {
  if (packet.length < offset + MULTICAST_HEAD_BYTES) return undefined;
  if (packet[offset + TYPE_OFFSET] !== PACKET_TYPE.multicast) return undefined;
  const encapsulated = packet[offset + ENCAPSULATED_OFFSET] === RECOVERY_COPY;
  return {
    source: u32(packet, offset + SYSTEM_FROM_OFFSET),
    seq: u32(packet, offset + SEQ_OFFSET),
    ringId: {
      rep: u32(packet, offset + RING_OFFSET),
      seq:
        u32(packet, offset + RING_OFFSET + 4) +
        u32(packet, offset + RING_OFFSET + 8) * 0x1_0000_0000,
    },
    encapsulated,
    message: encapsulated ? 0 : peekMessage(packet, offset + MULTICAST_HEAD_BYTES),
  };
}
