/**
 * The staging buffer of one traffic class: small messages are packed into one packet, large ones are
 * cut into fragments that are numbered as totem-wire §2 says. Knows nothing of queues and rings.
 */
import type { Guarantee } from '../contract.ts';
import { encodePacket, PACKET_HEAD_BYTES, PIECE_LENGTH_BYTES } from './packet.ts';

/** Fragment numbers are 1 to 255, 0 says "no fragment". */
const FRAGMENT_NUMBER_MAX = 255;

export interface Packer {
  /** Bytes that one more piece may have; 0 or less when there is no room for a piece. */
  readonly space: number;
  readonly empty: boolean;
  /** A packet is ready and not yet taken; nothing may be appended. */
  readonly sealed: boolean;
  /** `safe` as soon as one piece of the packet belongs to a safe message. */
  readonly guarantee: Guarantee;
  /** Append a piece of at most `space` bytes; `ends`: the message ends with it. */
  append(bytes: Uint8Array, start: number, end: number, guarantee: Guarantee, ends: boolean): void;
  /** Close the packet; `fragmented`: its last piece goes on in the next one. @returns the packet. */
  seal(fragmented: boolean): Uint8Array;
  /** The sealed packet again. */
  packet(): Uint8Array;
  /** The sealed packet was taken: start the next one. */
  next(): void;
  /**
   * Forget what was packed and not sent. `open`: the number of the last fragment that was sent, 0 when the message
   * ended with it; else a packet is ready that ends it for all receivers (ADR 0212).
   */
  restart(open: number): void;
}

export function createPacker(payloadBytesMax: number): Packer {
  const data = new Uint8Array(payloadBytesMax);
  const packet = new Uint8Array(payloadBytesMax);
  const lengths = new Uint16Array(Math.ceil(payloadBytesMax / PIECE_LENGTH_BYTES));
  let count = 0;
  let dataLength = 0;
  let guarantee: Guarantee = 'agreed';
  let continuation = 0;
  let fragmented = 0;
  let nextFragment = 1;
  let sealedLength = 0;

  const begin = (from: number): void => {
    continuation = from;
    fragmented = 0;
    count = 0;
    dataLength = 0;
    sealedLength = 0;
    guarantee = 'agreed';
  };

  return {
    get space() {
      return payloadBytesMax - PACKET_HEAD_BYTES - PIECE_LENGTH_BYTES * (count + 1) - dataLength;
    },
    get empty() {
      return count === 0;
    },
    get sealed() {
      return sealedLength > 0;
    },
    get guarantee() {
      return guarantee;
    },
    append(bytes, start, end, pieceGuarantee, ends) {
      data.set(bytes.subarray(start, end), dataLength);
      dataLength += end - start;
      lengths[count++] = end - start;
      if (pieceGuarantee === 'safe') guarantee = 'safe';
      if (ends) nextFragment = 1;
    },
    seal(isFragmented) {
      if (isFragmented) {
        fragmented = nextFragment;
        nextFragment = nextFragment === FRAGMENT_NUMBER_MAX ? 1 : nextFragment + 1;
      }
      sealedLength = encodePacket(
        { fragmented, continuation, lengths, count, data, dataLength },
        packet,
      );
      return packet.subarray(0, sealedLength);
    },
    packet: () => packet.subarray(0, sealedLength),
    next: () => begin(fragmented),
    restart(open) {
      begin(open === 0 ? 0 : anotherFragment(open));
      nextFragment = 1;
      if (open === 0) return;
      this.append(NO_GROUPS, 0, NO_GROUPS.length, 'agreed', true);
      this.seal(false);
    },
  };
}

/** A message that is for nobody, should anybody deliver it. */
const NO_GROUPS = new Uint8Array(2);

function anotherFragment(number: number): number {
  return number === 1 ? 2 : 1;
}
