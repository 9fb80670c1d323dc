/** The real protocol on the nodes of a run: bare, or with everything above it; with a mutant if one is named. */
import { createRing } from '@aisexec/totem';
import { mutantByName } from '../mutants/index.ts';
import type { FactoryOf } from '../run.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { fullNodeFactory } from './full-node.ts';
import { type RingProcessOptions, ringProcessFactory } from './ring-process.ts';

export const realFactoryOf: FactoryOf = (scenario, options) => {
  const ring: RingProcessOptions = {
    createRing,
    settings: scenario.settings,
    load: scenario.load,
    ...(options.mutant === undefined ? {} : { mutate: mutantByName(options.mutant).mutate }),
  };
  if (options.stack === 'ring') return ringProcessFactory(ring);
  return fullNodeFactory({ ...ring, workloads: WORKLOADS, quorum: { provider: 'none' } });
};
