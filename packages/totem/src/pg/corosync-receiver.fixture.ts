/** What a Corosync daemon 3.1.7 delivers of one sender's packets: its rules for fragments (totem-wire §2), and no more. */
import { createPacketHead, decodePacket, pieceLength } from './packet.ts';

export function createCorosyncReceiver() {
  const head = createPacketHead();
  let assembly: number[] = [];
  let last = 0;
  let isThrowing = false;

  /** @returns the messages that this packet completes. */
  return (packet: Uint8Array): Uint8Array[] => {
    const error = decodePacket(packet, head);
    if (error !== undefined) throw new Error(error);
    const { count, fragmented, continuation, dataStart } = head;
    const pieces: Uint8Array[] = [];
    for (let i = 0, at = dataStart; i < count; i++) {
      pieces.push(packet.subarray(at, at + pieceLength(packet, i)));
      at += pieceLength(packet, i);
    }
    isThrowing ||= continuation !== last;
    const messages: Uint8Array[] = [];
    if (!isThrowing) {
      pieces[0] = Uint8Array.of(...assembly, ...(pieces[0] as Uint8Array));
      const rest = fragmented === 0 ? [] : [...(pieces.pop() as Uint8Array)];
      messages.push(...pieces);
      assembly = rest;
      last = fragmented;
    }
    if (fragmented === 0) {
      isThrowing = false;
      assembly = [];
      last = 0;
    }
    return messages;
  };
}
