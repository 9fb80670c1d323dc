/**
 * Test a service: a whole cluster in one process, deterministic from one seed, and a compliance suite.
 *
 * @packageDocumentation
 */
export { type CheckQuorumOptions, checkQuorumFilter } from './check-quorum.ts';
export { checkService } from './check-service.ts';
export { type CounterState, counterService } from './counter.ts';
export { createMemoryBus, type MemoryBus, type MemoryBusOptions } from './memory-bus.ts';
export { createRandom, type Random } from './random.ts';
export type { ServiceWorkload } from './suite.ts';
export {
  createTestCluster,
  type PendingReply,
  type TestCallback,
  type TestClient,
  type TestCluster,
  type TestClusterOptions,
} from './test-cluster.ts';
export type { WorkloadStep } from './workload.ts';
