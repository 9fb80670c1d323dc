/** Turns the multicasts of one process into `order` and `receive` records for the checkers. */
import type { ProcessEnvironment } from '../world/process.ts';
import { MULTICAST_HEAD_BYTES, peekMulticast } from './packet-peek.ts';

export interface PacketObserver {
  /** The process puts a packet on the network. */
  multicast(packet: Uint8Array): void;
  /** The network hands a packet to the process. */
  received(packet: Uint8Array): void;
}

/** `initialSeq` is subtracted (modulo 2^32), so that places in a ring count from 1 whatever the start. */
export function createPacketObserver(
  environment: ProcessEnvironment,
  initialSeq: number,
): PacketObserver {
  const { node, incarnation } = environment;
  return {
    multicast(packet) {
      const outer = peekMulticast(packet);
      if (outer === undefined || outer.source !== node) return;
      environment.trace({
        kind: 'order',
        time: environment.time,
        node,
        incarnation,
        ringId: outer.ringId,
        seq: (outer.seq - initialSeq) >>> 0,
        message: outer.message,
      });
    },
    received(packet) {
      const outer = peekMulticast(packet);
      if (outer === undefined) return;
      const carried = outer.encapsulated ? peekMulticast(packet, MULTICAST_HEAD_BYTES) : outer;
      if (carried === undefined || carried.message === 0) return;
      environment.trace({
        kind: 'receive',
        time: environment.time,
        node,
        incarnation,
        ringId: carried.ringId,
        seq: (carried.seq - initialSeq) >>> 0,
        message: carried.message,
      });
    },
  };
}
