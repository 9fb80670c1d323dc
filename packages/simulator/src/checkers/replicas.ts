/**
 * R1: replicas of a service are equal: all members of a ring have the same state hash right after its
 * synchronisation, and at the end of the run when everything is quiet.
 */
import { ringIdText } from '@aisexec/totem';
import type { StateRecord, TraceSink } from '../trace/record.ts';
import type { ViolationLog } from './violation.ts';

export interface ReplicaChecker {
  readonly record: TraceSink;
  /** Hashes compared so far. */
  readonly compared: number;
}

export function createReplicaChecker(log: ViolationLog): ReplicaChecker {
  const first = new Map<string, StateRecord>();
  let compared = 0;
  return {
    record(record) {
      if (record.kind !== 'state') return;
      const key = `${record.service} ${record.place} ${ringIdText(record.ringId)}`;
      const other = first.get(key);
      if (other === undefined) {
        first.set(key, record);
        return;
      }
      compared += 1;
      if (other.hash === record.hash) return;
      const text = `${record.service} at ${record.place}: ${record.hash} here, ${other.hash} on node ${other.node}`;
      log.add('R1', record.time, record.node, record.ringId, text);
    },
    get compared() {
      return compared;
    },
  };
}
