/**
 * The end of a run: L1 (one ring of everybody, messages flow), E4 (everybody named in the last ring has
 * installed it), E5 and E6 for what was still under way. Only meaningful after a heal.
 */
import { ringIdText } from '@aisexec/totem';
import { nameOf } from './evs-messages.ts';
import type { EvsState, ProcessState } from './evs-state.ts';

/** All live processes are in one regular ring of exactly them. */
export function isConverged(state: EvsState): boolean {
  const live = [...state.processes.values()].filter((process) => process.up);
  const ring = live[0]?.ring;
  return (
    ring !== undefined &&
    ring.members?.length === live.length &&
    live.every((process) => process.ring === ring && process.phase === 'regular')
  );
}

/** Converged, and everything that was sent or delivered anywhere in the ring is delivered everywhere. */
export function isSettled(state: EvsState): boolean {
  if (!isConverged(state)) return false;
  for (const process of state.processes.values()) {
    if (!process.up) continue;
    if (process.undelivered.size > 0 || process.prefix < (process.ring?.order.length ?? 0)) {
      return false;
    }
  }
  return true;
}

export function checkEnd(state: EvsState, time: number, healTime: number): void {
  const live = [...state.processes.values()].filter((process) => process.up);
  if (!isConverged(state)) {
    const where = live.map((process) => `${process.node} ${placeOf(process)}`).join(', ');
    state.log.add('L1', time, 0, undefined, `no common ring after healing: ${where}`);
  } else {
    checkFlow(state, live, time, healTime);
  }
  for (const process of live) checkProcessEnd(state, process, time);
}

const placeOf = (process: ProcessState): string => {
  const members = process.ring?.members?.join(',') ?? '';
  return process.ring === undefined ? 'in none' : `in ${ringIdText(process.ring.id)} of ${members}`;
};

/** Of every process, at least one message sent after the heal has reached everybody. */
function checkFlow(
  state: EvsState,
  live: readonly ProcessState[],
  time: number,
  healTime: number,
): void {
  let everybody = 0;
  for (const process of live) everybody |= process.bit;
  const flowing = new Set<number>();
  for (const message of state.messages.values()) {
    if (message.time >= healTime && (message.delivered & everybody) === everybody) {
      flowing.add(message.source);
    }
  }
  for (const process of live) {
    if (flowing.has(process.node)) continue;
    const text = 'none of its messages sent after healing has reached everybody';
    state.log.add('L1', time, process.node, process.ring?.id, text);
  }
}

function checkProcessEnd(state: EvsState, process: ProcessState, time: number): void {
  const ring = process.ring;
  if (ring === undefined) return;
  for (const member of ring.members ?? []) {
    const other = state.process(member);
    if (other.up && ring.installedBy.get(member) !== other.incarnation) {
      const text = `member ${member} is alive and has not installed the ring`;
      state.log.add('E4', time, process.node, ring.id, text);
    }
  }
  if (!isConverged(state)) return;
  const [lost] = process.undelivered;
  if (lost !== undefined) {
    const text = `its own ${nameOf(lost)} was accepted and never delivered`;
    state.log.add('E5', time, process.node, ring.id, text);
  }
  const missing = ring.order[process.prefix];
  if (missing !== undefined) {
    const text = `${nameOf(missing)} was delivered by others and never here`;
    state.log.add('E6', time, process.node, ring.id, text);
  }
}
