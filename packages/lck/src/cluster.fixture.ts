/** A cluster of hosts with the lock service, and connectors to its nodes, for the tests of the client. */
import { type Connector, localConnector } from '@aisexec/ipc';
import type { ClientRef } from '@aisexec/service';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { clmOfThisProcess } from '../../clm/src/removal.fixture.ts';
import { lckService } from './service/index.ts';

export interface ClientCluster {
  readonly cluster: TestCluster;
  connector(node: number): Connector;
  /** Ends the connections to a node from its side, as when its executive stops. */
  drop(node: number): void;
  /** A connector whose connections end without a word when `die` is called, as when a process is killed. */
  mortal(node: number): { readonly connector: Connector; die(): void };
}

export function createClientCluster(nodes = 1, service = lckService): ClientCluster {
  const quorum = { provider: 'votequorum', expectedVotes: nodes } as const;
  const cluster = createTestCluster({
    nodes,
    services: [clmOfThisProcess, service],
    seed: 5,
    quorum,
  });
  const sinks = new Map<number, Set<{ closed(reason: string): void }>>();
  let scheduled = false;
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      cluster.run();
    });
  };
  const connector = (node: number, refs: ClientRef[] = []): Connector =>
    localConnector(() => {
      const host = cluster.host(node);
      return {
        connect(service, uid, sink) {
          const ref = host.connect(service, uid, sink);
          if (ref !== undefined) {
            sinks.set(node, (sinks.get(node) ?? new Set()).add(sink));
            refs.push(ref);
          }
          return ref;
        },
        request(client, request, fn, argument) {
          host.request(client, request, fn, argument);
          schedule();
        },
        disconnect(client) {
          host.disconnect(client);
          schedule();
        },
      };
    });
  return {
    cluster,
    connector: (node) => connector(node),
    mortal(node) {
      const refs: ClientRef[] = [];
      return {
        connector: connector(node, refs),
        die() {
          for (const ref of refs.splice(0)) cluster.host(node).disconnect(ref);
          schedule();
        },
      };
    },
    drop(node) {
      for (const sink of sinks.get(node) ?? []) sink.closed('the executive stopped');
      sinks.delete(node);
    },
  };
}
