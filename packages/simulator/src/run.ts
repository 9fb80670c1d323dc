/**
 * One run: a scenario under fire for its time, then the heal, convergence, a little traffic, silence, and the
 * verdict. Deterministic: nothing here reads a clock.
 */
import { createEvsChecker, type EvsChecker } from './checkers/evs.ts';
import { createQuorumChecker } from './checkers/quorum.ts';
import { createReplicaChecker } from './checkers/replicas.ts';
import { createTokenChecker, type TokenChecker } from './checkers/token.ts';
import type { Violation } from './checkers/violation.ts';
import { createNemesis, type Nemesis } from './nemesis/nemesis.ts';
import { drawScenario, type RunOptions, type Scenario } from './scenario.ts';
import type { TraceRecord } from './trace/record.ts';
import { createTrace } from './trace/trace.ts';
import type { NetworkStats } from './world/network.ts';
import type { ProcessFactory } from './world/process.ts';
import { createWorld, type World } from './world/world.ts';

export interface RunResult {
  readonly seed: number;
  readonly nodes: number;
  readonly clean: boolean;
  readonly violations: readonly Violation[];
  /** With those that were not kept. */
  readonly violationCount: number;
  readonly traceHash: string;
  readonly records: number;
  readonly events: number;
  readonly simulatedMs: number;
  /** Virtual time from the heal to one ring; -1 when it never came. */
  readonly convergedAfterMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly network: Readonly<NetworkStats>;
  readonly summary: EvsChecker['summary'];
  /** Most configurations a node went through after the heal (L3). */
  readonly changesAfterHeal: number;
  /** Quorate components that E12 compared. */
  readonly quorateComponents: number;
  /** State hashes that had a counterpart on another node. */
  readonly statesCompared: number;
  /** Of a run of one workload: what its clients did. */
  readonly work?: Readonly<Record<string, number>>;
}

export interface RunHooks {
  /** Sees every record, with the state and ring of its node, e.g. `operational 1.8`. */
  readonly onRecord?: (record: TraceRecord, place: string) => void;
}

/** Builds what lives on the nodes, once per run. */
export type FactoryOf = (scenario: Scenario, options: RunOptions) => ProcessFactory;

/** L1: one ring within this many times token + consensus after the heal (docs/adr/0032). */
export const CONVERGENCE_ROUNDS = 10;
/** L3: configurations of one node between the heal and the last ring: this many, and so many per node. */
export const CHANGES_MAX = 4;
export const CHANGES_PER_NODE_MAX = 2;
/** L2: clocks run up to a tenth slow, and silence is looked for four times in its bound. */
const SILENCE_MARGIN = 1.5;
const LOOKS_PER_SILENCE = 4;
const POLL_MS = 25;
/** A ring must last this long, and long enough to have noticed that it had lost its token before the heal. */
const FLOW_MS = 500;

export function runSimulation(
  options: RunOptions,
  factoryOf: FactoryOf,
  hooks: RunHooks = {},
): RunResult {
  const scenario = drawScenario(options);
  const checker = createEvsChecker();
  const { onRecord } = hooks;
  const replicas = createReplicaChecker(checker.log);
  const quorum = createQuorumChecker(checker.log);
  const token = createTokenChecker(checker.log, {
    silenceMsMax: scenario.slowestMs * SILENCE_MARGIN,
    changesMax: CHANGES_MAX + CHANGES_PER_NODE_MAX * scenario.nodes.length,
  });
  const sinks = [checker.record, replicas.record, quorum.record, token.record];
  if (onRecord !== undefined) sinks.push((record) => onRecord(record, placeOf(world, record.node)));
  const world = createWorld({
    random: scenario.random.fork('world'),
    nodes: scenario.nodes,
    conditions: scenario.links?.conditions ?? scenario.mix.conditions,
    factory: factoryOf(scenario, options),
    trace: createTrace(sinks),
    clockDrift: scenario.clockDrift,
    refusals: scenario.mix.refusals,
  });
  const nemesis = createNemesis(world, scenario.mix, scenario.random.fork('nemesis'));
  const simulation = { world, nemesis, checker, token, scenario };
  watchTokens(world, scenario.slowestMs / LOOKS_PER_SILENCE);
  const undisturbed = underFire(simulation, options.seconds * 1000);
  const convergedAfterMs = afterHealing(simulation);
  if (undisturbed !== undefined) checkUndisturbed(simulation, undisturbed);
  reportExceptions(simulation);
  const { log } = checker;
  return {
    seed: options.seed,
    nodes: scenario.nodes.length,
    clean: log.count === 0,
    violations: log.list,
    violationCount: log.count,
    traceHash: world.trace.hash(),
    records: world.trace.records,
    events: world.scheduler.processed,
    simulatedMs: world.now,
    convergedAfterMs,
    faults: nemesis.applied,
    network: sumOf(world.networks.map(({ stats }) => stats)),
    summary: checker.summary,
    changesAfterHeal: token.changes,
    quorateComponents: quorum.quorate,
    statesCompared: replicas.compared,
  };
}

