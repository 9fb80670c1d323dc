/**
 * Corosync's CPG for several cores in one process: daemons, rings, one order per ring, and everything that may
 * happen in between, chosen by a seed. What CPG does at a ring change is modelled as it is: those that go
 * together have received the same, what waited is ordered in the next ring, the group's configuration comes
 * before the ring's, and the word on the quorum at any time after.
 */
import { createRandom, type Random } from '@aisexec/service/testing';
import type { Configuration, Group, RingId } from '@aisexec/totem';
import { CpgCore } from './core.ts';
import { nameOf } from './round.ts';
import type { CpgMember } from './wire.ts';

type Event =
  | { readonly from: CpgMember; readonly bytes: Uint8Array }
  | { readonly members: readonly CpgMember[]; readonly left: readonly CpgMember[] }
  | { readonly ring: number }
  | { readonly quorum: number; readonly quorate: boolean; readonly votes: number };

interface Ring {
  readonly seq: number;
  readonly nodes: readonly number[];
  readonly log: Event[];
}

interface Daemon {
  readonly node: number;
  ring: Ring;
  /** How much of the ring's log it has received. */
  taken: number;
  /** What its executive has not fetched. */
  events: Event[];
  outgoing: Extract<Event, { readonly bytes: Uint8Array }>[];
  /** The group as far as ordered, by this daemon's rings. */
  members: readonly CpgMember[];
}

/** What one life of one executive was told and has sent. */
export interface Life {
  readonly node: number;
  readonly core: CpgCore;
  readonly told: Told[];
  readonly sent: string[];
  group?: Group;
  pid: number;
  connected: boolean;
  alive: boolean;
}

export type Told =
  | { readonly configuration: Configuration; readonly quorate: boolean }
  | { readonly message: string; readonly ringId: RingId };

const OUTGOING_MAX = 8;
/** What a message says stands in its first bytes. */
const HEAD_BYTES = 24;

export class CpgWorld {
  readonly lives: Life[] = [];
  readonly traced: string[] = [];
  readonly random: Random;
  readonly #count: number;
  readonly #daemons = new Map<number, Daemon>();
  readonly #executives = new Map<number, Life>();
  readonly #stores = new Map<number, number>();
  readonly #stopped = new Set<number>();
  #sides: (node: number) => number = () => 0;
  #changed = false;
  #ringSeq = 0;
  #pid = 100;
  #said = 0;

  constructor(seed: number, count: number) {
    this.random = createRandom(seed);
    this.#count = count;
    for (let node = 1; node <= count; node++) {
      this.startCorosync(node);
      this.startExecutive(node);
    }
  }

  executive(node: number): Life {
    return this.#executives.get(node)!;
  }

