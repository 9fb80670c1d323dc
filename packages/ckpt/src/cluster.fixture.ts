/** Clients over a whole cluster in this process: every request and disconnect is followed by a run. */
import { type Backend, type Connector, localConnector } from '@aisexec/ipc';
import type { ClientRef, QuorumOptions } from '@aisexec/service';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { clmOfThisProcess } from '../../clm/src/removal.fixture.ts';
import { type CkptState, checkState, ckptService } from './service/index.ts';

export interface ClientCluster {
  readonly cluster: TestCluster;
  /** A connector to the executive of a node. */
  node(id: number): Connector;
  /** Stops, or goes on, carrying messages: requests pile up meanwhile. */
  pause(on: boolean): void;
}

/** The service with its invariants checked after every change on every node. */
const checkedService = {
  ...ckptService,
  exec: Object.fromEntries(
    Object.entries(ckptService.exec).map(([name, handler]) => [
      name,
      {
        ...handler,
        apply: (...args: Parameters<typeof handler.apply>) => {
          handler.apply(...args);
          const problem = checkState(args[0] as CkptState);
          if (problem !== null) throw new Error(`after ${name}: ${problem}`);
        },
      },
    ]),
  ),
};

export function createClientCluster(
  nodes = 3,
  seed = 1,
  checked = true,
  quorum: QuorumOptions = { provider: 'votequorum', expectedVotes: nodes },
): ClientCluster {
  const service = checked ? checkedService : ckptService;
  const cluster = createTestCluster({ nodes, services: [clmOfThisProcess, service], seed, quorum });
  let paused = false;
  let scheduled = false;
  const pump = () => {
    if (scheduled || paused) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      if (!paused) cluster.run();
    });
  };
  return {
    cluster,
    node: (id) => {
      const backend: Backend<ClientRef> = {
        connect: (name, uid, sink) => cluster.host(id).connect(name, uid, sink),
        request(client, request, fn, argument) {
          cluster.host(id).request(client, request, fn, argument);
          pump();
        },
        disconnect(client) {
          cluster.host(id).disconnect(client);
          pump();
        },
      };
      return localConnector(backend);
    },
    pause(on) {
      paused = on;
      pump();
    },
  };
}
