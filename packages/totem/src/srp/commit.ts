/**
 * Commit: the commit token goes round the new members; each adds what it has of its old ring and makes the
 * new ring's sequence durable before it forwards (Totem §4.2, totem-wire §3.3). When the token comes back
 * with every entry filled, the member goes to recovery.
 */

import { ringIdEquals } from '../contract.ts';
import {
  type CommitEntry,
  type CommitToken,
  decodeCommitToken,
  encodeCommitToken,
} from '../wire/index.ts';
import { drop, type Srp, trace } from './context.ts';
import { sameNodes, successorOf } from './nodes.ts';
import { seqLess } from './seqno.ts';
import { sendCommitToken } from './token-timers.ts';

/** `token` is ours to fill: its membIndex is this node's place. */
export function enterCommit(srp: Srp, token: CommitToken): void {
  saveOldRing(srp);
  srp.effects.cancelTimer('join');
  srp.effects.cancelTimer('consensus');
  srp.state = 'commit';
  srp.ringId = token.ringId;
  srp.ringSeqHighest = Math.max(srp.ringSeqHighest, token.ringId.seq);
  srp.newMembers = token.members;
  srp.ringNodes = new Set(token.members);
  srp.successor = successorOf(srp.nodeId, token.members);
  srp.sentLastVisit = 0;
  srp.backlogNow = 0;
  srp.backlogLast = 0;
  trace(srp, 'enter-commit', { rep: token.ringId.rep, seq: token.ringId.seq });
  const filled: CommitToken = {
    nodeId: srp.nodeId,
    tokenSeq: token.tokenSeq + 1,
    ringId: token.ringId,
    membIndex: token.membIndex + 1,
    members: token.members,
    entries: fillEntry(srp, token),
  };
  // Durable before anybody can act on it: a member that forgets a ring could name it again (Totem §4.2).
  srp.effects.storeRingId(token.ringId);
  sendCommitToken(srp, encodeCommitToken(filled));
}

export function onCommitTokenInCommit(srp: Srp, packet: Uint8Array): void {
  const decoded = decodeCommitToken(packet);
  if (!decoded.ok) {
    drop(srp, decoded.error);
    return;
  }
  const token = decoded.value;
  if (!ringIdEquals(token.ringId, srp.ringId)) drop(srp, 'commit-token-stale');
  else if (!sameNodes(token.members, srp.newMembers)) drop(srp, 'commit-token-other-members');
  else if (token.membIndex !== token.members.length) drop(srp, 'commit-token-duplicate');
  else srp.enter.recovery(token);
}

/**
 * Once per installed ring: later attempts to form a new one still speak of the last ring that was installed.
 * From here on its log takes no message from the wire, only from recovery: what the entry says stays true.
 */
function saveOldRing(srp: Srp): void {
  if (srp.old !== undefined) return;
  const members = srp.members.length === 0 ? [srp.nodeId] : srp.members;
  srp.old = { ringId: srp.ringId, members };
  const spare = srp.oldLog;
  srp.oldLog = srp.log;
  srp.log = spare;
}

/** Fills this node's entry; whoever of the same old ring is behind another has not received everything. */
function fillEntry(srp: Srp, token: CommitToken): readonly CommitEntry[] {
  const { aru, high, delivered } = srp.oldLog;
  const oldRingId = srp.old?.ringId ?? srp.ringId;
  const mine: CommitEntry = {
    oldRingId,
    aru,
    highDelivered: delivered,
    received: aru === high,
  };
  const entries = token.entries.map((entry, i) => (i === token.membIndex ? mine : { ...entry }));
  const related = entries
    .slice(0, token.membIndex + 1)
    .filter((entry) => ringIdEquals(entry.oldRingId, oldRingId));
  for (const entry of related) {
    if (related.some((other) => seqLess(entry.aru, other.aru))) entry.received = false;
  }
  return entries;
}
