/**
 * From the hellos of all executives to who sends what and which history wins. A pure function of the
 * hellos, so every member computes the same plan.
 *
 * Nodes are grouped by lineage (ADR 0040): the last ring whose synchronisation *completed*, the number
 * of events since and their digest. A ring whose synchronisation was cut short leaves no mark, so its
 * members keep the lineages, and the states, they came with. Within a lineage the states must be equal;
 * where a service's hash differs (a bug of that service) its nodes are taken for two histories, so that
 * the replicas are equal again afterwards, and the divergence is reported.
 *
 * A history in which nothing ever happened counts as fresh as soon as it meets one in which something did:
 * a node that booted alone for a moment must not win with its empty state, however young its ring is.
 */
import type { RingId } from '@aisexec/totem';
import type { NodeInfo, StatePart } from '../contract.ts';
import { agreeVersion, FIRST_VERSION, spokenBy } from '../versions.ts';
import type { Hello, Lineage } from './messages.ts';
import { type PastRing, pastAfter, wentThrough } from './past.ts';

/** One old history's state of one service. */
export interface PartPlan {
  readonly lineage: Lineage;
  /** Nodes that hold this state, ascending; the first that is able to sends it. */
  readonly nodes: readonly number[];
}

/** The same, judged beside the others. */
export interface RankedPart extends PartPlan {
  /** See {@link StatePart.superseded}. */
  readonly superseded: boolean;
}

export interface ServicePlan {
  /** What runs under this id: the name that the lowest holder (else the lowest runner) gives it. */
  readonly name: string;
  /** What all runners speak (versions.ts). */
  readonly version: number;
  /** Why a node that runs it under that name cannot take part, by nodeid. */
  readonly refused: ReadonlyMap<number, string>;
  /** Nodes that run it under that name and may, ascending: all of them hold its state afterwards. */
  readonly runners: readonly number[];
  /** Winner first. */
  readonly parts: readonly RankedPart[];
  /** Somebody lacks a part: the states are sent. */
  readonly transfer: boolean;
  /** Nodes of one lineage had different states. */
  readonly diverged: boolean;
}

export interface SyncPlan {
  /** Executives of the new view, ascending by nodeid. */
  readonly members: readonly NodeInfo[];
  readonly joined: readonly number[];
  readonly left: readonly number[];
  /** The coordinator's (lowest member's) wall clock, ns. */
  readonly time: bigint;
  /** Place in the order of the view change; above every order that any member has given. */
  readonly order: bigint;
  /** What the hosts of all members speak. */
  readonly host: number;
  /** Number of histories that meet. */
  readonly lineages: number;
  /** No event was ever applied in any of them. */
  readonly pristine: boolean;
  /** The winner's last quorate ring (see {@link Lineage.primary}). */
  readonly primary: number;
  /** What the history went through that begins with this view (past.ts). */
  readonly past: readonly PastRing[];
  readonly services: ReadonlyMap<number, ServicePlan>;
}

/** @param hellos by nodeid; members without a valid hello do not appear and are no executives. */
export function planSync(ringId: RingId, hellos: ReadonlyMap<number, Hello>): SyncPlan {
  const nodes = [...hellos.keys()].sort((a, b) => a - b);
  const all = nodes.map((node) => hellos.get(node)!);
  const experienced = nodes.filter((node) => hellos.get(node)!.lineage !== null);
  const worked = experienced.filter((node) => !hellos.get(node)!.lineage!.pristine);
  const stateful = worked.length > 0 ? worked : experienced;
  const groups = group(stateful, (node) => lineageKey(hellos.get(node)!.lineage!));
  const lineages = groups.map((members) => partOf(members, hellos)).sort(compareParts);
  const winners = lineages[0]?.nodes ?? [];
  const before = new Set(lineages.flatMap((part) => part.lineage.members));
  return {
    members: all.map((hello) => hello.node),
    joined: nodes.filter((node) => !winners.includes(node)),
    left: [...before].filter((node) => !stateful.includes(node)).sort((a, b) => a - b),
    time: all[0]?.time ?? 0n,
    order: firstOrder(ringId, all),
    host: Math.min(...all.map(({ host = FIRST_VERSION }) => host)),
    lineages: lineages.length,
    pristine: worked.length === 0,
    primary: lineages[0]?.lineage.primary ?? 0,
    past: pastAfter(all, nodes),
    services: planServices(nodes, stateful, hellos),
  };
}

