/**
 * Gather: find out who is there and agree on it (Totem §4.1, totem-wire §3.3). Everybody multicasts what it
 * believes (`proc`: heard of, `failed`: given up) until all of proc - failed have said the same; then the
 * lowest of them sends round the commit token. JOINs in every other state are judged here, too.
 *
 * Where this differs from Corosync, on the same wire: a JOIN whose lists are ours *after* they were merged
 * counts as consent at once (Corosync waits for the sender's next one), a LEAVE is believed of nodes that are
 * not yet members, and of the JOINs that give somebody up fewer are believed (docs/adr/0188, 0189).
 */
import {
  type CommitToken,
  decodeCommitToken,
  decodeJoin,
  encodeJoin,
  type Join,
  NODES_MAX,
} from '../wire/index.ts';
import { drop, type GatherReason, type Srp, trace } from './context.ts';
import { RING_SEQ_JUMP_MAX, RING_SEQ_STEP, SUSPICION_MS } from './limits.ts';
import { isSubset, type Nodes, sameNodes, union, without } from './nodes.ts';
import { isJoinDoubtful } from './pause.ts';

export function enterGather(srp: Srp, reason: GatherReason): void {
  srp.counters.gathers++;
  srp.state = 'gather';
  srp.tokenHeld = false;
  srp.lastTokenPacket = undefined;
  srp.mergeTimerRuns = false;
  srp.tokenTimeout.interrupted();
  for (const timer of ['token', 'tokenRetransmit', 'tokenHold', 'merge'] as const) {
    srp.effects.cancelTimer(timer);
  }
  srp.proc = union(srp.proc, [srp.nodeId]);
  trace(srp, 'enter-gather', { reason, proc: srp.proc, failed: srp.failed });
  srp.consensus.clear();
  srp.consensus.add(srp.nodeId);
  // `consensus` and `join` are cancelled on entering commit or on leaving.
  srp.effects.setTimer('consensus', consensusMs(srp));
  if (srp.config.sendJoinMs > 0) {
    srp.effects.setTimer('join', Math.floor(srp.config.random() * srp.config.sendJoinMs));
  } else {
    sendJoin(srp);
  }
}

export function onJoinTimer(srp: Srp): void {
  sendJoin(srp);
}

/** In Corosync's proportion to the token time-out in force: longer than a member takes to lose a token. */
function consensusMs({ config, tokenTimeout }: Srp): number {
  return (config.consensusMs / config.tokenMs) * tokenTimeout.ms;
}

/** The silent ones have failed; if nobody was silent, the commit token is missing: one more try. */
export function onConsensusTimer(srp: Srp): void {
  if (!hasConsensus(srp)) {
    giveUpSilent(srp);
    return;
  }
  srp.consensus.clear();
  srp.consensus.add(srp.nodeId);
  // Cancelled by the next gather, restarted by commit.
  srp.effects.setTimer('token', srp.tokenTimeout.ms);
}

/** The commit token did not come after consensus: who has not agreed again since is gone. */
export function onTokenTimerInGather(srp: Srp): void {
  srp.counters.tokenLosses++;
  trace(srp, 'token-loss', { state: srp.state });
  if (hasConsensus(srp)) srp.enter.gather('token-loss');
  else giveUpSilent(srp);
}

function giveUpSilent(srp: Srp): void {
  if (srp.failedToReceive) {
    formSingleton(srp);
    return;
  }
  const silent = agreeing(srp).filter((node) => !srp.consensus.has(node));
  srp.failed = union(srp.failed, silent);
  srp.enter.gather('consensus-expired');
}

export function onJoinInGather(srp: Srp, packet: Uint8Array): void {
  const join = readJoin(srp, packet);
  if (join === undefined) return;
  if (isAnsweredAccusation(srp, join)) {
    drop(srp, 'join-stale');
    return;
  }
  if (!absorb(srp, join)) return;
  srp.enter.gather('join');
  consent(srp, join);
}

export function onJoinInOperational(srp: Srp, packet: Uint8Array): void {
  const join = readJoin(srp, packet);
  if (join === undefined) return;
  const isMember = srp.ringNodes.has(join.systemFrom);
  const isStale = isMember && join.ringSeq < srp.ringId.seq;
  // A stranger that gives up one of us can be in no ring with all of us. It will try alone, and then be taken
  // in: giving way now would tear this ring down at each of its JOINs (docs/adr/0188).
  const isHostile = join.failed.some((node) =>
    isMember ? node === srp.nodeId : srp.ringNodes.has(node),
  );
  if (isHostile || isStale) {
    drop(srp, 'join-stale');
    return;
  }
  absorb(srp, join);
  srp.enter.gather('join');
  consent(srp, join);
}

