/**
 * Operational: install the new ring. The old one is finished in the order of extended virtual synchrony:
 * what belongs to its regular configuration, the transitional configuration, the remainder, the new regular
 * configuration (Moser et al. 1994; totem-wire §3.3).
 */
import type { RingId } from '../contract.ts';
import { type Srp, trace } from './context.ts';
import { deliverOldRegular, deliverOldTransitional } from './delivery.ts';
import { announceRing } from './foreign.ts';
import { without } from './nodes.ts';
import { forgetSuspects } from './suspicion.ts';

export function enterOperational(srp: Srp): void {
  const { transMembers, newMembers, members, client } = srp;
  srp.counters.ringsFormed++;
  trace(srp, 'enter-operational', { members: newMembers, trans: transMembers });
  // The very first configuration of a node's life has no old one: its members all "joined" (ADR 0012).
  const isFirst = members.length === 0;
  if (!isFirst) finishOldRing(srp, srp.old?.ringId ?? srp.ringId);
  if (srp.state === 'left') return;
  // Given up for nothing: whoever was missed is back as it was.
  const isSame = newMembers.length === members.length && transMembers.length === members.length;
  if (isSame && members.length > 1) srp.tokenTimeout.silence(srp.tokenTimeout.ms);
  srp.old = undefined;
  srp.oldLog.reset(srp.config.initialSeq);
  srp.log.delivered = srp.log.aru;
  srp.members = newMembers;
  srp.proc = newMembers;
  srp.failed = [];
  srp.failedToReceive = false;
  forgetSuspects(srp);
  srp.seqUnchanged = 0;
  srp.syncing = true;
  srp.state = 'operational';
  client.configuration({
    type: 'regular',
    ringId: srp.ringId,
    members: newMembers,
    joined: isFirst ? newMembers : without(newMembers, transMembers),
    left: [],
  });
  // Who asked to join meanwhile need not wait for the merge timer: nodes that start together find each other
  // in milliseconds. Corosync takes its merge time.
  if (srp.strangerHeard) announceRing(srp);
  srp.strangerHeard = false;
}

function finishOldRing(srp: Srp, ringId: RingId): void {
  const { transMembers, members } = srp;
  deliverOldRegular(srp, ringId);
  if (srp.state === 'left') return;
  srp.client.configuration({
    type: 'transitional',
    ringId,
    members: transMembers,
    joined: [],
    left: without(members, transMembers),
  });
  deliverOldTransitional(srp, ringId);
}
