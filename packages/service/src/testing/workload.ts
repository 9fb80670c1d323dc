/** A workload for the compliance suite: requests of some clients, time passing and clients going. */
import type { TestClient, TestCluster } from './test-cluster.ts';

export type WorkloadStep =
  | {
      /** Which client asks; clients are numbered from 0 and live on the nodes in turn. */
      readonly client: number;
      readonly fn: string;
      readonly argument?: unknown;
    }
  | { readonly client: number; readonly close: true }
  | { readonly advanceMs: number };

/** Runs steps on a cluster. Clients are opened when they first act. */
export class WorkloadRunner {
  readonly #cluster: TestCluster;
  readonly #service: string;
  readonly #nodes: readonly number[];
  readonly #clients = new Map<number, TestClient>();

  constructor(cluster: TestCluster, service: string) {
    this.#cluster = cluster;
    this.#service = service;
    this.#nodes = cluster.nodes;
  }

  run(steps: readonly WorkloadStep[]): void {
    for (const step of steps) {
      if ('advanceMs' in step) {
        this.#cluster.advance(step.advanceMs);
      } else if ('close' in step) {
        this.#client(step.client).close();
        this.#clients.delete(step.client);
        this.#cluster.run();
      } else {
        this.#client(step.client).request(step.fn, step.argument);
      }
    }
  }

  /** All clients go. */
  closeAll(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    this.#cluster.run();
  }

  #client(number: number): TestClient {
    let client = this.#clients.get(number);
    if (client === undefined) {
      const node = this.#nodes[number % this.#nodes.length]!;
      client = this.#cluster.client(node, this.#service);
      this.#clients.set(number, client);
    }
    return client;
  }
}
