/**
 * GroupMessaging for several nodes in one process, without a network: rings are logs, and every step
 * (a message ordered, received, delivered, a configuration installed) is one decision of a seeded generator.
 * It obeys extended virtual synchrony, its awkward parts included: members of a broken ring have received
 * different amounts of it, those that go on together deliver the same remainder between a transitional and
 * the next regular configuration, and gaps lose only messages of nodes outside.
 *
 * What it does not model: time, loss that the ring would repair, and rings that form but are not installed.
 */
import type {
  Configuration,
  Group,
  GroupHandlers,
  GroupMessage,
  GroupMessaging,
  GroupOptions,
  Guarantee,
  MessagingStats,
  RingId,
} from '@aisexec/totem';
import { invariant } from '../invariant.ts';
import { createRandom, type Random } from './random.ts';

export interface MemoryBusOptions {
  readonly seed: number;
  /** Messages that one node may have queued for each kind of traffic before `multicast` refuses. */
  readonly queueMax?: number;
}

export interface MemoryBus {
  /** A node comes (back) to life, alone until the next step; its former self must be dead. */
  start(node: number): GroupMessaging;
  /** The node dies: nothing of it happens any more. */
  kill(node: number): void;
  /** Nodes in different sides cannot hear each other; nodes in no side are alone. */
  split(sides: readonly (readonly number[])[]): void;
  heal(): void;
  /** The node's process stands still: the others form a ring without it, it knows nothing of that. */
  pause(node: number): void;
  resume(node: number): void;
  /** One step of one node. @returns false when nothing is left to do. */
  step(): boolean;
  /** Queues a message in a node's name: what a broken or hostile peer could send. */
  inject(node: number, group: string, bytes: Uint8Array): void;
  /** Sees every message when it is ordered, for tests that count or look inside. */
  onOrdered(listener: (message: GroupMessage) => void): void;
  readonly nodes: readonly number[];
}

interface Message {
  readonly group: string;
  readonly source: number;
  readonly bytes: Uint8Array;
  readonly guarantee: Guarantee;
}

interface MemoryRing {
  readonly id: RingId;
  readonly members: readonly number[];
  readonly log: Message[];
}

type Input =
  | { readonly configuration: Configuration }
  | { readonly message: Message; readonly ringId: RingId };

interface Member {
  readonly handlers: GroupHandlers;
  readonly traffic: 'normal' | 'sync';
  refused: boolean;
}

const QUEUE_MAX = 256;

