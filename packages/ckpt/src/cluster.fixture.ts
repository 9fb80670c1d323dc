/** Clients in process on a cluster with the checkpoint service. */
import type { QuorumOptions } from '@aisexec/service';
import { type ClientWorld, createClientWorld } from '../../../test/fixtures/client-world.ts';
import { clmOfThisProcess } from '../../clm/src/removal.fixture.ts';
import { type CkptState, checkState, ckptService } from './service/index.ts';

export type ClientCluster = ClientWorld;

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
  return createClientWorld({ nodes, services: [clmOfThisProcess, service], seed, quorum });
}
