/** What the compliance suite works with: a service, a workload, and the faults that were found. */
import { decode, encode } from '../codec.ts';
import type { ExecContext, ServiceDefinition, Source, View } from '../contract.ts';
import { createTestCluster, type TestCluster } from './test-cluster.ts';
import { WorkloadRunner, type WorkloadStep } from './workload.ts';

export interface ServiceWorkload {
  readonly steps: readonly WorkloadStep[];
  readonly seed?: number;
  /** Mutated messages per recorded one; 20 when absent. */
  readonly mutations?: number;
  /**
   * true: the service keeps what clients store until somebody removes it, and the workload removes nothing.
   * Otherwise repeating the workload must not grow the state.
   */
  readonly accumulates?: boolean;
}

/** Messages that the workload produced, as the exec handlers saw them. */
export interface Recorded {
  readonly exec: string;
  readonly message: unknown;
  readonly source: Source;
}

/** What the checks share: the workload on clusters, and what it left behind. */
export class Suite<State> {
  readonly definition: ServiceDefinition<State>;
  readonly steps: readonly WorkloadStep[];
  readonly seed: number;
  readonly mutations: number;
  readonly accumulates: boolean;
  readonly faults: string[] = [];
  readonly recorded: Recorded[] = [];
  /** The state that changed last, on whatever node. */
  live: State | undefined;
  /** Chunks of the state after the whole workload on one node. */
  saved: readonly unknown[] = [];
  #cluster: TestCluster | undefined;

  /** The newest that the code speaks. */
  get version(): number {
    return this.definition.version ?? 1;
  }

  constructor(definition: ServiceDefinition<State>, workload: ServiceWorkload) {
    this.definition = definition;
    this.steps = workload.steps;
    this.seed = workload.seed ?? 1;
    this.mutations = workload.mutations ?? 20;
    this.accumulates = workload.accumulates ?? false;
  }

  /** Its state is one node's own (ADR 0182). */
  get isLocal(): boolean {
    return this.definition.scope === 'node';
  }

  /** Where the service failed on the last cluster, and with what. */
  failure(): string | undefined {
    const failed = this.#cluster?.trace.find(({ event }) => event === 'service-failed');
    return failed && `${failed.detail?.['where']}: ${failed.detail?.['message']}`;
  }

  fault(text: string): void {
    if (!this.faults.includes(text)) this.faults.push(text);
  }

  context(order: bigint, time?: bigint): ExecContext {
    return fakeContext(order, time, [], this.version);
  }

  /** @param definition the service itself, or a variant of it that watches it. */
  cluster(
    nodes: readonly number[],
    seed = this.seed,
    definition: ServiceDefinition<State> = this.#recording(),
  ): TestCluster {
    this.#cluster = createTestCluster({ nodes, services: [definition], seed });
    return this.#cluster;
  }

  run(cluster: TestCluster, steps: readonly WorkloadStep[] = this.steps): void {
    new WorkloadRunner(cluster, this.definition.name).run(steps);
  }

  /** All replicas equal and none failed. */
  expectAgreement(cluster: TestCluster, when: string): void {
    for (const { event, detail } of cluster.trace) {
      if (event !== 'service-failed') continue;
      this.fault(`${when}: failed in ${detail?.['where']}: ${detail?.['message']}`);
    }
    const hashes = cluster.hashes(this.definition.name);
    if (hashes.length !== 1) this.fault(`${when}: replicas differ (${hashes.join(', ')})`);
    if (cluster.trace.some(({ event }) => event === 'state-diverged')) {
      this.fault(`${when}: replicas of one history had different states`);
    }
  }

  /** The state after the whole workload, freshly loaded: nothing of it is shared. */
  state(): State {
    const state = this.definition.init();
    for (const chunk of this.saved) this.definition.sync.load(state, clone(chunk));
    return state;
  }

  /** The definition, with what its exec handlers see written down. */
  #recording(): ServiceDefinition<State> {
    const exec: Record<string, ServiceDefinition<State>['exec'][string]> = {};
    for (const [name, handler] of Object.entries(this.definition.exec)) {
      exec[name] = {
        message: handler.message,
        apply: (state, message, source, ctx) => {
          handler.apply(state, message, source, ctx);
          this.recorded.push({ exec: name, message, source });
          this.live = state;
        },
      };
    }
    return {
      ...this.definition,
      exec,
      confchg: (state, view, ctx) => {
        this.definition.confchg?.(state, view, ctx);
        this.live = state;
      },
    };
  }
}

/** What arrives elsewhere when the value is sent. */
export function clone(value: unknown): unknown {
  const decoded = decode(encode(value));
  return decoded.ok ? decoded.value : undefined;
}

/** A context that tells nobody. @param members executives of its view */
export function fakeContext(
  order: bigint,
  time = 1_700_000_000_000_000_000n,
  nodes: readonly number[] = [],
  version = 1,
): ExecContext {
  const view: View = {
    ringId: { rep: 1, seq: 4 },
    members: nodes.map((nodeId) => ({
      nodeId,
      name: `node-${nodeId}`,
      address: { family: 'inet', text: `127.0.0.${nodeId % 256}` },
      bootTime: time,
    })),
    joined: [],
    left: [],
    quorate: true,
  };
  return { view, order: (1n << 40n) + order, time, version, ...SILENT };
}

const SILENT = { steady: 0n, reply: () => {}, replyWhenCertain: () => {}, callback: () => {} };
