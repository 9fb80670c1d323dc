/** Clients in process on a cluster with the lock service. */
import { type ClientWorld, createClientWorld } from '../../../test/fixtures/client-world.ts';
import { clmOfThisProcess } from '../../clm/src/removal.fixture.ts';
import { lckService } from './service/index.ts';

export type ClientCluster = ClientWorld;

export function createClientCluster(nodes = 1, service = lckService): ClientCluster {
  const quorum = { provider: 'votequorum', expectedVotes: nodes } as const;
  return createClientWorld({ nodes, services: [clmOfThisProcess, service], seed: 5, quorum });
}
