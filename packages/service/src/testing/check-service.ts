/**
 * The compliance suite: what every service must hold, whatever it does. A test is one line:
 *
 *     expect(checkService(counterService, { seed: 1, steps })).toEqual([]);
 *
 * The workload should use every function, several clients and, where there are deadlines, time.
 */
import { MESSAGE_BYTES_MAX } from '@aisexec/totem';
import { decode, encode } from '../codec.ts';
import type { ServiceDefinition, Source, StatePart } from '../contract.ts';
import { messageOf } from '../host/replica.ts';
import { hashState } from '../state-hash.ts';
import {
  checkChunkCuts,
  checkClock,
  checkEmptyHistory,
  checkInterruption,
  checkMemory,
  checkRequests,
} from './check-robustness.ts';
import { mutate } from './mutate.ts';
import { createRandom } from './random.ts';
import { clone, type ServiceWorkload, Suite } from './suite.ts';
import { WorkloadRunner } from './workload.ts';

type Check<State> = (suite: Suite<State>) => void;

/** Expiries in a row after which a service is taken to make no progress. */
const EXPIRIES_MAX = 10_000;

/** @returns what the service does wrong, one sentence each; empty when nothing was found. */
export function checkService<State>(
  definition: ServiceDefinition<State>,
  workload: ServiceWorkload,
): readonly string[] {
  const suite = new Suite(definition, workload);
  const ofState: Record<string, Check<State>> = {
    'save and load': checkSaveLoad,
    'deadlines advance': checkDeadlines,
    'memory is bounded': checkMemory,
    'requests are answered with AIS codes': checkRequests,
    'no clock, no randomness': checkClock,
  };
  // What is not replicated need not agree with anybody.
  const ofReplicas: Record<string, Check<State>> = {
    'replicas agree': checkReplicas,
    'a joiner gets the state': checkJoiner,
    'save and load': checkSaveLoad,
    'halves merge': checkHalves,
    'merge is a function': checkMerge,
    'rubbish does no harm': checkRubbish,
    'a left node leaves no client': checkLeft,
    'a transfer may be cut short after any chunk': checkChunkCuts,
    'sync may be cut short anywhere': checkInterruption,
    'an empty history changes nothing': checkEmptyHistory,
  };
  const checks = suite.isLocal ? ofState : { ...ofReplicas, ...ofState };
  for (const [name, check] of Object.entries(checks)) {
    try {
      check(suite);
    } catch (error) {
      suite.fault(`${name}: ${suite.failure() ?? messageOf(error)}`);
    }
  }
  return suite.faults;
}

function checkReplicas<State>(suite: Suite<State>): void {
  const hashes = [1, 1, 2].map((scheduling) => {
    const cluster = suite.cluster([1, 2, 3], scheduling === 1 ? suite.seed : suite.seed + 1);
    suite.run(cluster);
    suite.expectAgreement(cluster, 'after the workload');
    return cluster.hashes(suite.definition.name)[0];
  });
  if (hashes[0] !== hashes[1]) suite.fault('the same log gave two different states');
}

function checkJoiner<State>(suite: Suite<State>): void {
  const cluster = suite.cluster([5, 6]);
  suite.run(cluster);
  const before = cluster.host(5).inspect(suite.definition.name);
  // The lowest id of all: whoever took it for the owner of the state would lose everything.
  cluster.restart(1);
  suite.expectAgreement(cluster, 'after a fresh node with the lowest id joined');
  const after = cluster.host(1).inspect(suite.definition.name);
  if (hashState(before) !== hashState(after)) suite.fault('inspect differs after a node joined');
  cluster.restart(6);
  suite.expectAgreement(cluster, 'after a member came back as a new incarnation');
}

function saveChunks<State>(suite: Suite<State>, state: State, version = suite.version): unknown[] {
  const chunks: unknown[] = [];
  for (const chunk of suite.definition.sync.save(state, version)) {
    const bytes = encode(chunk);
    if (bytes.length > MESSAGE_BYTES_MAX / 2) suite.fault(`a chunk of ${bytes.length} bytes`);
    const decoded = decode(bytes);
    if (!decoded.ok || !suite.definition.sync.chunk.check(decoded.value)) {
      suite.fault('a saved chunk does not fit the chunk schema');
    } else {
      chunks.push(decoded.value);
    }
  }
  return chunks;
}