  startCorosync(node: number): void {
    if (this.#daemons.has(node)) return;
    const ring = { seq: 0, nodes: [node], log: [] };
    const none = { events: [], outgoing: [], members: [] };
    this.#daemons.set(node, { node, ring, taken: 0, ...none });
    this.#changed = true;
  }

  killCorosync(node: number): void {
    if (!this.#daemons.delete(node)) return;
    const life = this.#executives.get(node);
    if (life !== undefined) this.#lose(life);
    this.#changed = true;
  }

  startExecutive(node: number): void {
    if (this.#executives.has(node)) return;
    const told: Told[] = [];
    const core: CpgCore = new CpgCore({
      nodeId: node,
      highest: this.#stores.get(node) ?? 0,
      quorum: true,
      effects: {
        send: (frame) => this.#send(life, frame),
        wake: () => {},
        store: ({ seq }) => void this.#stores.set(node, seq),
        rejoin: () => this.leaveGroup(life),
        occupied: (pid) => void this.traced.push(`occupied by ${pid}`),
        trace: (event) => void this.traced.push(event),
      },
    });
    const life: Life = { node, core, told, sent: [], pid: 0, connected: false, alive: true };
    this.lives.push(life);
    this.#executives.set(node, life);
    life.group = core.join('test', {
      deliver: ({ bytes, ringId }) => void told.push({ message: headOf(bytes), ringId }),
      configuration: (configuration) =>
        void told.push({ configuration, quorate: core.quorum.quorate }),
    });
    synchronise(core);
  }

  killExecutive(node: number): void {
    const life = this.#executives.get(node);
    if (life === undefined) return;
    this.#executives.delete(node);
    life.alive = false;
    this.#stopped.delete(node);
    if (life.connected) this.#order(node, { left: life.pid });
    life.connected = false;
  }

  /** SIGSTOP: Corosync keeps it as a member. */
  pause(node: number): void {
    this.#stopped.add(node);
  }

  resume(): void {
    this.#stopped.clear();
  }

  split(sideOf: (node: number) => number): void {
    this.#sides = sideOf;
    this.#changed = true;
  }

  heal(): void {
    this.#sides = () => 0;
    this.#changed = true;
  }

  /** A process that is no executive enters the group. */
  intrude(node: number, bytes: Uint8Array): void {
    const daemon = this.#daemons.get(node);
    const pid = ++this.#pid;
    if (daemon === undefined) return;
    this.#order(node, { joined: pid });
    this.#log(daemon.ring, { from: { nodeId: node, pid }, bytes });
  }

  /** An operator changes what quorum takes, in one and the same ring. */
  judge(quorate: boolean): void {
    for (const { ring, events } of this.#daemons.values()) {
      events.push({ quorum: ring.seq, quorate, votes: 1 });
    }
  }

  /** The executive lets go of the group, and comes back later. */
  leaveGroup(life: Life): void {
    if (!life.connected) return;
    this.#order(life.node, { left: life.pid });
    this.#lose(life);
  }

  #lose(life: Life): void {
    life.connected = false;
    const daemon = this.#daemons.get(life.node);
    if (daemon !== undefined) {
      daemon.events = [];
      daemon.outgoing = [];
    }
    // Not from inside the core.
    queue.push(() => life.core.disconnected());
    if (queue.length === 1 && !running) flush();
  }

  #connect(life: Life): void {
    const daemon = this.#daemons.get(life.node);
    if (daemon === undefined || life.connected || daemon.ring.seq === 0) return;
    // An executive that comes back has let go of the group first.
    if (daemon.members.some(({ nodeId, pid }) => nodeId === life.node && pid === life.pid)) return;
    life.pid = ++this.#pid;
    life.connected = true;
    life.core.connected(life.pid);
    this.#drain(daemon);
    daemon.events = [];
    this.#order(life.node, { joined: life.pid });
    this.#drain(daemon);
    daemon.events.push({ ring: daemon.ring.seq }, this.#quorum(daemon.ring));
  }

  #quorum({ seq, nodes }: Ring): Event {
    return { quorum: seq, quorate: nodes.length * 2 > this.#count, votes: 1 };
  }

  #send(life: Life, bytes: Uint8Array): boolean {
    const daemon = this.#daemons.get(life.node);
    if (daemon === undefined || !life.connected) return false;
    if (daemon.outgoing.length >= OUTGOING_MAX) return false;
    daemon.outgoing.push({ from: { nodeId: life.node, pid: life.pid }, bytes: bytes.slice() });
    return true;
  }

  /** A process joins or leaves the group: ordered like a message, after what it has sent. */
  #order(node: number, change: { readonly joined: number } | { readonly left: number }): void {
    const daemon = this.#daemons.get(node);
    if (daemon === undefined) return;
    const { ring } = daemon;
    for (const message of daemon.outgoing.splice(0)) this.#log(ring, message);
    const all = this.#membersAtEnd(ring, daemon);
    const pid = 'joined' in change ? change.joined : change.left;
    const rest = all.filter((member) => nameOf(member) !== `${node}.${pid}`);
    const one = { nodeId: node, pid };
    if ('joined' in change) this.#log(ring, { members: [...rest, one], left: [] });
    else if (rest.length < all.length) this.#log(ring, { members: rest, left: [one] });
  }

