/** Clients in process on a cluster with the membership service. */
import { type ClientWorld, createClientWorld } from '../../../test/fixtures/client-world.ts';
import { clmService } from './service/index.ts';

export function createClientCluster(nodes: number, settle = true): ClientWorld {
  return createClientWorld({ nodes, services: [clmService], seed: 5, settle });
}
