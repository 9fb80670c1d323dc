/**
 * Corosync's daemons and their rings, with one process group and one order per ring. What CPG does at a ring change
 * is modelled as it is: those that go together have received the same, what waited is ordered in the next ring, the
 * group's configuration comes before the ring's, and the word on the quorum at any time after.
 */
import { nameOf } from './round.ts';
import type { CpgMember } from './wire.ts';

interface Message {
  readonly from: CpgMember;
  readonly bytes: Uint8Array;
}

type Event =
  | Message
  | { readonly members: readonly CpgMember[]; readonly left: readonly CpgMember[] }
  | { readonly ring: number }
  | { readonly quorum: number; readonly quorate: boolean; readonly votes: number };

interface Ring {
  readonly seq: number;
  readonly nodes: readonly number[];
  readonly log: Event[];
}

export interface Daemon {
  readonly node: number;
  ring: Ring;
  /** How much of the ring's log it has received. */
  taken: number;
  /** What its executive has not fetched. */
  events: Event[];
  outgoing: Message[];
  /** The group as far as ordered, by this daemon's rings. */
  members: readonly CpgMember[];
}

const OUTGOING_MAX = 8;

export class CpgDaemons {
  readonly #count: number;
  readonly #listens: (node: number) => boolean;
  readonly #daemons = new Map<number, Daemon>();
  #sides: (node: number) => number = () => 0;
  #changed = false;
  #ringSeq = 0;

  /** @param listens whether the executive of a node is connected to its daemon. */
  constructor(count: number, listens: (node: number) => boolean) {
    this.#count = count;
    this.#listens = listens;
  }

  /** Whether rings may be other than the sides ask for. */
  get changed(): boolean {
    return this.#changed;
  }

  get(node: number): Daemon | undefined {
    return this.#daemons.get(node);
  }

  all(): Iterable<Daemon> {
    return this.#daemons.values();
  }

  start(node: number): void {
    if (this.#daemons.has(node)) return;
    const ring = { seq: 0, nodes: [node], log: [] };
    const none = { events: [], outgoing: [], members: [] };
    this.#daemons.set(node, { node, ring, taken: 0, ...none });
    this.#changed = true;
  }

  /** @returns whether it ran. */
  kill(node: number): boolean {
    if (!this.#daemons.delete(node)) return false;
    this.#changed = true;
    return true;
  }

  split(sideOf: (node: number) => number): void {
    this.#sides = sideOf;
    this.#changed = true;
  }

  /** @returns false when as much waits as may. */
  send({ outgoing }: Daemon, message: Message): boolean {
    if (outgoing.length >= OUTGOING_MAX) return false;
    outgoing.push(message);
    return true;
  }

  quorum({ seq, nodes }: Ring): Event {
    return { quorum: seq, quorate: nodes.length * 2 > this.#count, votes: 1 };
  }

  /** A process joins or leaves the group: ordered like a message, after what it has sent. */
  order(node: number, change: { readonly joined: number } | { readonly left: number }): void {
    const daemon = this.#daemons.get(node);
    if (daemon === undefined) return;
    const { ring } = daemon;
    for (const message of daemon.outgoing.splice(0)) this.log(ring, message);
    const all = this.#membersAtEnd(ring, daemon);
    const pid = 'joined' in change ? change.joined : change.left;
    const rest = all.filter((member) => nameOf(member) !== `${node}.${pid}`);
    const one = { nodeId: node, pid };
    if ('joined' in change) this.log(ring, { members: [...rest, one], left: [] });
    else if (rest.length < all.length) this.log(ring, { members: rest, left: [one] });
  }

  #membersAtEnd(ring: Ring, daemon: Daemon): readonly CpgMember[] {
    for (let i = ring.log.length - 1; i >= daemon.taken; i--) {
      const event = ring.log[i]!;
      if ('members' in event) return event.members;
    }
    return daemon.members;
  }

  log(ring: Ring, event: Event): void {
    ring.log.push(event);
  }

  take(daemon: Daemon): void {
    const event = daemon.ring.log[daemon.taken++]!;
    if ('members' in event) daemon.members = event.members;
    if (this.#listens(daemon.node)) daemon.events.push(event);
  }

  drain(daemon: Daemon): void {
    while (daemon.taken < daemon.ring.log.length) this.take(daemon);
  }

  /** New rings where the sides ask for them. */
  reform(): void {
    this.#changed = false;
    const sides = new Map<number, Daemon[]>();
    for (const daemon of [...this.#daemons.values()].sort((a, b) => a.node - b.node)) {
      const side = this.#sides(daemon.node);
      sides.set(side, [...(sides.get(side) ?? []), daemon]);
    }
    for (const daemons of sides.values()) {
      const nodes = daemons.map(({ node }) => node);
      const isFormed = daemons.every(
        ({ ring }) =>
          ring === daemons[0]!.ring && ring.nodes.length === nodes.length && ring.seq > 0,
      );
      if (!isFormed) this.#form(daemons, nodes);
    }
  }

  #form(daemons: readonly Daemon[], nodes: readonly number[]): void {
    this.#ringSeq += 4;
    const next: Ring = { seq: this.#ringSeq, nodes, log: [] };
    const olds = new Map<Ring, Daemon[]>();
    for (const daemon of daemons) {
      olds.set(daemon.ring, [...(olds.get(daemon.ring) ?? []), daemon]);
    }
    // Those that go together receive the same, at least what any of them has and sent.
    for (const [old, together] of olds) {
      const end =
        together.length === old.nodes.length
          ? old.log.length
          : Math.max(...together.map(({ taken }) => taken), this.#lastOf(old, together));
      for (const daemon of together) while (daemon.taken < end) this.take(daemon);
    }
    const all = [...olds.values()].flatMap((together) => {
      const here = together.map(({ node }) => node);
      return together[0]!.members.filter(({ nodeId }) => here.includes(nodeId));
    });
    for (const [, together] of olds) {
      const here = together.map(({ node }) => node);
      for (const daemon of together) {
        const left = daemon.members.filter(({ nodeId }) => !here.includes(nodeId));
        const stay = daemon.members.filter(({ nodeId }) => here.includes(nodeId));
        const push = (event: Event) => {
          if (this.#listens(daemon.node)) daemon.events.push(event);
        };
        if (left.length > 0) push({ members: stay, left });
        if (all.length > stay.length) push({ members: all, left: [] });
        push({ ring: next.seq });
        push(this.quorum(next));
        daemon.members = all;
        daemon.ring = next;
        daemon.taken = 0;
      }
    }
  }

  /** A node always delivers what it has sent in a ring that ends. */
  #lastOf(ring: Ring, together: readonly Daemon[]): number {
    const nodes = together.map(({ node }) => node);
    const isOurs = (event: Event) =>
      'from' in event
        ? nodes.includes(event.from.nodeId)
        : 'members' in event && event.left.some(({ nodeId }) => nodes.includes(nodeId));
    return ring.log.findLastIndex(isOurs) + 1;
  }
}
