/** The workloads of a full node; its services are theirs. */
import { aisWorkloads } from './ais.ts';
import { counterWorkload } from './counter.ts';
import type { ServiceWorkload } from './workload.ts';

export type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

export const WORKLOADS: readonly ServiceWorkload[] = [counterWorkload, ...aisWorkloads];
