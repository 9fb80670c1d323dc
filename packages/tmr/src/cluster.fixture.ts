/** Clients in process on a test cluster that runs by itself as soon as somebody asked it something. */
import { type Connector, localConnector } from '@aisexec/ipc';
import type { ServiceHost } from '@aisexec/service';
import { createTestCluster, type TestCluster } from '@aisexec/service/testing';
import { tmrService } from './service/index.ts';

export interface World {
  readonly cluster: TestCluster;
  /** A connector to the executive of one node. */
  connector(node: number): Connector;
  /** Stops running the cluster by itself, so that requests stay unanswered. */
  freeze(on: boolean): void;
}

export function createWorld(nodes = 2): World {
  const cluster = createTestCluster({ nodes, services: [tmrService] });
  let frozen = false;
  let scheduled = false;
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!frozen) cluster.run();
    });
  };
  return {
    cluster,
    connector: (node) => {
      const host: ServiceHost = cluster.host(node);
      return localConnector({
        connect: (service, uid, sink) => host.connect(service, uid, sink),
        request: (client, request, fn, argument) => {
          host.request(client, request, fn, argument);
          schedule();
        },
        disconnect: (client) => {
          host.disconnect(client);
          schedule();
        },
      });
    },
    freeze: (on) => {
      frozen = on;
      if (!on) schedule();
    },
  };
}
