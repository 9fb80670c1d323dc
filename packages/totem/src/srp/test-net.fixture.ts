/**
 * A small deterministic network of rings in memory: virtual time, one seed, loss, duplication, reordering,
 * partitions, pauses, crashes and restarts. For the ring's own tests; the simulator is the real judge.
 */
import type { Configuration, Guarantee, RingId } from '../contract.ts';
import { ringIdText } from '../contract.ts';
import type { RingConfig, RingMachine, RingTimer, RingTraceEvent } from '../ring.ts';
import { ringDefaults } from './defaults.ts';
import { createRing } from './machine.ts';

export type LogEntry =
  | {
      readonly kind: 'deliver';
      readonly id: string;
      readonly source: number;
      readonly ring: string;
      readonly guarantee: Guarantee;
    }
  | {
      readonly kind: 'regular' | 'transitional';
      readonly ring: string;
      readonly ringId: RingId;
      readonly members: readonly number[];
      readonly joined: readonly number[];
      readonly left: readonly number[];
    };

/** One life of a node, from start to crash. */
export interface Life {
  readonly nodeId: number;
  readonly number: number;
  readonly ring: RingMachine;
  readonly log: LogEntry[];
  readonly submitted: string[];
  readonly traces: RingTraceEvent[];
  readonly timers: Map<RingTimer, number>;
  alive: boolean;
}

export interface NetOptions {
  readonly seed?: number;
  readonly loss?: number;
  readonly duplication?: number;
  readonly delayMs?: readonly [min: number, max: number];
  readonly config?: Partial<RingConfig>;
  /** False: the test calls syncComplete itself. */
  readonly autoSync?: boolean;
  /** Sees (and may veto by returning false) every packet on its way. */
  readonly filter?: (from: number, to: number, packet: Uint8Array) => boolean;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Short time-outs in Corosync's proportions, so that a test's virtual second holds many rings. */
const FAST: Partial<RingConfig> = { tokenMs: 100, mergeMs: 20, joinMs: 10 };

export class TestNet {
  now = 0;
  loss: number;
  duplication: number;
  delayMs: readonly [number, number];
  readonly lives: Life[] = [];
  readonly random: () => number;
  filter: NonNullable<NetOptions['filter']>;
  packets = 0;
  readonly #options: NetOptions;
  readonly #stored = new Map<number, number>();
  readonly #current = new Map<number, Life>();
  readonly #groups = new Map<number, number>();
  readonly #paused = new Map<number, (() => void)[]>();
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(options: NetOptions = {}) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.duplication = options.duplication ?? 0;
    this.delayMs = options.delayMs ?? [0.1, 0.3];
    this.filter = options.filter ?? (() => true);
    this.random = generator(options.seed ?? 1);
  }

  start(...nodeIds: number[]): void {
    for (const nodeId of nodeIds) this.#start(nodeId);
  }

  life(nodeId: number): Life {
    const life = this.#current.get(nodeId);
    if (life === undefined) throw new Error(`node ${nodeId} was never started`);
    return life;
  }

  ring(nodeId: number): RingMachine {
    return this.life(nodeId).ring;
  }

