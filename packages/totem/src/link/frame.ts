/**
 * Frames of the link layer: a probe, and its answer, which is the probe with another kind and sender. Their
 * magic is neither the ring's (wire/header.ts) nor that of sealed packets, and they go to peers with several
 * links only, which no Corosync daemon is: the ring's own packets travel as they are.
 *
 *     0 magic u16   2 version u8   3 kind u8   4 link u8   5 zero   8 sender u32   12 number u32   16 time u32
 *
 * All little-endian. Number and time mean something to the prober alone and come back unchanged.
 */
import { getU16, getU32, putU16, putU32 } from '../wire/bytes.ts';

export const LINK_MAGIC = 0xc11e;
export const LINK_VERSION = 1;
export const LINK_FRAME_BYTES = 20;
export const LINK_FRAME_KIND = { probe: 1, answer: 2 } as const;

const LINK_AT = 4;
const ZERO_AT = 5;
const SENDER_AT = 8;
const NUMBER_AT = 12;
const TIME_AT = 16;

/** Whether this datagram is the link layer's, whole or damaged; everything else is the ring's. */
export function isLinkFrame(datagram: Uint8Array): boolean {
  return datagram.length >= 2 && getU16(datagram, 0) === LINK_MAGIC;
}

/** Whether a link frame that came from `sender` on `link` is one that we understand and that belongs there. */
export function isSound(frame: Uint8Array, sender: number, link: number): boolean {
  const kind = frame[3];
  return (
    frame.length === LINK_FRAME_BYTES &&
    frame[2] === LINK_VERSION &&
    (kind === LINK_FRAME_KIND.probe || kind === LINK_FRAME_KIND.answer) &&
    frame[LINK_AT] === link &&
    getU32(frame, SENDER_AT) === sender
  );
}

export const frameKind = (frame: Uint8Array): number => frame[3]!;
export const frameNumber = (frame: Uint8Array): number => getU32(frame, NUMBER_AT);
export const frameTime = (frame: Uint8Array): number => getU32(frame, TIME_AT);

/** Writes a frame into `frame`, which has LINK_FRAME_BYTES. `number` and `time` are taken modulo 2^32. */
export function putFrame(
  frame: Uint8Array,
  kind: number,
  link: number,
  sender: number,
  number: number,
  time: number,
): void {
  putU16(frame, 0, LINK_MAGIC);
  frame[2] = LINK_VERSION;
  frame[3] = kind;
  frame[LINK_AT] = link;
  frame.fill(0, ZERO_AT, SENDER_AT);
  putU32(frame, SENDER_AT, sender);
  putU32(frame, NUMBER_AT, number);
  putU32(frame, TIME_AT, time);
}
