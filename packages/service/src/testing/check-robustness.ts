/**
 * The second half of the compliance suite: synchronisation that is cut short, memory, answers, and handlers that
 * look at what differs from node to node.
 */
import { SaAisErrorT } from '@aisexec/ais';
import { encode } from '../codec.ts';
import type { ServiceDefinition, StatePart } from '../contract.ts';
import { hashState } from '../state-hash.ts';
import { mutate } from './mutate.ts';
import { createRandom } from './random.ts';
import { clone, fakeContext, type Suite } from './suite.ts';
import { watchWorld } from './watch-world.ts';
import { WorkloadRunner } from './workload.ts';

/** Steps of one synchronisation at which it is cut short, and how far apart. */
const CUT_STEPS_MAX = 120;
const CUT_STRIDE = 3;
/** Chunks after which a transfer is cut short; of more chunks than that some are left out. */
const CHUNK_CUTS_MAX = 64;
/** Rounds of the workload after which the state may not grow any more, and until when it is watched. */
const ROUNDS_SETTLED = 3;
const ROUNDS = 6;
/** Time between two rounds, so that what has an end can end: ten minutes. */
const ROUND_MS = 600_000;

/** A node joins, and in the middle of its synchronisation, wherever that is, the cluster falls apart and comes back. */
export function checkInterruption<State>(suite: Suite<State>): void {
  const nodes = [1, 2];
  const joiner = 9;
  for (let cut = 0; cut < CUT_STEPS_MAX; cut += CUT_STRIDE) {
    const cluster = suite.cluster(nodes);
    suite.run(cluster);
    const before = cluster.hashes(suite.definition.name)[0];
    cluster.restart(joiner, false);
    let isOver = false;
    for (let i = 0; i < cut && !isOver; i++) isOver = !cluster.step();
    // With the state half-way, it must be the old one or the whole new one, never a part.
    const middle = cluster.host(nodes[0]!).stateHash(suite.definition.name);
    if (cluster.host(nodes[0]!).view === undefined && middle !== before) {
      suite.fault(`a synchronisation cut short at step ${cut} touched the committed state`);
    }
    cluster.split([[nodes[0]!], [nodes[1]!, joiner]]);
    cluster.heal();
    suite.expectAgreement(cluster, `after a synchronisation was cut short at step ${cut}`);
    if (isOver || suite.faults.length > 0) return;
  }
}

/**
 * A transfer that ends after any of its chunks and is begun anew, as the executive does it: the iterator of `save` is
 * left where it was and never told, and what was loaded is dropped.
 */
export function checkChunkCuts<State>(suite: Suite<State>): void {
  const { sync, init } = suite.definition;
  const total = suite.saved.length;
  const source = suite.state();
  const hash = hashState(source);
  for (let cut = 0; cut <= total; cut += Math.ceil((total + 1) / CHUNK_CUTS_MAX)) {
    const chunks = sync.save(source, suite.version)[Symbol.iterator]();
    const dropped = init();
    for (let i = 0; i < cut; i++) sync.load(dropped, clone(chunks.next().value));
    if (hashState(source) !== hash) {
      suite.fault(`a save that is cut short after ${cut} of ${total} chunks changes its state`);
      return;
    }
    const next = init();
    for (const chunk of sync.save(source, suite.version)) sync.load(next, clone(chunk));
    if (hashState(next) !== hash) {
      suite.fault(`after one cut short at chunk ${cut} of ${total}, the next transfer differs`);
      return;
    }
  }
}

/** A losing history in which nothing happened changes nothing, and the order of the losers does not matter. */
export function checkEmptyHistory<State>(suite: Suite<State>): void {
  const { sync, init, confchg } = suite.definition;
  const nodes = [...new Set(suite.recorded.map(({ source }) => source.node))];
  const part = (state: State, members: readonly number[], seq: number): StatePart<State> => ({
    ...{ state, members, quorate: seq === 12 },
    ringId: { rep: members[0] ?? 1, seq },
  });
  const winner = () => part(suite.state(), nodes, 12);
  const empty = () => part(init(), [200], 8);
  const copy = () => part(suite.state(), [201], 4);
  const context = fakeContext(1n, undefined, [...nodes.sort((a, b) => a - b), 200, 201]);
  // As the host does it: no state is seen between merge and confchg.
  const settled = (state: State) => {
    confchg?.(state, context.view, context);
    return hashState(state);
  };
  const merged = (...parts: StatePart<State>[]) => settled(sync.merge(parts));
  if (merged(winner(), empty(), copy()) !== merged(winner(), copy(), empty())) {
    suite.fault('merge is not commutative: the order of the losers makes a difference');
  }
  if (merged(winner(), empty()) !== settled(suite.state())) {
    suite.fault('merge with an empty history changes the state');
  }
}

