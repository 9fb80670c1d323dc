/** The workloads of a full node; its services are theirs. */
import { aisWorkloads } from './ais.ts';
import { counterWorkload } from './counter.ts';
import type { ServiceWorkload } from './workload.ts';

export type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

/** @param inBackground contents of checkpoints follow after a view change rather than before it. */
export const workloadsOf = (inBackground: boolean): readonly ServiceWorkload[] => [
  counterWorkload,
  ...aisWorkloads(inBackground),
];