interface Simulation {
  readonly world: World;
  readonly nemesis: Nemesis;
  readonly checker: EvsChecker;
  readonly token: TokenChecker;
  readonly scenario: Scenario;
}

/** @returns how many configurations there were when the faults began, if there should be no more. */
function underFire(simulation: Simulation, untilMs: number): number | undefined {
  const { world, nemesis, checker, scenario } = simulation;
  const random = scenario.random.fork('starts');
  for (const node of world.nodes) {
    world.after(random.between(0, scenario.startSpreadMs), () => node.start());
  }
  let configurations: number | undefined;
  if (scenario.links?.isCalm === true && runUntil(world, untilMs, () => isOneRing(simulation))) {
    // What was sent while the ring formed has arrived by then.
    world.scheduler.runUntil(world.now + 2 * scenario.settings.tokenMs);
    if (isOneRing(simulation)) configurations = checker.summary.configurations;
  }
  nemesis.start();
  world.scheduler.runUntil(Math.max(untilMs, world.now));
  return configurations;
}

/** N1: whatever happens to the other networks, nobody sees it (docs/adr/0132). */
function checkUndisturbed({ world, checker, scenario }: Simulation, configurations: number): void {
  const more = checker.summary.configurations - configurations;
  if (more === 0) return;
  const text = `${more} configurations although network ${scenario.mix.spare} was never disturbed`;
  checker.log.add('N1', world.now, 0, undefined, text);
}

function afterHealing(simulation: Simulation): number {
  const { world, nemesis, checker, scenario } = simulation;
  const boundMs = CONVERGENCE_ROUNDS * scenario.slowestMs;
  const healTime = world.now;
  nemesis.heal();
  const convergedAt = converge(simulation, healTime + boundMs);
  if (convergedAt < 0) {
    const text = `no lasting ring of all nodes within ${boundMs.toFixed(0)} ms of healing`;
    checker.log.add('L1', world.now, 0, undefined, text);
  } else simulation.token.calm();
  for (const node of world.nodes) node.process?.load(false);
  runUntil(world, boundMs + scenario.drainMs, () => checker.settled() && isAtRest(world));
  for (const node of world.nodes) node.process?.conclude();
  world.trace.emit({ kind: 'end', time: world.now, node: 0, incarnation: 0 });
  return convergedAt < 0 ? -1 : convergedAt - healTime;
}

/** For L2: now and then a record of how many tokens each process has handled. */
function watchTokens(world: World, everyMs: number): void {
  for (const { id: node, incarnation, process, paused } of world.nodes) {
    if (process === undefined) continue;
    const { state, ring: ringId } = process;
    const visits = process.stats()['tokenVisits'] ?? 0;
    const excused = paused || state !== 'operational';
    world.trace.emit({
      kind: 'token',
      time: world.now,
      node,
      incarnation,
      ringId,
      visits,
      excused,
    });
  }
  world.after(everyMs, () => watchTokens(world, everyMs));
}

/**
 * Until one ring of everybody holds. A ring from before the heal may have lost its token then and not know it
 * yet, so it must live a while. @returns when it was found, or -1.
 */
function converge(simulation: Simulation, until: number): number {
  const { world, checker, scenario } = simulation;
  while (runUntil(world, until - world.now, () => isOneRing(simulation))) {
    const found = world.now;
    const { configurations } = checker.summary;
    world.scheduler.runUntil(found + Math.max(FLOW_MS, scenario.slowestMs));
    if (isOneRing(simulation) && checker.summary.configurations === configurations) return found;
  }
  return -1;
}

function isOneRing({ world, checker }: Simulation): boolean {
  return (
    checker.converged() && world.nodes.every(({ process }) => process?.state === 'operational')
  );
}

/** Clients have their answers and replicas agree; if they never do, R1 says so. */
function isAtRest({ nodes }: World): boolean {
  if (nodes.some(({ process }) => process?.idle !== true)) return false;
  const digest = nodes[0]?.process?.digest();
  return nodes.every(({ process }) => process?.digest() === digest);
}

function runUntil(world: World, boundMs: number, isDone: () => boolean): boolean {
  const until = world.now + boundMs;
  while (!isDone()) {
    if (world.now >= until) return false;
    world.scheduler.runUntil(world.now + POLL_MS);
  }
  return true;
}

function reportExceptions({ world, checker }: Simulation): void {
  for (const { time, node, text } of world.exceptions) {
    checker.log.add('X1', time, node, undefined, `the process threw ${text}`);
  }
}

function sumOf(all: readonly NetworkStats[]): NetworkStats {
  const sum = { ...all[0]! };
  for (const stats of all.slice(1)) {
    for (const name of Object.keys(sum) as (keyof NetworkStats)[]) sum[name] += stats[name];
  }
  return sum;
}

function placeOf(world: World, id: number): string {
  const process = world.nodes.find((node) => node.id === id)?.process;
  if (process === undefined) return '-';
  return `${process.state} ${process.ring.rep}.${process.ring.seq}`;
}
