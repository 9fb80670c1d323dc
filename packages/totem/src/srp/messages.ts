/** Messages on their way in (a packet of this ring finds its slot) and out (a queued one gets its number). */
import {
  encapsulate,
  MCAST_BYTES,
  mcastError,
  mcastRingRep,
  mcastRingSeq,
  mcastSeq,
  mcastSource,
  type OrfToken,
  stampMcast,
} from '../wire/index.ts';
import { drop, type Srp } from './context.ts';
import { deliver } from './delivery.ts';
import { onForeign } from './foreign.ts';
import { SORT_QUEUE_SLOTS } from './limits.ts';
import { takeCopy } from './recovery-copies.ts';
import { seqAfter, seqDistance } from './seqno.ts';

export function onMcastInOperational(srp: Srp, packet: Uint8Array): void {
  const error = mcastError(packet);
  if (error !== undefined) drop(srp, error);
  else if (!isOfRing(srp, packet)) onForeign(srp, mcastSource(packet), mcastRingSeq(packet));
  else if (store(srp, packet)) deliver(srp);
}

/** Late messages of the ring that was installed last still count, until commit says what we have of it. */
export function onMcastInGather(srp: Srp, packet: Uint8Array): void {
  const error = mcastError(packet);
  if (error !== undefined) drop(srp, error);
  else if (!isOfRing(srp, packet)) onForeign(srp, mcastSource(packet), mcastRingSeq(packet));
  else if (srp.old !== undefined || srp.members.length === 0) drop(srp, 'wrong-state');
  else store(srp, packet);
}

export function isOfRing(srp: Srp, packet: Uint8Array): boolean {
  return mcastRingSeq(packet) === srp.ringId.seq && mcastRingRep(packet) === srp.ringId.rep;
}

/** Puts a copy of a message of this ring into its slot. @returns whether it was new. */
export function store(srp: Srp, packet: Uint8Array): boolean {
  const { log } = srp;
  const seq = mcastSeq(packet);
  if (!srp.ringNodes.has(mcastSource(packet))) drop(srp, 'mcast-of-a-stranger');
  else if (!log.isInRange(seq))
    drop(srp, isReleased(srp, seq) ? 'mcast-duplicate' : 'mcast-out-of-range');
  else if (log.get(seq) !== undefined) drop(srp, 'mcast-duplicate');
  else {
    srp.counters.messagesReceived++;
    log.add(seq, srp.pool.copy(packet));
    return true;
  }
  return false;
}

/**
 * Gives new messages the next numbers and sends them, but for the last few that the token may overtake:
 * {@link sendOvertaken}. @returns how many.
 */
export function sendNew(srp: Srp, token: OrfToken, allowed: number): number {
  const { acceleratedWindow, missCountConst } = srp.config;
  const ahead = srp.state === 'operational' && missCountConst > 1 ? acceleratedWindow : 0;
  let sent = 0;
  while (sent < allowed) {
    skipTaken(srp, token);
    if (!hasRoom(srp, token)) break;
    const packet = nextPacket(srp);
    if (packet === undefined) break;
    token.seq = seqAfter(token.seq);
    srp.senderCount = (srp.senderCount + 1) & 0x7fffffff;
    stampMcast(packet, token.seq, srp.ringId.rep, srp.ringId.seq, srp.senderCount);
    srp.overtaken.push(packet);
    if (srp.overtaken.length > ahead) srp.effects.multicast(srp.overtaken.shift()!);
    srp.log.add(token.seq, packet);
    sent++;
  }
  srp.counters.messagesSent += sent;
  return sent;
}

/** The rest, once the token is on its way. */
export function sendOvertaken(srp: Srp): void {
  const { overtaken, effects } = srp;
  if (overtaken.length === 0) return;
  for (const packet of overtaken) effects.multicast(packet);
  srp.counters.messagesOvertaken += overtaken.length;
  overtaken.length = 0;
  effects.flush?.();
}

/**
 * A number that is already taken is a forger's (plain rings believe anybody) or a broken peer's. The order
 * stays one order if the token counts it as given: who lacks that message asks for it.
 */
function skipTaken(srp: Srp, token: OrfToken): void {
  while (hasRoom(srp, token) && srp.log.get(seqAfter(token.seq)) !== undefined) {
    token.seq = seqAfter(token.seq);
  }
}

function hasRoom(srp: Srp, token: OrfToken): boolean {
  return seqDistance(srp.log.base, token.seq) < SORT_QUEUE_SLOTS - 2;
}

function nextPacket(srp: Srp): Uint8Array | undefined {
  if (srp.state === 'recovery') {
    const inner = takeCopy(srp);
    if (inner === undefined) return undefined;
    srp.counters.recoveryCopiesSent++;
    return encapsulate(inner, srp.nodeId, srp.pool.take(MCAST_BYTES + inner.length));
  }
  return srp.syncQueue.shift() ?? (srp.syncing ? undefined : srp.normalQueue.shift());
}

function isReleased(srp: Srp, seq: number): boolean {
  return ((seq - srp.log.base) | 0) <= 0;
}