/**
 * Only from a member of the ring being formed that has been in it and left it again; or, while the commit
 * token is still on its first rotation, from one that has since learnt more than we agreed on: it will refuse
 * the token. Lists only grow in gather, so news cannot be older than its consent, but for an accusation from before
 * a ring of one that cleared the lists: it is as old as that ring (docs/adr/0222). (Corosync would wait for
 * the token time-out here.)
 */
export function onJoinInCommit(srp: Srp, packet: Uint8Array): void {
  const join = readJoin(srp, packet);
  if (join === undefined) return;
  const isMember = srp.ringNodes.has(join.systemFrom);
  if (!isMember && !join.leave) srp.strangerHeard = true;
  const hasLeftRing = join.ringSeq >= srp.ringId.seq || join.leave;
  const hasMovedOn = srp.state === 'commit' && hasNews(srp, join) && !isOldAccusation(srp, join);
  if (!isMember || !(hasLeftRing || hasMovedOn)) {
    drop(srp, 'join-stale');
    return;
  }
  if (srp.state === 'recovery') forgetGivenUp(srp);
  absorb(srp, join);
  srp.enter.gather('join-in-commit');
  consent(srp, join);
}

/**
 * Members that have installed the ring already have cleared these lists; those still in recovery must not
 * go on giving up a node that the others are about to take in, or it is shut out again and again.
 */
function forgetGivenUp(srp: Srp): void {
  srp.proc = srp.newMembers;
  srp.failed = [];
}

function hasNews(srp: Srp, join: Join): boolean {
  return !isSubset(join.proc, srp.proc) || !isSubset(join.failed, srp.failed);
}

export function onCommitTokenInGather(srp: Srp, packet: Uint8Array): void {
  const decoded = decodeCommitToken(packet);
  if (!decoded.ok) {
    drop(srp, decoded.error);
    return;
  }
  const token = decoded.value;
  if (!sameNodes(token.members, agreeing(srp))) drop(srp, 'commit-token-other-members');
  else if (token.ringId.seq <= srp.ringId.seq) drop(srp, 'commit-token-stale');
  else if (isImplausible(srp, token.ringId.seq)) drop(srp, 'ring-seq-implausible');
  else if (token.members[token.membIndex] !== srp.nodeId) drop(srp, 'commit-token-duplicate');
  else srp.enter.commit(token);
}

/** Multicasts LEAVE: a JOIN of node 0 without the leaver, who is last among the failed. */
export function sendLeave(srp: Srp): void {
  const leave: Join = {
    systemFrom: srp.nodeId,
    leave: true,
    ringSeq: srp.ringId.seq,
    proc: without(srp.proc, [srp.nodeId]),
    failed: [...without(srp.failed, [srp.nodeId]), srp.nodeId],
  };
  srp.effects.multicast(encodeJoin(leave));
}

/** A node outside our belief was heard: take it in. @returns whether it was news and there was room. */
export function learnOf(srp: Srp, node: number): boolean {
  if (srp.proc.includes(node)) return false;
  if (srp.proc.length >= NODES_MAX) {
    drop(srp, 'too-many-nodes');
    return false;
  }
  srp.proc = union(srp.proc, [node]);
  return true;
}

function sendJoin(srp: Srp): void {
  // Only a node that failed to receive counts itself as failed; nobody else may be left then (totem-wire §4.7).
  if (isSubset(srp.proc, srp.failed)) {
    formSingleton(srp);
    return;
  }
  const { nodeId, proc, failed } = srp;
  const ringSeq = srp.ringId.seq;
  srp.effects.multicast(encodeJoin({ systemFrom: nodeId, leave: false, ringSeq, proc, failed }));
  srp.effects.setTimer('join', joinPeriod(srp));
  // Our own JOIN counts like anybody's: it is what makes a ring of one.
  commitOnConsensus(srp);
}

/** Time to the next JOIN: whoever is suspected is asked often, and each JOIN asks its host, too. */
export function joinPeriod(srp: Srp): number {
  const { joinMs } = srp.config;
  return srp.suspectedSince.size === 0 ? joinMs : Math.min(joinMs, SUSPICION_MS / 2);
}