/** The same work again and again, by clients that go away, with time between: the state settles. */
export function checkMemory<State>(suite: Suite<State>): void {
  // With what was found before, time may bring endless expiries.
  if (suite.accumulates || suite.faults.length > 0) return;
  const sizes: number[] = [];
  const cluster = suite.cluster([1, 2]);
  for (let round = 0; round < ROUNDS; round++) {
    const runner = new WorkloadRunner(cluster, suite.definition.name);
    runner.run(suite.steps);
    runner.closeAll();
    cluster.advance(ROUND_MS);
    sizes.push(sizeOf(suite));
  }
  const settled = Math.max(...sizes.slice(0, ROUNDS_SETTLED));
  const last = sizes.at(-1)!;
  if (last > settled * 1.2) {
    suite.fault(`the state grows with every round of the same work: ${sizes.join(', ')} bytes`);
  }
}

function sizeOf<State>(suite: Suite<State>): number {
  let bytes = 0;
  for (const chunk of suite.definition.sync.save(suite.live!, suite.version))
    bytes += encode(chunk).length;
  return bytes;
}

const CODES: ReadonlySet<unknown> = new Set(Object.values(SaAisErrorT));

/** Requests as a client with a defect would make them: an AIS code or no answer yet, never an exception. */
export function checkRequests<State>(suite: Suite<State>): void {
  const random = createRandom(suite.seed);
  const cluster = suite.cluster([1, 2]);
  const client = cluster.client(1, suite.definition.name);
  const check = (fn: string, argument: unknown) => {
    const reply = client.request(fn, argument);
    if (reply === undefined || CODES.has(reply.rc)) return;
    suite.fault(`${fn} answers with ${String(reply.rc)}, which is no AIS result code`);
  };
  for (const step of suite.steps) {
    if (!('fn' in step)) continue;
    check(step.fn, step.argument);
    for (let i = 0; i < suite.mutations && client.closedReason === undefined; i++) {
      check(step.fn, mutate(step.argument, random));
    }
  }
  if (client.closedReason !== undefined) {
    suite.fault(`a client's request ended the service: ${suite.failure()}`);
  }
  suite.expectAgreement(cluster, 'after rubbish from clients');
}

/** Runs the workload with the world watched: who looks at a clock acts differently on every node. */
export function checkClock<State>(suite: Suite<State>): void {
  if (suite.faults.length > 0) return;
  const cluster = suite.cluster([1, 2], suite.seed, watched(suite));
  suite.run(cluster);
  cluster.advance(ROUND_MS);
  cluster.restart(3);
  cluster.kill(2);
}

function watched<State>(suite: Suite<State>): ServiceDefinition<State> {
  const { definition } = suite;
  const wrap =
    <A extends readonly unknown[], R>(where: string, run: (...args: A) => R) =>
    (...args: A): R =>
      watchWorld(
        () => run(...args),
        (what) => suite.fault(`${where} uses ${what}: it differs from node to node`),
      );
  const exec = Object.entries(definition.exec).map(([name, handler]) => [
    name,
    { ...handler, apply: wrap(`exec ${name}`, handler.apply) },
  ]);
  const { confchg, clientGone, deadline, expire, sync } = definition;
  return {
    ...definition,
    init: wrap('init', definition.init),
    exec: Object.fromEntries(exec) as ServiceDefinition<State>['exec'],
    ...(confchg && { confchg: wrap('confchg', confchg) }),
    ...(clientGone && { clientGone: wrap('clientGone', clientGone) }),
    ...(deadline && { deadline: wrap('deadline', deadline) }),
    ...(expire && { expire: wrap('expire', expire) }),
    sync: {
      ...sync,
      save: (state, version) => wrap('save', () => [...sync.save(state, version)])(),
      load: wrap('load', sync.load),
      merge: wrap('merge', sync.merge),
    },
  };
}
