/**
 * The promises of the checkpoint service (reliability §11.2), judged at each node as it applies, installs a view
 * or answers a read: results equal on all nodes, acknowledged writes kept along the quorate history, a client
 * reads what it wrote, nothing ends early or out of order, watches miss nothing silently.
 */
import type { ConfigurationRecord } from '../trace/record.ts';
import { lifeOf } from './events.ts';

export type CheckpointProperty =
  /** The same message had another result on another node, or a replica contradicts itself. */
  | 'replicas'
  /** A write acknowledged in a quorate view is gone although that history lives. */
  | 'acknowledged'
  /** A client read something older than what it wrote. */
  | 'read your write'
  | 'expiry'
  /** A watch was told other changes than those that were applied. */
  | 'watch';

export interface CheckpointViolation {
  readonly property: CheckpointProperty;
  readonly text: string;
}

export interface CheckpointHistory {
  readonly violations: CheckpointViolation[];
  /** What each place of the order did: result and content. */
  readonly results: Map<string, string>;
  /** Lives between a transitional and the next regular configuration: who delivers the same remainder. */
  readonly remainders: Map<string, string>;
  /** Place in the order of each value that was written, by its unique text. */
  readonly orders: Map<string, bigint>;
  /** What each value replaced where it was applied; the values of one history are a chain. */
  readonly previous: Map<string, string | undefined>;
  /** Values that were applied in a quorate view. */
  readonly quorateValues: Set<string>;
  /** By section: the last value that was acknowledged in a quorate view. */
  readonly acknowledged: Map<string, string>;
  /** Ring of the last quorate view, and the lives that installed it and have all contents. */
  quorateRing: string;
  quorate: Set<string>;
  readonly failed: Set<string>;
  writes: number;
  expiries: number;
  add(property: CheckpointProperty, text: string): void;
}

/** Stands for a content that is still on its way to a replica: nothing can be said of it there. */
export const ABSENT = '(absent)';

const VIOLATIONS_MAX = 20;

export function createCheckpointHistory(): CheckpointHistory {
  const violations: CheckpointViolation[] = [];
  return {
    violations,
    results: new Map(),
    remainders: new Map(),
    orders: new Map(),
    previous: new Map(),
    quorateValues: new Set(),
    acknowledged: new Map(),
    quorateRing: '',
    quorate: new Set(),
    failed: new Set(),
    writes: 0,
    expiries: 0,
    add(property, text) {
      if (violations.length < VIOLATIONS_MAX) violations.push({ property, text });
    },
  };
}

/** The sides of a ring that ends deliver what is left of it each for itself: the same places, other messages. */
export function noteConfiguration(
  history: CheckpointHistory,
  { node, incarnation, configuration: { type, members } }: ConfigurationRecord,
): void {
  const life = lifeOf(node, incarnation);
  if (type === 'regular') history.remainders.delete(life);
  else history.remainders.set(life, ` without others than ${members.join()}`);
}

/** Every node that applies this place of the order says what it did; the first is compared with the others. */
export function noteResult(history: CheckpointHistory, place: string, result: string): void {
  const first = history.results.get(place);
  if (first === undefined) history.results.set(place, result);
  else if (first !== result) history.add('replicas', `at ${place}: ${result}, elsewhere ${first}`);
}

/** A quorate view as one life installs it. */
export interface QuorateView {
  /** `rep.seq` of the ring. */
  readonly ring: string;
  /** Who installs it. */
  readonly life: string;
  /** Who is in it. */
  readonly lives: readonly string[];
  /** Whether this life has all contents already. */
  readonly isWitness: boolean;
}

/**
 * A life installs a quorate view. The history lives on when one life comes along that installed the quorate view
 * before it: one witness is enough (ADR 0040). Then every section holds the last acknowledged value, or one
 * that was written on top of it.
 */
export function noteQuorateView(
  history: CheckpointHistory,
  { ring, life, lives, isWitness }: QuorateView,
  readValue: (section: string) => string | undefined,
): void {
  if (sequenceOf(ring) < sequenceOf(history.quorateRing)) return;
  if (ring !== history.quorateRing) {
    const witness = lives.some((one) => history.quorate.has(one) && !history.failed.has(one));
    if (!witness) history.acknowledged.clear();
    history.quorateRing = ring;
    history.quorate = new Set();
  }
  if (isWitness) history.quorate.add(life);
  checkAcknowledged(history, life, readValue);
}

/** Rises along a history. */
function sequenceOf(ring: string): number {
  return Number(ring.slice(ring.indexOf('.') + 1));
}

export function checkAcknowledged(
  history: CheckpointHistory,
  where: string,
  readValue: (section: string) => string | undefined,
): void {
  for (const [section, wanted] of history.acknowledged) {
    const value = readValue(section);
    if (value === ABSENT) continue;
    let found = value;
    while (found !== undefined && found !== wanted && found !== ABSENT) {
      found = history.previous.get(found);
    }
    if (found === undefined) {
      history.add('acknowledged', `${section} on ${where} is ${value}: ${wanted} was promised`);
    }
  }
}

/** A client has the acknowledgement of a write. */
export function noteAcknowledged(history: CheckpointHistory, section: string, value: string): void {
  history.writes += 1;
  if (!history.quorateValues.has(value)) return;
  const before = history.orders.get(history.acknowledged.get(section) ?? '') ?? 0n;
  if ((history.orders.get(value) ?? 0n) > before) history.acknowledged.set(section, value);
}
