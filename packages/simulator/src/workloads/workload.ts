/**
 * What clients do to one service: a seeded client per node that connects to its node's host, issues requests
 * and checks what comes back. A service's builder adds a workload in a file of its own and lists it in
 * `workloads/index.ts`.
 */
import type { ServiceDefinition, ServiceHost } from '@aisexec/service';
import type { Random } from '../random.ts';

export interface ServiceWorkload {
  // biome-ignore lint/suspicious/noExplicitAny: services of one node differ in their states
  readonly service: ServiceDefinition<any>;
  /** A fresh client for one life of one node. */
  create(context: WorkloadContext): WorkloadClient;
}

export interface WorkloadContext {
  readonly node: number;
  readonly host: ServiceHost;
  readonly random: Random;
  /** Virtual time in ms. */
  readonly time: () => number;
  /** A wrong answer: the run fails with W1. */
  wrong(property: string, text: string): void;
}

export interface WorkloadClient {
  /** Its turn: issue what it likes. @returns milliseconds until its next turn. */
  act(): number;
  /** No new requests from now on. */
  stop(): void;
  /** Nothing is unanswered. */
  readonly idle: boolean;
  /** The run is over and the cluster quiet: last checks. */
  conclude?(): void;
}