export function createMemoryBus(options: MemoryBusOptions): MemoryBus {
  const random = createRandom(options.seed);
  const queueMax = options.queueMax ?? QUEUE_MAX;
  const nodes = new Map<number, BusNode>();
  /** The durable ring sequence of every node that ever lived. */
  const ringSeqs = new Map<number, number>();
  const listeners: ((message: GroupMessage) => void)[] = [];
  const paused = new Set<number>();
  let sides: readonly (readonly number[])[] | undefined;
  let stale = false;

  function sideOf(node: number): number {
    if (sides === undefined) return -1;
    const side = sides.findIndex((members) => members.includes(node));
    return side === -1 ? -2 - node : side;
  }

  function awake(): BusNode[] {
    return [...nodes.values()].filter(({ nodeId }) => !paused.has(nodeId));
  }

  /** Every side whose membership is not its ring's yet forms a new one. */
  function reform(): void {
    stale = false;
    const components = new Map<number, BusNode[]>();
    for (const node of awake().sort((a, b) => a.nodeId - b.nodeId)) {
      const side = sideOf(node.nodeId);
      components.set(side, [...(components.get(side) ?? []), node]);
    }
    for (const component of components.values()) {
      const members = component.map(({ nodeId }) => nodeId);
      const [first] = component;
      const isFormed =
        first!.ring !== undefined &&
        first!.ring.members.length === members.length &&
        component.every((node) => node.ring === first!.ring);
      if (!isFormed) form(component, members);
    }
  }

  function form(component: readonly BusNode[], members: readonly number[]): void {
    const seq = Math.max(...members.map((node) => ringSeqs.get(node) ?? 0)) + 4;
    const ring: MemoryRing = { id: { rep: members[0]!, seq }, members, log: [] };
    for (const node of members) ringSeqs.set(node, seq);
    const oldRings = new Set(component.map((node) => node.ring));
    for (const old of oldRings) {
      const together = component.filter((node) => node.ring === old);
      if (old === undefined) for (const node of together) node.install(ring, [node.nodeId]);
      else recover(old, together, ring);
    }
  }

  function recover(old: MemoryRing, together: readonly BusNode[], next: MemoryRing): void {
    const coming = together.map(({ nodeId }) => nodeId);
    const delivered = Math.max(...together.map((node) => node.delivered));
    const received = Math.max(...together.map((node) => node.received));
    const transitional: Configuration = {
      type: 'transitional',
      ringId: old.id,
      members: coming,
      left: old.members.filter((node) => !coming.includes(node)),
      joined: [],
    };
    for (const node of together) {
      for (let i = node.delivered; i < delivered; i++) node.inputOf(old, i);
      node.inputs.push({ configuration: transitional });
      for (let i = delivered; i < old.log.length; i++) {
        if (i < received || coming.includes(old.log[i]!.source)) node.inputOf(old, i);
      }
      node.install(next, coming);
    }
  }

  const bus: MemoryBus = {
    start(node) {
      invariant(!nodes.has(node), 'node is alive already', { node });
      const created = new BusNode(node, queueMax, random, (message) => {
        for (const listener of listeners) listener(message);
      });
      nodes.set(node, created);
      stale = true;
      return created;
    },
    kill(node) {
      nodes.get(node)?.die();
      nodes.delete(node);
      paused.delete(node);
      stale = true;
    },
    split(newSides) {
      sides = newSides;
      stale = true;
    },
    heal() {
      sides = undefined;
      stale = true;
    },
    pause(node) {
      paused.add(node);
      stale = true;
    },
    resume(node) {
      paused.delete(node);
      stale = true;
    },
    step() {
      if (stale) reform();
      const alive = awake();
      const first = random.below(Math.max(alive.length, 1));
      for (let i = 0; i < alive.length; i++) {
        const node = alive[(first + i) % alive.length]!;
        if (node.step(nodes)) return true;
      }
      return false;
    },
    inject(node, group, bytes) {
      nodes.get(node)?.inject(group, bytes);
    },
    onOrdered(listener) {
      listeners.push(listener);
    },
    get nodes() {
      return [...nodes.keys()].sort((a, b) => a - b);
    },
  };
  return bus;
}

class BusNode implements GroupMessaging {
  readonly nodeId: number;
  /** The ring whose log this node follows, once its inputs are consumed. */
  ring: MemoryRing | undefined;
  delivered = 0;
  received = 0;
  /** What comes before the ring's log: the remainder of old rings and configurations. */
  readonly inputs: Input[] = [];
  readonly #queueMax: number;
  readonly #random: Random;
  readonly #ordered: (message: GroupMessage) => void;
  readonly #groups = new Map<string, Member>();
  readonly #queues = { normal: [] as Message[], sync: [] as Message[] };
  #configuration: Configuration | undefined;
  #syncDone = false;
  #alive = true;

  constructor(
    nodeId: number,
    queueMax: number,
    random: Random,
    ordered: (message: GroupMessage) => void,
  ) {
    this.nodeId = nodeId;
    this.#queueMax = queueMax;
    this.#random = random;
    this.#ordered = ordered;
  }

