/**
 * Properties of configurations (reliability §4): E2 order, E3 agreement, E4 initiation, E5 self-delivery,
 * E6 virtual synchrony, E10 transitional sets; and the second half of E9.
 */
import { type Configuration, ringIdEquals, ringIdText } from '@aisexec/totem';
import type { ConfigurationRecord } from '../trace/record.ts';
import { nameOf } from './evs-messages.ts';
import {
  type EvsState,
  type ProcessState,
  type RingState,
  ringKey,
  sameList,
  type Transition,
} from './evs-state.ts';
import type { PropertyId } from './violation.ts';

type Report = (property: PropertyId, text: string) => void;

export function onConfiguration(state: EvsState, record: ConfigurationRecord): void {
  const process = state.process(record.node);
  const { configuration } = record;
  const report: Report = (property, text) =>
    state.log.add(property, record.time, record.node, configuration.ringId, text);
  checkMembers(process, configuration, report);
  if (configuration.type === 'transitional') onTransitional(process, configuration, report);
  else onRegular(state, process, configuration, report);
}

function checkMembers(process: ProcessState, configuration: Configuration, report: Report): void {
  const { members } = configuration;
  if (!members.includes(process.node)) {
    report('E2', `installs members ${members.join(',')} without being one`);
  }
  if (members.some((member, index) => index > 0 && members[index - 1]! >= member)) {
    report('E2', `members ${members.join(',')} are not in ascending order`);
  }
}

function onTransitional(process: ProcessState, configuration: Configuration, report: Report): void {
  const { members, left, ringId } = configuration;
  const ring = process.ring;
  if (process.phase === 'transitional') report('E2', 'transitional follows transitional');
  process.phase = 'transitional';
  process.transitional = members;
  if (ring === undefined) {
    // The ring of its own with which a process starts was never installed; nobody can come from it.
    if (members.length !== 1)
      report('E10', `a fresh process comes along with ${members.join(',')}`);
    return;
  }
  if (!ringIdEquals(ring.id, ringId)) {
    report('E2', `transitional of a ring that is not its current one, ${ringIdText(ring.id)}`);
    return;
  }
  const old = ring.members ?? [];
  const stay = members.filter((member) => old.includes(member));
  if (stay.length !== members.length) {
    report('E10', `${members.join(',')} come along, but the ring was ${old.join(',')}`);
  }
  const gone = old.filter((member) => !members.includes(member));
  if (!sameList(gone, left)) {
    report('E10', `left is ${left.join(',')}, the difference is ${gone.join(',')}`);
  }
  for (const member of members) {
    if (!ring.installedBy.has(member)) {
      report('E4', `member ${member} is said to come along and has never installed the ring`);
    }
  }
}

function onRegular(
  state: EvsState,
  process: ProcessState,
  configuration: Configuration,
  report: Report,
): void {
  const { members, ringId, joined } = configuration;
  const ring = state.ring(ringId);
  const old = process.ring;
  if (process.phase === 'regular') report('E2', 'regular follows regular');
  if (ringId.seq <= process.ringSeqMax) {
    report('E2', `ring sequence ${ringId.seq} does not exceed ${process.ringSeqMax}`);
  }
  if (ringId.rep !== members[0]) report('E2', `representative is not the lowest of the members`);
  if (process.phase === 'transitional') {
    const fresh = members.filter((member) => !process.transitional.includes(member));
    if (!sameList(fresh, joined)) {
      report('E10', `joined is ${joined.join(',')}, the difference is ${fresh.join(',')}`);
    }
  }
  checkAgreement(process, ring, members, report);
  if (old !== undefined && old !== ring) {
    leaveRing(state, process, old, report);
    goAlong(state, process, old, ring, report);
  }
  process.ringSeqMax = Math.max(process.ringSeqMax, ringId.seq);
  process.phase = 'regular';
  process.ring = ring;
  process.transitional = [];
  process.delivered = [];
  process.prefix = 0;
  process.lastSeq = 0;
  ring.installedBy.set(process.node, process.incarnation);
}

/** E3: one ring id, one member list. */
function checkAgreement(
  process: ProcessState,
  ring: RingState,
  members: readonly number[],
  report: Report,
): void {
  if (ring.members === undefined) {
    ring.members = members;
    ring.installedFirstBy = process.node;
  } else if (!sameList(ring.members, members)) {
    const first = `node ${ring.installedFirstBy} installed ${ring.members.join(',')}`;
    report('E3', `members ${members.join(',')}, but ${first}`);
  }
}

/** What a process owes a ring when it leaves it: its own messages (E5) and the safe ones (E9). */
function leaveRing(state: EvsState, process: ProcessState, old: RingState, report: Report): void {
  for (const id of process.undelivered) {
    if (state.messages.get(id)?.ring === old) {
      report('E5', `left ring ${ringIdText(old.id)} without its own ${nameOf(id)}`);
      break;
    }
  }
  for (const id of old.safeDelivered) {
    if ((state.messages.get(id)!.delivered & process.bit) === 0) {
      report('E9', `left ring ${ringIdText(old.id)} without safe ${nameOf(id)}, delivered there`);
      break;
    }
  }
}

/** E6 and E10: those who go together delivered the same, and are exactly the transitional members. */
function goAlong(
  state: EvsState,
  process: ProcessState,
  old: RingState,
  ring: RingState,
  report: Report,
): void {
  const way = `from ring ${ringIdText(old.id)}`;
  const key = ringKey(ring.id);
  let transition = old.transitions.get(key);
  if (transition === undefined) {
    transition = {
      to: ring,
      first: process.node,
      members: process.transitional,
      delivered: process.delivered,
      completed: [],
    };
    old.transitions.set(key, transition);
    ring.arrivals.push(transition);
  } else {
    compare(transition, process, way, report);
  }
  transition.completed.push(process.node);
  for (const node of transition.completed) {
    if (!transition.members.includes(node)) {
      report('E10', `${node} came ${way}, too, but is not among ${transition.members.join(',')}`);
    }
  }
  for (const member of transition.members) {
    const other = state.process(member);
    const here = ring.installedBy.get(member) === other.incarnation;
    if (here && member !== process.node && !transition.completed.includes(member)) {
      report('E10', `${member} is said to come along ${way}, but came from elsewhere`);
    }
  }
  checkArrival(process, transition, way, report);
}

/** Nobody who came here from another ring had said that this process comes along with it. */
function checkArrival(process: ProcessState, own: Transition, way: string, report: Report): void {
  for (const arrival of own.to.arrivals) {
    if (arrival !== own && arrival.members.includes(process.node)) {
      report('E10', `came ${way}, but node ${arrival.first} says it came along with it`);
    }
  }
  for (const member of own.members) {
    if (own.to.members?.includes(member) === false) {
      report('E10', `${member} is said to come along ${way} and is no member`);
    }
  }
}

function compare(first: Transition, process: ProcessState, way: string, report: Report): void {
  if (!sameList(first.members, process.transitional)) {
    const text = `${process.transitional.join(',')} came along ${way}, but node ${first.first} says ${first.members.join(',')}`;
    report('E10', text);
  }
  const mine = process.delivered;
  const theirs = first.delivered;
  if (sameList(mine, theirs)) return;
  const at = mine.findIndex((id, index) => id !== theirs[index]);
  const index = at < 0 ? mine.length : at;
  const show = (id: number | undefined): string => (id === undefined ? 'nothing more' : nameOf(id));
  report(
    'E6',
    `came along with node ${first.first} ${way}, but delivered ${mine.length} messages and not ${theirs.length}; at place ${index + 1} ${show(mine[index])} instead of ${show(theirs[index])}`,
  );
}
