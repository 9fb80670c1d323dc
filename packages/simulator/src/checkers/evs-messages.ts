/**
 * Properties of messages (reliability §4): E1 integrity, E7 causality, E8 total order, E9 safe delivery,
 * E11 foreign messages; and the bookkeeping of what was sent, ordered, received and delivered.
 */
import { ringIdEquals, ringIdText } from '@aisexec/totem';
import {
  type DeliverRecord,
  messageCounter,
  messageText,
  type OrderRecord,
  type ReceiveRecord,
  type SendRecord,
} from '../trace/record.ts';
import type { EvsState, MessageState, ProcessState, RingState } from './evs-state.ts';

export function onSend(state: EvsState, record: SendRecord): void {
  const sender = state.process(record.node);
  if (state.messages.has(record.message)) {
    const text = `message ${messageText(record.message)} was sent twice`;
    state.log.add('E1', record.time, record.node, undefined, text);
    return;
  }
  state.messages.set(record.message, {
    id: record.message,
    source: record.node,
    hash: record.hash,
    safe: record.safe,
    time: record.time,
    ring: undefined,
    seq: 0,
    received: sender.bit,
    delivered: 0,
    dependsRing: sender.phase === 'regular' ? sender.ring : undefined,
    dependsOn: sender.prefix,
  });
  sender.undelivered.add(record.message);
}

export function onOrder(state: EvsState, record: OrderRecord): void {
  const ring = state.ring(record.ringId);
  const present = ring.bySeq.get(record.seq);
  if (present !== undefined && present !== record.message) {
    const text = `sequence number ${record.seq} was given to both ${nameOf(present)} and ${nameOf(record.message)}`;
    state.log.add('E8', record.time, record.node, ring.id, text);
    return;
  }
  ring.bySeq.set(record.seq, record.message);
  const message = state.messages.get(record.message);
  if (message === undefined) return;
  if (message.ring !== undefined && (message.ring !== ring || message.seq !== record.seq)) {
    const text = `${nameOf(message.id)} was ordered twice: as ${message.seq} of ring ${ringIdText(message.ring.id)} and as ${record.seq}`;
    state.log.add('E8', record.time, record.node, ring.id, text);
    return;
  }
  message.ring = ring;
  message.seq = record.seq;
}

export function onReceive(state: EvsState, record: ReceiveRecord): void {
  const message = state.messages.get(record.message);
  if (message !== undefined) message.received |= state.process(record.node).bit;
}

export function onDeliver(state: EvsState, record: DeliverRecord): void {
  const process = state.process(record.node);
  const message = state.messages.get(record.message);
  if (message === undefined) {
    const text = `delivered ${messageText(record.message)}, which nobody sent`;
    state.log.add('E1', record.time, record.node, record.ringId, text);
    return;
  }
  if (!checkIntegrity(state, record, process, message)) return;
  const ring = process.ring;
  if (!checkHome(state, record, process, message) || ring === undefined) {
    process.undelivered.delete(message.id);
    return;
  }
  message.ring ??= ring;
  message.delivered |= process.bit;
  process.undelivered.delete(message.id);
  checkOrder(state, record, process, ring, message);
  checkCausality(state, record, process, ring, message);
  if (message.safe) checkSafe(state, record, process, ring, message);
  process.delivered.push(message.id);
  if (message.seq > process.lastSeq) process.lastSeq = message.seq;
}

/** E1: sent, once per process, same bytes, same sender, same guarantee. */
function checkIntegrity(
  state: EvsState,
  record: DeliverRecord,
  process: ProcessState,
  message: MessageState,
): boolean {
  const wrong = (text: string): boolean => {
    state.log.add('E1', record.time, record.node, record.ringId, `${nameOf(message.id)} ${text}`);
    return false;
  };
  if ((message.delivered & process.bit) !== 0) return wrong('was delivered twice');
  if (message.hash !== record.hash) return wrong('was delivered with other bytes than were sent');
  if (message.source !== record.source) return wrong(`came from ${record.source}, they say`);
  if (message.safe !== record.safe) return wrong('was delivered with another guarantee');
  return true;
}