function checkSaveLoad<State>(suite: Suite<State>): void {
  suite.run(suite.cluster([1]));
  if (suite.live === undefined || (suite.recorded.length === 0 && !suite.isLocal)) {
    suite.fault('the workload orders no message');
    return;
  }
  const hash = hashState(suite.live);
  suite.saved = saveChunks(suite, suite.live);
  // Replicas act on every detail of their states; a state of one node may keep its books in another order.
  const isSame = suite.isLocal
    ? hashState(saveChunks(suite, suite.state())) === hashState(suite.saved)
    : hashState(suite.state()) === hash;
  if (!isSame) suite.fault('save and load give another state');
  if (hashState(suite.live) !== hash) suite.fault('save or load changed the saved state');
  // A digest that changes correct is counted anew by load.
  const { digest } = suite.definition.sync;
  if (digest?.(suite.state()) !== digest?.(suite.live)) {
    suite.fault('save and load give another digest');
  }
  checkOlderVersions(suite, suite.live);
  encode(suite.definition.inspect(suite.live));
}

/** What is saved for nodes of an older version is a state there: loaded and saved for them again it is the same. */
function checkOlderVersions<State>(suite: Suite<State>, live: State): void {
  const { definition } = suite;
  for (let version = suite.version - 1; version >= (definition.minVersion ?? 1); version--) {
    const chunks = saveChunks(suite, live, version);
    const state = definition.init();
    for (const chunk of chunks) definition.sync.load(state, chunk);
    if (hashState(saveChunks(suite, state, version)) !== hashState(chunks)) {
      suite.fault(`what is saved for version ${version} does not load into the same state`);
    }
  }
}

function checkHalves<State>(suite: Suite<State>): void {
  const middle = suite.steps.length >> 1;
  for (const ids of [
    [1, 2, 3, 4],
    [4, 3, 2, 1],
  ]) {
    const cluster = suite.cluster(ids);
    const runner = new WorkloadRunner(cluster, suite.definition.name);
    runner.run(suite.steps.slice(0, middle));
    cluster.split([ids.slice(0, 2), ids.slice(2)]);
    runner.run(suite.steps.slice(middle));
    cluster.heal();
    suite.expectAgreement(cluster, 'after two halves merged');
    runner.run(suite.steps);
    suite.expectAgreement(cluster, 'after working on a merged state');
  }
}

function checkMerge<State>(suite: Suite<State>): void {
  const { sync } = suite.definition;
  const part = (state: State, node: number): StatePart<State> => ({
    state,
    members: [node],
    ringId: { rep: node, seq: 8 },
    quorate: node === 1,
  });
  const merge = (): string =>
    hashState(
      sync.merge([
        part(suite.state(), 1),
        part(suite.definition.init(), 2),
        part(suite.state(), 3),
      ]),
    );
  const first = merge();
  if (merge() !== first) suite.fault('merging the same parts twice gave two states');
}

function checkRubbish<State>(suite: Suite<State>): void {
  const random = createRandom(suite.seed);
  const { definition } = suite;
  const one = suite.state();
  const two = suite.state();
  // A copy: the list must not grow while it is walked.
  for (const { exec, message, source } of [...suite.recorded]) {
    const handler = definition.exec[exec]!;
    for (let i = 0; i < suite.mutations; i++) {
      const rubbish = clone(mutate(message, random));
      if (!handler.message.check(rubbish)) continue;
      const from: Source = random.below(4) === 0 ? { node: 9, connection: 9, request: 0 } : source;
      try {
        handler.apply(one, rubbish, from, suite.context(BigInt(i)));
        handler.apply(two, rubbish, from, suite.context(BigInt(i)));
      } catch (error) {
        suite.fault(`${exec} threw at a message that fits its schema: ${String(error)}`);
        return;
      }
    }
  }
  if (hashState(one) !== hashState(two)) suite.fault('the same rubbish gave two states');
}

function checkDeadlines<State>(suite: Suite<State>): void {
  const { definition } = suite;
  const { deadline, expire } = definition;
  if (deadline === undefined || expire === undefined) {
    if (deadline !== expire) suite.fault('deadline and expire come together or not at all');
    return;
  }
  const state = suite.state();
  let due = deadline(state);
  for (let i = 0; due !== null && i < EXPIRIES_MAX; i++) {
    expire(state, suite.context(BigInt(i), due));
    const next = deadline(state);
    if (next !== null && next <= due) {
      suite.fault('expire left its own deadline in place');
      return;
    }
    due = next;
  }
  // What is ordered must end; the timers of one node may go on as long as their clients.
  if (due !== null && !suite.isLocal) suite.fault('deadlines never end');
}

/** Looks for what is shaped like a client of the node, wherever it is in the state. */
function checkLeft<State>(suite: Suite<State>): void {
  const cluster = suite.cluster([1, 2]);
  suite.run(cluster);
  cluster.kill(2);
  suite.expectAgreement(cluster, 'after a node left');
  if (suite.live !== undefined && findClient(suite.live, 2)) {
    suite.fault('the state still knows a client of a node that left');
  }
}

function findClient(value: unknown, node: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  if ('node' in value && 'connection' in value && value.node === node) return true;
  const parts =
    value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : value;
  return Object.values(parts).some((part) => findClient(part, node));
}
