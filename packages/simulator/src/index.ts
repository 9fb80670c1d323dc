/**
 * Deterministic simulation of an aisexec cluster: a world, a nemesis, workloads and checkers, all from one
 * seed.
 *
 * @packageDocumentation
 */
export { createEvsChecker, type EvsChecker } from './checkers/evs.ts';
export { createQuorumChecker, type QuorumChecker } from './checkers/quorum.ts';
export { createReplicaChecker, type ReplicaChecker } from './checkers/replicas.ts';
export { createTokenChecker, type TokenChecker } from './checkers/token.ts';
export {
  createViolationLog,
  type PropertyId,
  type Violation,
  type ViolationLog,
  violationText,
} from './checkers/violation.ts';
export { MUTANTS, type Mutant } from './mutants/index.ts';
export { createNemesis, type Nemesis } from './nemesis/nemesis.ts';
export { realFactoryOf } from './processes/real-factory.ts';
export { createRandom, type Random } from './random.ts';
export { type FactoryOf, type RunHooks, type RunResult, runSimulation } from './run.ts';
export { drawScenario, type RunOptions, type Scenario } from './scenario.ts';
export { parseScenario, ScenarioError, type Script } from './scenarios/parse.ts';
export { type Played, play } from './scenarios/play.ts';
export { formatRecord } from './trace/format.ts';
export type { TraceRecord } from './trace/record.ts';
export { createTrace, type Trace } from './trace/trace.ts';
export type { ProcessEnvironment, ProcessFactory, SimProcess } from './world/process.ts';
export { createWorld, type World } from './world/world.ts';
