/**
 * Through which rings a history went (ADR 0203): for every node that is not in it any more, the last ring that they shared.
 * A node that was paused in that ring and wakes up has a history that ends there: whatever it holds, the others held, too,
 * and went on from.
 */
import { type RingId, ringIdEquals } from '@aisexec/totem';
import { SYNC_MEMBERS_MAX } from '../limits.ts';
import type { Lineage } from './messages.ts';

/** A ring, and a node that was in it and has not been in this history since. */
export interface PastRing {
  readonly node: number;
  readonly ringId: RingId;
}

/** What hellos say; absent: code that does not know of it. */
interface Told {
  readonly past?: readonly PastRing[] | undefined;
  readonly lineage: Lineage | null;
}

/** What the history that all of these become has gone through, the youngest rings first. */
export function pastAfter(hellos: readonly Told[], members: readonly number[]): PastRing[] {
  const youngest = new Map<number, RingId>();
  const note = (node: number, ringId: RingId): void => {
    const known = youngest.get(node);
    if (members.includes(node)) return;
    if (known === undefined || isYounger(ringId, known)) youngest.set(node, ringId);
  };
  for (const { past = [], lineage } of hellos) {
    for (const { node, ringId } of past) note(node, ringId);
    for (const node of lineage?.members ?? []) note(node, lineage!.ringId);
  }
  return [...youngest]
    .map(([node, ringId]) => ({ node, ringId }))
    .sort((a, b) => b.ringId.seq - a.ringId.seq || a.node - b.node)
    .slice(0, SYNC_MEMBERS_MAX);
}

/** Whether a history of these nodes, which ends in `ringId`, is one that this history went through. */
export function wentThrough(
  { past = [] }: Told,
  ringId: RingId,
  nodes: readonly number[],
): boolean {
  return nodes.every((wanted) =>
    past.some(({ node, ringId: shared }) => node === wanted && ringIdEquals(shared, ringId)),
  );
}

function isYounger(a: RingId, b: RingId): boolean {
  return a.seq > b.seq || (a.seq === b.seq && a.rep < b.rep);
}
