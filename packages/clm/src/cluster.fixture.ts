/** A cluster of hosts with the membership service, and connectors to its nodes, for the client's tests. */
import { type Connector, localConnector } from '@aisexec/ipc';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { clmService } from './service/index.ts';

export interface ClientCluster {
  readonly cluster: TestCluster;
  /** A client of the node; of root unless another uid is given. */
  connector(node: number, uid?: number): Connector;
  /** Ends the connections to a node from its side, as when its executive stops. */
  drop(node: number): void;
}

export function createClientCluster(nodes: number, settle = true): ClientCluster {
  const cluster = createTestCluster({ nodes, services: [clmService], seed: 5, settle });
  const sinks = new Map<number, { closed(reason: string): void }[]>();
  let scheduled = false;
  const schedule = () => {
    if (scheduled || !settle) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      cluster.run();
    });
  };
  return {
    cluster,
    connector: (node, uid = 0) =>
      localConnector(
        () => {
          const host = cluster.host(node);
          return {
            connect(service, uid, sink) {
              const ref = host.connect(service, uid, sink);
              if (ref !== undefined) sinks.set(node, [...(sinks.get(node) ?? []), sink]);
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
        },
        { uid },
      ),
    drop(node) {
      for (const sink of sinks.get(node) ?? []) sink.closed('the executive stopped');
      sinks.delete(node);
    },
  };
}