  join(group: string, handlers: GroupHandlers, options: GroupOptions = {}): Group {
    invariant(!this.#groups.has(group), 'group joined twice', { group });
    const traffic = options.traffic ?? 'normal';
    const member: Member = { handlers, traffic, refused: false };
    this.#groups.set(group, member);
    if (this.#configuration !== undefined) handlers.configuration(this.#configuration);
    return {
      multicast: (parts, guarantee) => this.#multicast(group, member, parts, guarantee),
      leave: () => this.#groups.delete(group),
    };
  }

  syncComplete(ringId: RingId): void {
    const current = this.#configuration?.ringId;
    if (current?.seq === ringId.seq && current.rep === ringId.rep) this.#syncDone = true;
  }

  stats(): MessagingStats {
    return { normal: this.#queues.normal.length, sync: this.#queues.sync.length };
  }

  inject(group: string, bytes: Uint8Array): void {
    const traffic = this.#groups.get(group)?.traffic ?? 'normal';
    this.#queues[traffic].push({ group, source: this.nodeId, bytes, guarantee: 'agreed' });
  }

  die(): void {
    this.#alive = false;
    this.#groups.clear();
  }

  inputOf(ring: MemoryRing, index: number): void {
    this.inputs.push({ message: ring.log[index]!, ringId: ring.id });
  }

  install(ring: MemoryRing, coming: readonly number[]): void {
    this.ring = ring;
    this.delivered = 0;
    this.received = 0;
    const joined = ring.members.filter((node) => !coming.includes(node));
    const { id: ringId, members } = ring;
    this.inputs.push({ configuration: { type: 'regular', ringId, members, left: [], joined } });
  }

  /** Does one thing, if there is one to do. */
  step(nodes: ReadonlyMap<number, BusNode>): boolean {
    const input = this.inputs.shift();
    if (input !== undefined) {
      this.#input(input);
      return true;
    }
    const actions = [() => this.#order(), () => this.#deliver(nodes), () => this.#receive()];
    const first = this.#random.below(actions.length);
    return actions.some((_, i) => actions[(first + i) % actions.length]!()) || this.#drain();
  }

  #input(input: Input): void {
    if ('message' in input) {
      this.#hand(input.message, input.ringId);
      return;
    }
    const { configuration } = input;
    if (configuration.type === 'regular') {
      this.#configuration = configuration;
      this.#syncDone = false;
    }
    for (const { handlers } of this.#groups.values()) handlers.configuration(configuration);
  }

  #order(): boolean {
    const queue = this.#queues.sync.length > 0 ? this.#queues.sync : this.#queues.normal;
    if (this.ring === undefined || (queue === this.#queues.normal && !this.#syncDone)) return false;
    const message = queue.shift();
    if (message === undefined) return false;
    this.ring.log.push(message);
    const { group, source, bytes } = message;
    this.#ordered({ group, source, bytes, ringId: this.ring.id });
    return true;
  }

  #receive(): boolean {
    if (this.ring === undefined || this.received >= this.ring.log.length) return false;
    this.received++;
    return true;
  }

  #deliver(nodes: ReadonlyMap<number, BusNode>): boolean {
    const { ring, delivered } = this;
    if (ring === undefined || delivered >= this.received) return false;
    const message = ring.log[delivered]!;
    const hasIt = (member: number) => {
      const node = nodes.get(member);
      return node?.ring === ring && node.received > delivered;
    };
    if (message.guarantee === 'safe' && !ring.members.every(hasIt)) return false;
    this.delivered++;
    this.#hand(message, ring.id);
    return true;
  }

  /** The bytes are scribbled over after the call, as an engine would reuse them. */
  #hand({ group, source, bytes }: Message, ringId: RingId): void {
    const member = this.#groups.get(group);
    if (member === undefined) return;
    const lent = bytes.slice();
    member.handlers.deliver({ group, source, ringId, bytes: lent });
    lent.fill(0xc1);
  }

  #multicast(
    group: string,
    member: Member,
    parts: readonly Uint8Array[],
    guarantee: Guarantee,
  ): boolean {
    if (!this.#alive) return true;
    const queue = this.#queues[member.traffic];
    if (queue.length >= this.#queueMax) {
      member.refused = true;
      return false;
    }
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    queue.push({ group, source: this.nodeId, bytes, guarantee });
    return true;
  }

  #drain(): boolean {
    for (const member of this.#groups.values()) {
      if (!member.refused || this.#queues[member.traffic].length > this.#queueMax / 2) continue;
      member.refused = false;
      member.handlers.drained?.();
      return true;
    }
    return false;
  }
}
