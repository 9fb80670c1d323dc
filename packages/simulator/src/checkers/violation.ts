/** What a checker reports: which property, where, when, and which messages. */
import { type RingId, ringIdText } from '@aisexec/totem';
import { SIM_VIOLATIONS_MAX } from '../limits.ts';

/** Properties of reliability §4, plus `N1` (a configuration change although one network was whole), `R1` (replicas equal), `W1` (a workload's own) and `X1` (a process threw). */
export type PropertyId =
  | 'E1'
  | 'E2'
  | 'E3'
  | 'E4'
  | 'E5'
  | 'E6'
  | 'E7'
  | 'E8'
  | 'E9'
  | 'E10'
  | 'E11'
  | 'E12'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'N1'
  | 'R1'
  | 'W1'
  | 'X1';

export interface Violation {
  readonly property: PropertyId;
  readonly time: number;
  /** nodeid; 0 for the cluster as a whole. */
  readonly node: number;
  /** `rep.seq`, or `-`. */
  readonly ring: string;
  readonly text: string;
}

export interface ViolationLog {
  readonly list: readonly Violation[];
  /** Violations seen, with those that were not kept. */
  readonly count: number;
  /** One fault has many echoes: only the first per property, node and ring is kept. */
  add(
    property: PropertyId,
    time: number,
    node: number,
    ring: RingId | undefined,
    text: string,
  ): void;
}

export function createViolationLog(): ViolationLog {
  const list: Violation[] = [];
  const seen = new Set<string>();
  let count = 0;
  return {
    list,
    get count() {
      return count;
    },
    add(property, time, node, ringId, text) {
      count += 1;
      if (list.length >= SIM_VIOLATIONS_MAX) return;
      const ring = ringId === undefined ? '-' : ringIdText(ringId);
      const key = `${property} ${node} ${ring}`;
      if (seen.has(key)) return;
      seen.add(key);
      list.push({ property, time, node, ring, text });
    },
  };
}

/** `E6 at 1234.567 ms, node 2, ring 1.8: …` */
export function violationText(violation: Violation): string {
  const { property, time, node, ring, text } = violation;
  const where = node === 0 ? 'cluster' : `node ${node}`;
  return `${property} at ${time.toFixed(3)} ms, ${where}, ring ${ring}: ${text}`;
}