  living(): Life[] {
    return [...this.#current.values()].filter((life) => life.alive);
  }

  crash(nodeId: number): void {
    const life = this.life(nodeId);
    life.alive = false;
    life.timers.clear();
    this.#paused.delete(nodeId);
  }

  leave(nodeId: number): void {
    this.life(nodeId).ring.leave(this.now);
    this.crash(nodeId);
  }

  pause(nodeId: number): void {
    if (!this.#paused.has(nodeId)) this.#paused.set(nodeId, []);
  }

  resume(nodeId: number): void {
    const waiting = this.#paused.get(nodeId) ?? [];
    this.#paused.delete(nodeId);
    for (const run of waiting) run();
  }

  /** Nodes hear each other inside a group only; without arguments all are together. */
  partition(...groups: (readonly number[])[]): void {
    this.#groups.clear();
    groups.forEach((group, index) => {
      for (const nodeId of group) this.#groups.set(nodeId, index + 1);
    });
  }

  submit(nodeId: number, guarantee: Guarantee = 'agreed', bytes = 12): boolean {
    const life = this.life(nodeId);
    const count = life.submitted.length;
    const payload = new Uint8Array(Math.max(12, bytes));
    new DataView(payload.buffer).setUint32(0, nodeId);
    new DataView(payload.buffer).setUint32(4, life.number);
    new DataView(payload.buffer).setUint32(8, count);
    if (!life.ring.submit(payload, guarantee, 'normal')) return false;
    life.submitted.push(`${nodeId}.${life.number}.${count}`);
    return true;
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  /** Runs until the condition holds. @returns how long it took. */
  runUntil(condition: () => boolean, maxMs = 60_000): number {
    const start = this.now;
    while (!condition()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > start + maxMs) {
        throw new Error(`condition not met within ${maxMs} ms\n${this.describe()}`);
      }
      this.#pop();
      this.now = next.at;
      next.run();
    }
    return this.now - start;
  }

  /** All of these nodes are in one operational ring of exactly them. */
  isOneRing(...nodeIds: number[]): boolean {
    const members = [...nodeIds].sort((a, b) => a - b).join();
    const rings = nodeIds.map((nodeId) => this.ring(nodeId));
    return rings.every(
      (ring) =>
        ring.state === 'operational' &&
        ring.members.join() === members &&
        ringIdText(ring.ringId) === ringIdText(rings[0]!.ringId),
    );
  }

  delivered(nodeId: number): string[] {
    return this.life(nodeId).log.flatMap((entry) => (entry.kind === 'deliver' ? [entry.id] : []));
  }

  configurations(nodeId: number): string[] {
    return this.life(nodeId).log.flatMap((entry) =>
      entry.kind === 'deliver' ? [] : [`${entry.kind} ${entry.members.join()}`],
    );
  }

  describe(): string {
    return this.living()
      .map(({ nodeId, ring }) => {
        const id = ringIdText(ring.ringId);
        return `${nodeId}: ${ring.state} ring ${id} members ${ring.members.join()}`;
      })
      .join('\n');
  }

  at(delayMs: number, run: () => void): void {
    this.#push({ at: this.now + delayMs, order: this.#order++, run });
  }

  /** A packet from nowhere. */
  inject(nodeId: number, packet: Uint8Array): void {
    this.ring(nodeId).receive(packet, this.now);
  }

  #start(nodeId: number): void {
    const number = (this.#current.get(nodeId)?.number ?? 0) + 1;
    const config = ringDefaults({
      nodeId,
      ringSeq: this.#stored.get(nodeId) ?? 0,
      random: this.random,
      ...FAST,
      ...this.#options.config,
    });
    const log: LogEntry[] = [];
    const traces: RingTraceEvent[] = [];
    const timers = new Map<RingTimer, number>();
    const ring = createRing(
      config,
      {
        unicast: (target, packet) => this.#send(nodeId, target, packet),
        multicast: (packet) => {
          for (const { nodeId: target } of this.living()) {
            if (target !== nodeId) this.#send(nodeId, target, packet);
          }
        },
        setTimer: (timer, delayMs) => this.#setTimer(life, timer, delayMs),
        cancelTimer: (timer) => timers.delete(timer),
        storeRingId: (ringId) => this.#stored.set(nodeId, ringId.seq),
        trace: (event) => traces.push(event),
      },
      {
        deliver: (source, payload, ringId, guarantee) => {
          const view = new DataView(payload.buffer, payload.byteOffset);
          const id = `${view.getUint32(0)}.${view.getUint32(4)}.${view.getUint32(8)}`;
          log.push({ kind: 'deliver', id, source, ring: ringIdText(ringId), guarantee });
        },
        configuration: (configuration) => {
          log.push(entryOf(configuration));
          if (configuration.type === 'regular' && (this.#options.autoSync ?? true)) {
            life.ring.syncComplete(configuration.ringId);
          }
        },
        tokenArrived: () => {},
      },
    );
    const life: Life = {
      nodeId,
      number,
      ring,
      log,
      submitted: [],
      traces,
      timers,
      alive: true,
    };
    this.lives.push(life);
    this.#current.set(nodeId, life);
    ring.start(this.now);
  }

  #setTimer(life: Life, timer: RingTimer, delayMs: number): void {
    const due = this.#order;
    life.timers.set(timer, due);
    this.at(delayMs, () => {
      const fire = (): void => {
        if (!life.alive || life.timers.get(timer) !== due) return;
        life.timers.delete(timer);
        life.ring.timeout(timer, this.now);
      };
      this.#orPaused(life.nodeId, fire);
    });
  }

  #send(from: number, to: number, packet: Uint8Array): void {
    this.packets++;
    const copies = from !== to && this.random() < this.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (from !== to && this.random() < this.loss) continue;
      if (!this.filter(from, to, packet)) continue;
      const bytes = packet.slice();
      const [min, max] = this.delayMs;
      const delay = from === to ? 0.05 : min + (max - min) * this.random();
      const target = this.#current.get(to);
      this.at(delay, () => {
        if (this.#groups.get(from) !== this.#groups.get(to)) return;
        this.#orPaused(to, () => {
          if (target?.alive) target.ring.receive(bytes, this.now);
          // They are the driver's again: whoever still looks at them finds rubbish.
          bytes.fill(0xee);
        });
      });
    }
  }

  #orPaused(nodeId: number, run: () => void): void {
    const waiting = this.#paused.get(nodeId);
    if (waiting === undefined) run();
    else if (waiting.length < 2_000) waiting.push(run);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function entryOf(configuration: Configuration): LogEntry {
  const { type, ringId, members, joined, left } = configuration;
  return { kind: type, ring: ringIdText(ringId), ringId, members, joined, left };
}

/** mulberry32 */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
