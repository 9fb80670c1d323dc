/**
 * E12 (reliability §4): at most one quorate component at a time in the order of ring sequences, and two
 * quorate rings that follow each other share a member, so that what one decided reaches the next. Read from
 * `quorum` records, which only nodes with a counting quorum filter write.
 */
import { type RingId, ringIdText } from '@aisexec/totem';
import type { QuorumRecord, TraceSink } from '../trace/record.ts';
import type { ViolationLog } from './violation.ts';

interface Component {
  readonly ringId: RingId;
  readonly members: readonly number[];
  readonly quorate: boolean;
}

export interface QuorumChecker {
  readonly record: TraceSink;
  /** Quorate components seen so far. */
  readonly quorate: number;
}

export function createQuorumChecker(log: ViolationLog): QuorumChecker {
  const components = new Map<string, Component>();
  /** In the order of ring sequences. */
  const quorate: Component[] = [];

  const insert = (component: Component, record: QuorumRecord): void => {
    let index = quorate.length;
    while (index > 0 && quorate[index - 1]!.ringId.seq > component.ringId.seq) index -= 1;
    quorate.splice(index, 0, component);
    for (const neighbour of [quorate[index - 1], quorate[index + 1]]) {
      if (neighbour === undefined) continue;
      const shares = neighbour.members.some((member) => component.members.includes(member));
      if (shares) continue;
      const text = `${component.members.join(',')} is quorate, and so is ring ${ringIdText(neighbour.ringId)} of ${neighbour.members.join(',')}: no member in common`;
      log.add('E12', record.time, record.node, record.ringId, text);
    }
  };

  return {
    record(record) {
      if (record.kind !== 'quorum') return;
      const key = ringIdText(record.ringId);
      const known = components.get(key);
      if (known === undefined) {
        components.set(key, record);
        if (record.quorate) insert(record, record);
      } else if (known.quorate !== record.quorate) {
        const text = `says ${record.quorate ? 'quorate' : 'not quorate'}, another member says the opposite`;
        log.add('E12', record.time, record.node, record.ringId, text);
      }
    },
    get quorate() {
      return quorate.length;
    },
  };
}
