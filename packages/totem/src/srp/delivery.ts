/**
 * What goes to the layer above, and when. In a regular configuration messages are delivered strictly in
 * order: an agreed one as soon as everything before it is, a safe one once it is stable, which holds back
 * whatever follows it (Totem §3.4; ADR 0011). At a ring change see operational.ts.
 */

import type { RingId } from '../contract.ts';
import { mcastIsEncapsulated, mcastIsSafe, mcastPayload, mcastSource } from '../wire/index.ts';
import type { Srp } from './context.ts';
import { seqAfter, seqLess, seqMax, seqMin } from './seqno.ts';

/**
 * Stable is what two successive visits of the token saw below its aru, here as it left last and as it comes
 * now: whoever missed one of these messages in between would have lowered aru below it, and only that member
 * raises it again, at its own next visit, which is after this one (Totem §3.4).
 */
export function noteStable(srp: Srp, arrivedAru: number): void {
  srp.stable = seqMax(srp.stable, seqMin(srp.lastAru, arrivedAru));
  srp.log.release(seqMin(srp.stable, srp.log.delivered));
}

export function deliver(srp: Srp): void {
  const { log } = srp;
  while (log.delivered !== log.aru && srp.state === 'operational') {
    const seq = seqAfter(log.delivered);
    const packet = log.get(seq)!;
    const mustBeStable = mcastIsSafe(packet) && !mcastIsEncapsulated(packet);
    if (mustBeStable && seqLess(srp.stable, seq)) return;
    log.delivered = seq;
    deliverPacket(srp, packet, srp.ringId);
  }
}

/**
 * The old ring's messages that belong to its regular configuration: up to the first gap, and up to the first
 * safe message of which no transitional member knows that all had it. All of them compute the same place.
 */
export function deliverOldRegular(srp: Srp, ringId: RingId): void {
  const log = srp.oldLog;
  while (srp.state !== 'left') {
    const seq = seqAfter(log.delivered);
    const packet = log.get(seq);
    if (packet === undefined) return;
    if (mcastIsSafe(packet) && seqLess(srp.oldHighDelivered, seq)) return;
    log.delivered = seq;
    deliverPacket(srp, packet, ringId);
  }
}

/**
 * The remainder, in the transitional configuration. Behind a gap only messages of transitional members: they
 * cannot depend on what none of them has, others might (EVS: causality).
 */
export function deliverOldTransitional(srp: Srp, ringId: RingId): void {
  const log = srp.oldLog;
  let gap = false;
  while (log.delivered !== log.high && srp.state !== 'left') {
    const seq = seqAfter(log.delivered);
    const packet = log.get(seq);
    log.delivered = seq;
    if (packet === undefined) gap = true;
    else if (!gap || srp.transMembers.includes(mcastSource(packet))) {
      deliverPacket(srp, packet, ringId);
    }
  }
}

/** A recovery copy has done its work when it came: it only fills its place in the order. */
function deliverPacket(srp: Srp, packet: Uint8Array, ringId: RingId): void {
  if (mcastIsEncapsulated(packet)) return;
  srp.counters.messagesDelivered++;
  const guarantee = mcastIsSafe(packet) ? 'safe' : 'agreed';
  srp.client.deliver(mcastSource(packet), mcastPayload(packet), ringId, guarantee);
}
