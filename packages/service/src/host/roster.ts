/**
 * Which nodes of the view hold which service, and who is getting a state from whom: a table that every node
 * keeps alike, from the view's plan and from ordered messages alone (ADR 0154).
 */

import type { Spoken } from '../versions.ts';

/** A state on its way. */
export interface Handover {
  readonly service: number;
  /** Who gets it. */
  readonly to: number;
  readonly sender: number;
  /** Its place in the order: no two handovers of a history share it. */
  readonly id: bigint;
}

/** What a change of the table means: who starts with an empty state, and which states are to be sent. */
export interface RosterChange {
  readonly first: readonly number[];
  readonly handovers: readonly Handover[];
}

const NOTHING: RosterChange = { first: [], handovers: [] };

interface Entry {
  readonly name: string;
  /** What its nodes speak. */
  readonly version: number;
  /** Ascending. */
  nodes: number[];
  /** By receiver. */
  readonly pending: Map<number, Handover>;
}

export class Roster {
  readonly #entries = new Map<number, Entry>();

  /** A synchronised view: every runner holds the state, nothing is on its way. */
  view(
    plans: ReadonlyMap<
      number,
      { readonly name: string; readonly version: number; readonly runners: readonly number[] }
    >,
  ): void {
    this.#entries.clear();
    for (const [id, { name, version, runners }] of plans) {
      this.#entries.set(id, { name, version, nodes: [...runners], pending: new Map() });
    }
  }

  /** Nodes that hold the service, ascending. */
  nodes(service: number): readonly number[] {
    return this.#entries.get(service)?.nodes ?? [];
  }

  /** The name under which the id is used in this view; undefined when nobody uses it. */
  nameOf(service: number): string | undefined {
    const entry = this.#entries.get(service);
    return entry === undefined || entry.nodes.length === 0 ? undefined : entry.name;
  }

  /** What the nodes that hold it speak; undefined when nobody does. */
  versionOf(service: number): number | undefined {
    const entry = this.#entries.get(service);
    return entry === undefined || entry.nodes.length === 0 ? undefined : entry.version;
  }

  /** @param order the place of the message: becomes the handover's id. */
  join(
    { service, name, spoken }: { service: number; name: string; spoken: Spoken },
    node: number,
    order: bigint,
  ): RosterChange {
    let entry = this.#entries.get(service);
    if (entry === undefined || entry.nodes.length === 0) {
      entry = { name, version: spoken.version, nodes: [], pending: new Map() };
      this.#entries.set(service, entry);
    }
    if (entry.name !== name || entry.nodes.includes(node)) return NOTHING;
    return this.#provide(service, entry, [node], order);
  }

  leave(service: number, node: number, order: bigint): RosterChange {
    const entry = this.#entries.get(service);
    if (entry === undefined) return NOTHING;
    entry.nodes = entry.nodes.filter((one) => one !== node);
    entry.pending.delete(node);
    const orphans = [...entry.pending.values()].filter(({ sender }) => sender === node);
    return this.#provide(
      service,
      entry,
      orphans.map(({ to }) => to),
      order,
    );
  }

  /** The handovers that a message belongs to: usually one, none when they are over. */
  find(service: number, sender: number, id: bigint): readonly Handover[] {
    const pending = this.#entries.get(service)?.pending.values() ?? [];
    return [...pending].filter((one) => one.id === id && one.sender === sender);
  }

  complete({ service, to }: Handover): void {
    const entry = this.#entries.get(service)!;
    entry.pending.delete(to);
    entry.nodes = [...entry.nodes, to].sort((a, b) => a - b);
  }

  /** A state for each of `nodes`, all at one place: the lowest holder sends one to all of them. */
  #provide(service: number, entry: Entry, nodes: readonly number[], order: bigint): RosterChange {
    const [head, ...rest] = nodes;
    if (head === undefined) return NOTHING;
    const isEmpty = entry.nodes.length === 0;
    if (isEmpty) {
      entry.nodes = [head];
      entry.pending.delete(head);
    }
    const handovers = (isEmpty ? rest : nodes).map((to) => ({
      service,
      to,
      sender: entry.nodes[0]!,
      id: order,
    }));
    for (const handover of handovers) entry.pending.set(handover.to, handover);
    return { first: isEmpty ? [head] : [], handovers };
  }
}
