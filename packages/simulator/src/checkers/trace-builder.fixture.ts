/** Hand-made traces: a small language in which each checker test tells its story. */
import type { RingId } from '@aisexec/totem';
import { messageId, type TraceRecord } from '../trace/record.ts';
import { createEvsChecker } from './evs.ts';
import type { Violation } from './violation.ts';

const HASH = 4711;

export interface DeliverExtras {
  readonly hash?: number;
  readonly source?: number;
  readonly safe?: boolean;
}

export class TraceBuilder {
  readonly records: TraceRecord[] = [];
  readonly #incarnations = new Map<number, number>();
  readonly #counters = new Map<number, number>();
  readonly #seqs = new Map<string, number>();
  #time = 0;

  #head(node: number): { time: number; node: number; incarnation: number } {
    this.#time += 1;
    return { time: this.#time, node, incarnation: this.#incarnations.get(node) ?? 0 };
  }

  start(...nodes: readonly number[]): this {
    for (const node of nodes) {
      this.#incarnations.set(node, (this.#incarnations.get(node) ?? 0) + 1);
      this.#counters.set(node, 0);
      this.records.push({ kind: 'start', ...this.#head(node) });
    }
    return this;
  }

  fail(node: number): this {
    this.records.push({ kind: 'fail', reason: 'crash', ...this.#head(node) });
    return this;
  }

  /** A message that its sender submits; it is not ordered yet. */
  send(node: number, safe = false): number {
    const counter = (this.#counters.get(node) ?? 0) + 1;
    this.#counters.set(node, counter);
    const message = messageId(node, this.#incarnations.get(node) ?? 0, 0, counter);
    this.records.push({ kind: 'send', ...this.#head(node), message, hash: HASH, safe });
    return message;
  }

  order(node: number, ringId: RingId, message: number, seq?: number): this {
    const key = `${ringId.rep}.${ringId.seq}`;
    const number = seq ?? (this.#seqs.get(key) ?? 0) + 1;
    this.#seqs.set(key, number);
    this.records.push({ kind: 'order', ...this.#head(node), ringId, seq: number, message });
    return this;
  }

  receive(ringId: RingId, message: number, ...nodes: readonly number[]): this {
    for (const node of nodes) {
      this.records.push({ kind: 'receive', ...this.#head(node), ringId, seq: 0, message });
    }
    return this;
  }

  /** Send, order and hand to `nodes`, in one line. */
  multicast(node: number, ringId: RingId, nodes: readonly number[], safe = false): number {
    const message = this.send(node, safe);
    this.order(node, ringId, message);
    this.receive(ringId, message, ...nodes);
    return message;
  }

  deliver(
    ringId: RingId,
    message: number,
    nodes: readonly number[],
    extras: DeliverExtras = {},
  ): this {
    const sent = this.records.find((entry) => entry.kind === 'send' && entry.message === message);
    for (const node of nodes) {
      this.records.push({
        kind: 'deliver',
        ...this.#head(node),
        ringId,
        message,
        source: extras.source ?? sent?.node ?? 0,
        hash: extras.hash ?? HASH,
        safe: extras.safe ?? (sent?.kind === 'send' && sent.safe),
      });
    }
    return this;
  }

  regular(
    ringId: RingId,
    members: readonly number[],
    nodes: readonly number[],
    joined: readonly number[],
  ): this {
    for (const node of nodes) {
      const configuration = { type: 'regular', ringId, members, left: [], joined } as const;
      this.records.push({ kind: 'configuration', ...this.#head(node), configuration });
    }
    return this;
  }

  transitional(
    ringId: RingId,
    members: readonly number[],
    nodes: readonly number[],
    left: readonly number[],
  ): this {
    for (const node of nodes) {
      const configuration = { type: 'transitional', ringId, members, left, joined: [] } as const;
      this.records.push({ kind: 'configuration', ...this.#head(node), configuration });
    }
    return this;
  }

  heal(): this {
    this.records.push({ kind: 'heal', ...this.#head(0) });
    return this;
  }

  end(): this {
    this.records.push({ kind: 'end', ...this.#head(0) });
    return this;
  }

  violations(): readonly Violation[] {
    const checker = createEvsChecker();
    for (const entry of this.records) checker.record(entry);
    return checker.log.list;
  }

  /** Properties that were violated, each once. */
  properties(): string[] {
    return [...new Set(this.violations().map((violation) => violation.property))];
  }
}

export const RING_A: RingId = { rep: 1, seq: 4 };
export const RING_B: RingId = { rep: 1, seq: 8 };
export const RING_C: RingId = { rep: 1, seq: 12 };

/** Three processes in ring A. */
export function threeInRingA(): TraceBuilder {
  const trace = new TraceBuilder().start(1, 2, 3);
  for (const node of [1, 2, 3]) {
    trace.transitional({ rep: node, seq: 1 }, [node], [node], []);
    const joined = [1, 2, 3].filter((other) => other !== node);
    trace.regular(RING_A, [1, 2, 3], [node], joined);
  }
  return trace;
}