function planServices(
  nodes: readonly number[],
  stateful: readonly number[],
  hellos: ReadonlyMap<number, Hello>,
): ReadonlyMap<number, ServicePlan> {
  const plans = new Map<number, ServicePlan>();
  const ids = new Set(nodes.flatMap((node) => hellos.get(node)!.services.map(({ id }) => id)));
  for (const id of [...ids].sort((a, b) => a - b)) {
    const entryOf = (node: number) => hellos.get(node)!.services.find((one) => one.id === id);
    const hashOf = (node: number) => entryOf(node)?.hash;
    // A service that was loaded and has no state yet is listed with an empty hash.
    const isHolder = (node: number) => stateful.includes(node) && hashOf(node) !== '';
    const listed = nodes.filter((node) => entryOf(node) !== undefined);
    const name = entryOf(listed.find(isHolder) ?? listed[0]!)?.name ?? '';
    const alike = listed.filter((node) => (entryOf(node)?.name ?? '') === name);
    const spoken = new Map(alike.map((node) => [node, spokenBy(entryOf(node)!)]));
    const keyOf = (node: number) => lineageKey(hellos.get(node)!.lineage!);
    const partsOf = (groups: readonly number[][]) =>
      groups.map((members) => partOf(members, hellos)).sort(compareParts);
    const winner = partsOf(group(alike.filter(isHolder), keyOf))[0]?.nodes ?? [alike[0]!];
    const { version, refused } = agreeVersion(spoken, winner);
    const running = alike.filter((node) => !refused.has(node));
    const histories = group(running.filter(isHolder), keyOf);
    // Code of two versions may keep the same state in two shapes: only hashes of one version are compared.
    const states = histories.flatMap((nodes) =>
      group(nodes, (node) => String(spoken.get(node)!.version)).some(
        (same) => new Set(same.map(hashOf)).size > 1,
      )
        ? group(nodes, (node) => hashOf(node)!)
        : [nodes],
    );
    const parts = rank(partsOf(states), hellos);
    const holders = histories.flat();
    plans.set(id, {
      name,
      version,
      refused,
      runners: running,
      parts,
      transfer: parts.length > 1 || (parts.length === 1 && holders.length < running.length),
      diverged: parts.length > histories.length,
    });
  }
  return plans;
}

/** Which of these, winner first, hold nothing but what an earlier one had before it went on (ADR 0127, 0203). */
function rank(
  parts: readonly PartPlan[],
  hellos: ReadonlyMap<number, Hello>,
): readonly RankedPart[] {
  // All must judge alike: nobody goes by what some do not know.
  const isKnown = [...hellos.values()].every(({ past }) => past !== undefined);
  return parts.map((part, index) => {
    const { lineage, nodes } = part;
    const earlier = parts.slice(0, index);
    const isOlder = earlier.length > 0 && lineage.primary < earlier[0]!.lineage.primary;
    const isPast = earlier.some((one) =>
      wentThrough(hellos.get(one.nodes[0]!)!, lineage.ringId, nodes),
    );
    return { ...part, superseded: (isOlder && !lineage.quorate) || (isKnown && isPast) };
  });
}

/**
 * Above `ringId.seq << 32`, and above all that was given before: so that the order rises even when one
 * ring saw more than 2^32 events, or a node lost its stored ring sequence.
 */
function firstOrder(ringId: RingId, hellos: readonly Hello[]): bigint {
  return hellos.reduce(
    (order, hello) => (hello.order >= order ? hello.order + 1n : order),
    BigInt(ringId.seq) << 32n,
  );
}

function lineageKey({ ringId, events, digest }: Lineage): string {
  return `${ringId.rep}.${ringId.seq}.${events}.${digest}`;
}

/** Members with the same key, in the order of their first. */
function group(nodes: readonly number[], keyOf: (node: number) => string): number[][] {
  const groups = new Map<string, number[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [node]);
    else members.push(node);
  }
  return [...groups.values()];
}

function partOf(nodes: readonly number[], hellos: ReadonlyMap<number, Hello>): PartPlan {
  return { lineage: hellos.get(nodes[0]!)!.lineage!, nodes };
}

/**
 * Winner first: whose last quorate ring is younger (a node that was cut off after a quorate ring knows more than
 * one that slept through it and still believes in an older quorate ring), then the younger ring, then the
 * lower representative, the longer history, the more nodes, the lower node.
 */
function compareParts(a: PartPlan, b: PartPlan): number {
  return (
    b.lineage.primary - a.lineage.primary ||
    b.lineage.ringId.seq - a.lineage.ringId.seq ||
    a.lineage.ringId.rep - b.lineage.ringId.rep ||
    b.lineage.events - a.lineage.events ||
    b.nodes.length - a.nodes.length ||
    a.nodes[0]! - b.nodes[0]!
  );
}