function readJoin(srp: Srp, packet: Uint8Array): Join | undefined {
  const decoded = decodeJoin(packet);
  if (!decoded.ok) {
    drop(srp, decoded.error);
    return undefined;
  }
  const join = decoded.value;
  if (join.systemFrom === srp.nodeId) {
    drop(srp, 'join-own');
    return undefined;
  }
  if (isJoinDoubtful(srp)) {
    drop(srp, 'join-after-pause');
    return undefined;
  }
  if (isImplausible(srp, join.ringSeq)) {
    drop(srp, 'ring-seq-implausible');
    return undefined;
  }
  if (!join.leave) srp.suspectedSince.delete(join.systemFrom);
  srp.ringSeqHighest = Math.max(srp.ringSeqHighest, join.ringSeq);
  return join;
}

function isImplausible(srp: Srp, ringSeq: number): boolean {
  return ringSeq > srp.ringSeqHighest + RING_SEQ_JUMP_MAX;
}

/** Takes over what a JOIN says. @returns whether our lists changed, so that all must agree anew. */
function absorb(srp: Srp, join: Join): boolean {
  const proc = union(join.proc, []);
  const failed = union(join.failed, []);
  if (sameNodes(proc, srp.proc) && sameNodes(failed, srp.failed)) {
    consent(srp, join);
    return false;
  }
  if (!hasNews(srp, join)) {
    drop(srp, 'join-known');
    return false;
  }
  if (srp.failed.includes(join.systemFrom)) {
    drop(srp, 'join-from-failed');
    return false;
  }
  const allProc = union(srp.proc, proc);
  const allFailed = union(srp.failed, newlyFailed(srp, join, failed));
  if (allProc.length > NODES_MAX || allFailed.length > NODES_MAX) {
    drop(srp, 'too-many-nodes');
    return false;
  }
  if (sameNodes(allProc, srp.proc) && sameNodes(allFailed, srp.failed)) return false;
  srp.proc = allProc;
  srp.failed = allFailed;
  return true;
}

/**
 * We have named a ring since the sender gave us up. Taking offence again would only be an echo: answered in
 * kind, and so on, though all have long forgotten why (docs/adr/0189).
 */
function isAnsweredAccusation(srp: Srp, join: Join): boolean {
  return accusesFromBefore(srp, join, srp.ringId.seq);
}

/** In commit: who gave this node up before its last installed ring may have taken it back since. */
function isOldAccusation(srp: Srp, join: Join): boolean {
  return accusesFromBefore(srp, join, srp.old?.ringId.seq ?? 0);
}

function accusesFromBefore(srp: Srp, join: Join, ringSeq: number): boolean {
  return !join.leave && join.failed.includes(srp.nodeId) && join.ringSeq < ringSeq;
}

function newlyFailed(srp: Srp, join: Join, failed: Nodes): Nodes {
  // Who gives us up is given up: two views of who is alive cannot be one ring.
  if (failed.includes(srp.nodeId)) return [join.systemFrom];
  const isMember = srp.members.includes(join.systemFrom) || srp.ringNodes.has(join.systemFrom);
  if (isMember) return failed;
  return join.leave ? [join.systemFrom] : [];
}

/** Marks the sender as agreed when its lists are ours. */
function consent(srp: Srp, join: Join): void {
  if (srp.state !== 'gather' || join.leave) return;
  if (!sameNodes(union(join.proc, []), srp.proc)) return;
  if (!sameNodes(union(join.failed, []), srp.failed)) return;
  srp.consensus.add(join.systemFrom);
  commitOnConsensus(srp);
}

/** Those of whom the next ring would consist. */
export function agreeing(srp: Srp): Nodes {
  return without(srp.proc, srp.failed);
}

function hasConsensus(srp: Srp): boolean {
  return agreeing(srp).every((node) => srp.consensus.has(node));
}

function commitOnConsensus(srp: Srp): void {
  if (!hasConsensus(srp)) return;
  if (srp.failedToReceive) formSingleton(srp);
  else if (agreeing(srp)[0] === srp.nodeId) srp.enter.commit(createCommitToken(srp));
}

function formSingleton(srp: Srp): void {
  srp.failedToReceive = false;
  srp.proc = [srp.nodeId];
  srp.failed = [];
  srp.enter.commit(createCommitToken(srp));
}

function createCommitToken(srp: Srp): CommitToken {
  const members = agreeing(srp);
  return {
    nodeId: srp.nodeId,
    tokenSeq: 0,
    ringId: { rep: srp.nodeId, seq: srp.ringSeqHighest + RING_SEQ_STEP },
    membIndex: 0,
    members,
    entries: members.map(() => ({
      oldRingId: { rep: 0, seq: 0 },
      aru: 0,
      highDelivered: 0,
      received: false,
    })),
  };
}