/** E11: it belongs to the ring this process is in, or is just leaving. */
function checkHome(
  state: EvsState,
  record: DeliverRecord,
  process: ProcessState,
  message: MessageState,
): boolean {
  const wrong = (text: string): boolean => {
    state.log.add('E11', record.time, record.node, record.ringId, `${nameOf(message.id)} ${text}`);
    return false;
  };
  const ring = process.ring;
  if (ring === undefined) return wrong('was delivered before any configuration');
  if (!ringIdEquals(ring.id, record.ringId)) {
    return wrong(`of that ring was delivered in ring ${ringIdText(ring.id)}`);
  }
  if (message.ring !== undefined && message.ring !== ring) {
    return wrong(`was ordered in ring ${ringIdText(message.ring.id)}`);
  }
  if (ring.members?.includes(message.source) === false) return wrong('comes from no member');
  return true;
}

/** E8: one order per ring; no gap in the regular configuration, few in the transitional one. */
function checkOrder(
  state: EvsState,
  record: DeliverRecord,
  process: ProcessState,
  ring: RingState,
  message: MessageState,
): void {
  const wrong = (text: string): void =>
    state.log.add('E8', record.time, record.node, ring.id, `${nameOf(message.id)} ${text}`);
  const next = ring.order[process.prefix];
  if (next === message.id) process.prefix += 1;
  else if (process.phase === 'regular') {
    if (next !== undefined) wrong(`was delivered where others delivered ${nameOf(next)}`);
    else {
      ring.order.push(message.id);
      process.prefix += 1;
    }
  }
  if (message.seq === 0) return;
  if (message.seq <= process.lastSeq) {
    wrong(`has sequence number ${message.seq}, after ${process.lastSeq}`);
  }
  for (let seq = process.lastSeq + 1; seq < message.seq; seq += 1) {
    const skipped = ring.bySeq.get(seq) ?? 0;
    if (skipped === 0) continue;
    if (process.phase === 'regular') wrong(`skips ${nameOf(skipped)} (sequence number ${seq})`);
    else checkGap(state, process, skipped, wrong);
  }
}

/** In a transitional configuration only messages from outside it may be missing. */
function checkGap(
  state: EvsState,
  process: ProcessState,
  skipped: number,
  wrong: (text: string) => void,
): void {
  const source = state.messages.get(skipped)?.source ?? 0;
  if (process.transitional.includes(source)) {
    wrong(`skips ${nameOf(skipped)} of ${source}, which is in the transitional configuration`);
  }
}

/** E7: nothing overtakes what its sender had sent or delivered before, in the same configuration. */
function checkCausality(
  state: EvsState,
  record: DeliverRecord,
  process: ProcessState,
  ring: RingState,
  message: MessageState,
): void {
  const wrong = (text: string): void =>
    state.log.add('E7', record.time, record.node, ring.id, `${nameOf(message.id)} ${text}`);
  if (message.dependsRing === ring && process.prefix < message.dependsOn) {
    const missing = nameOf(ring.order[process.prefix] ?? 0);
    wrong(`was delivered without ${missing}, which its sender had delivered before`);
  }
  if (messageCounter(message.id) <= 1) return;
  const before = state.messages.get(message.id - 1);
  if (before?.ring === ring && (before.delivered & process.bit) === 0) {
    wrong(`was delivered before ${nameOf(before.id)}, sent earlier by the same process`);
  }
}

/** E9, the moment of delivery: every member of the configuration has received it. */
function checkSafe(
  state: EvsState,
  record: DeliverRecord,
  process: ProcessState,
  ring: RingState,
  message: MessageState,
): void {
  const regular = process.phase === 'regular';
  if (regular) ring.safeDelivered.push(message.id);
  if (message.seq === 0) return;
  const members = regular ? (ring.members ?? []) : process.transitional;
  for (const member of members) {
    const other = state.process(member);
    if ((message.received & other.bit) === 0) {
      const text = `safe ${nameOf(message.id)} was delivered before member ${member} had received it`;
      state.log.add('E9', record.time, record.node, ring.id, text);
      return;
    }
    const gone = other.ring !== ring && ring.installedBy.get(member) === other.incarnation;
    if (regular && gone && (message.delivered & other.bit) === 0) {
      const text = `safe ${nameOf(message.id)} was delivered, but member ${member} has left the ring without it`;
      state.log.add('E9', record.time, record.node, ring.id, text);
      return;
    }
  }
}

export const nameOf = (message: number): string =>
  message === 0 ? 'a recovery copy' : `message ${messageText(message)}`;