  #membersAtEnd(ring: Ring, daemon: Daemon): readonly CpgMember[] {
    for (let i = ring.log.length - 1; i >= daemon.taken; i--) {
      const event = ring.log[i]!;
      if ('members' in event) return event.members;
    }
    return daemon.members;
  }

  #log(ring: Ring, event: Event): void {
    ring.log.push(event);
  }

  #take(daemon: Daemon): void {
    const event = daemon.ring.log[daemon.taken++]!;
    if ('members' in event) daemon.members = event.members;
    if (this.#executives.get(daemon.node)?.connected === true) daemon.events.push(event);
  }

  #drain(daemon: Daemon): void {
    while (daemon.taken < daemon.ring.log.length) this.#take(daemon);
  }

  /** New rings where the sides ask for them. */
  #reform(): void {
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
      for (const daemon of together) while (daemon.taken < end) this.#take(daemon);
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
          if (this.#executives.get(daemon.node)?.connected === true) daemon.events.push(event);
        };
        if (left.length > 0) push({ members: stay, left });
        if (all.length > stay.length) push({ members: all, left: [] });
        push({ ring: next.seq });
        push(this.#quorum(next));
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

  /** One of the things that can happen now, at one node. */
  step(): void {
    if (this.#changed && this.random.below(4) === 0) this.#reform();
    const node = 1 + this.random.below(this.#count);
    const life = this.#executives.get(node);
    const daemon = this.#daemons.get(node);
    const what = this.random.below(8);
    if (daemon !== undefined) {
      if (what < 2 && daemon.outgoing.length > 0) {
        this.#log(daemon.ring, daemon.outgoing.shift()!);
      } else if (what < 5 && daemon.taken < daemon.ring.log.length) this.#take(daemon);
    }
    if (life === undefined || this.#stopped.has(node)) return;
    if (!life.connected && this.random.below(2) === 0) this.#connect(life);
    if (what < 4) this.#fetch(life, daemon);
    else if (what === 7 && this.random.below(8) === 0) life.core.tick();
    else life.core.pump();
    flush();
  }

  #fetch({ core, connected }: Life, daemon: Daemon | undefined): void {
    const event = connected ? daemon?.events.shift() : undefined;
    if (event === undefined) return;
    if ('from' in event) {
      const lent = event.bytes.slice();
      core.received(event.from, lent);
      lent.fill(0xdb);
    } else if ('members' in event) core.changed(event.members, event.left);
    else if ('ring' in event) core.ring(event.ring);
    else {
      const { quorum: ringSeq, quorate, votes } = event;
      core.quorumChanged({ ringSeq, quorate, votes, needed: Math.floor(this.#count / 2) + 1 });
    }
  }

  say(node: number): void {
    const life = this.#executives.get(node);
    if (life === undefined) return;
    const guarantee = this.random.below(3) === 0 ? 'safe' : 'agreed';
    const message = `${node}-${++this.#said}-${guarantee}`;
    const size = this.random.below(40) === 0 ? this.random.below(200_000) : 16;
    const bytes = new TextEncoder().encode(message.padEnd(Math.max(size, HEAD_BYTES), ' '));
    if (life.group!.multicast([bytes.subarray(0, 5), bytes.subarray(5)], guarantee)) {
      life.sent.push(message);
    }
  }

  /** Runs until all living executives have one view and nothing under way. @throws when that does not happen. */
  settle(): void {
    this.resume();
    this.heal();
    for (let node = 1; node <= this.#count; node++) {
      this.startCorosync(node);
      this.startExecutive(node);
    }
    for (let steps = 0; steps < 400_000; steps++) {
      this.step();
      if (steps % 200 === 0 && this.isQuiet()) return;
    }
    const views = [...this.#executives.values()].map(({ core }) =>
      JSON.stringify(core.view?.ringId),
    );
    throw new Error(`not settled: ${views.join(' ')}`);
  }

  isQuiet(): boolean {
    const all = [...this.#executives.values()];
    const rings = new Set(
      all.map(({ core }) => `${core.view?.ringId.rep}.${core.view?.ringId.seq}`),
    );
    return (
      rings.size === 1 &&
      all.every(({ core }) => {
        const { queueMessages, held } = core.stats();
        return (
          core.view?.members.length === this.#count &&
          core.state === 'operational' &&
          queueMessages === 0 &&
          held === 0 &&
          core.quorum.quorate
        );
      })
    );
  }
}

/** What must not happen inside a call of a core. */
const queue: (() => void)[] = [];
let running = false;
function flush(): void {
  if (running) return;
  running = true;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  running = false;
}

function headOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES)).trim();
}

/** A synchronisation in which every member says one thing. */
function synchronise(core: CpgCore): void {
  let heard = new Set<number>();
  let current: RingId | undefined;
  let members: readonly number[] = [];
  const group = core.join(
    'sync',
    {
      deliver: ({ source, bytes }) => {
        if (current === undefined || headOf(bytes) !== `${current.rep}.${current.seq}`) return;
        heard.add(source);
        if (members.every((member) => heard.has(member))) core.syncComplete(current);
      },
      configuration: ({ type, ringId, members: all }) => {
        if (type === 'transitional') return;
        current = ringId;
        members = all;
        heard = new Set();
        group.multicast([new TextEncoder().encode(`${ringId.rep}.${ringId.seq}`)], 'agreed');
      },
    },
    { traffic: 'sync' },
  );
}
