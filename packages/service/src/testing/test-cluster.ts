/**
 * A cluster in one process for the tests of services: hosts on a memory bus, a virtual wall clock, faults on
 * demand, and clients that look synchronous. Everything is decided by one seed.
 *
 *     const cluster = createTestCluster({ nodes: 3, services: [counterService], seed: 1 });
 *     const client = cluster.client(1, 'counter');
 *     client.request('add', { amount: 2 });      // { rc: 1, value: 2 }
 *     cluster.split([[1, 2], [3]]);
 */
import { SA_AIS_OK } from '@aisexec/ais';
import type { GroupMessage } from '@aisexec/totem';
import type {
  CallbackOptions,
  ClientRef,
  NodeInfo,
  Reply,
  ServiceDefinition,
} from '../contract.ts';
import { createServiceHost } from '../host.ts';
import type { BackgroundOptions, HostTraceEvent, ServiceHost } from '../host-contract.ts';
import { invariant } from '../invariant.ts';
import { createQuorum, type QuorumOptions } from '../quorum/create-quorum.ts';
import { createMemoryBus } from './memory-bus.ts';
import { createRandom } from './random.ts';

// biome-ignore lint/suspicious/noExplicitAny: services of one cluster differ in their states
type Services = readonly ServiceDefinition<any>[];

export interface TestClusterOptions {
  /** nodeids, or how many nodes (1, 2, …). */
  readonly nodes: number | readonly number[];
  /** A function: nodes that are configured differently. */
  readonly services: Services | ((node: number) => Services);
  readonly seed?: number;
  readonly quorum?: QuorumOptions;
  /** How contents are fetched in the background. */
  readonly background?: BackgroundOptions;
  /** See {@link createMemoryBus}. */
  readonly queueMax?: number;
  /** The version of its own messages that a node's host speaks; default: the newest. */
  readonly speaks?: (nodeId: number) => number;
  /** Wall clock at the start, ns. */
  readonly startTime?: bigint;
  /** false: the nodes are not run to their first view yet. */
  readonly settle?: boolean;
}

export interface TestCallback {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what its service calls back
  readonly payload: any;
  readonly options: CallbackOptions | undefined;
}

/** A request that may be answered later. */
export interface PendingReply {
  /** The reply, once it is there. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the out-parameters it asks for
  readonly reply: (Reply & Record<string, any>) | undefined;
}

export interface TestClient {
  readonly ref: ClientRef;
  /** Sends a request and runs the cluster until quiet. @returns the reply, undefined when there is none yet. */
  request(fn: string, argument?: unknown): PendingReply['reply'];
  /** Sends a request and runs nothing. */
  post(fn: string, argument?: unknown): PendingReply;
  /** What came back so far, oldest first. */
  readonly callbacks: TestCallback[];
  /** Takes what is in `callbacks`, all or of one name. */
  take(name?: string): TestCallback[];
  /** Disconnects; does not run the cluster. */
  close(): void;
  /** Why the host ended the connection, if it did. */
  readonly closedReason: string | undefined;
}

export interface TestCluster {
  /** Runs until nothing is left to do (timers excepted). @returns the number of steps. */
  run(): number;
  /** One step. @returns false when nothing is left. */
  step(): boolean;
  split(sides: readonly (readonly number[])[], run?: boolean): void;
  heal(run?: boolean): void;
  /** A node's process stands still and goes on later, see {@link MemoryBus.pause}. */
  pause(node: number, run?: boolean): void;
  resume(node: number, run?: boolean): void;
  kill(node: number, run?: boolean): void;
  /** A new incarnation, killed first when it is alive. */
  restart(node: number, run?: boolean): void;
  /** Somebody sets the wall clock of all nodes; no time passes. */
  setClock(byMs: number): void;
  /** Moves the clocks of all nodes, fires what is due on the way, and runs. Without `run`: the clock alone. */
  advance(ms: number, run?: boolean): void;
  host(node: number): ServiceHost;
  client(node: number, service: string, uid?: number): TestClient;
  /** Hash of a service's state on every living node: one entry when the replicas agree. */
  hashes(service: string): string[];
  readonly nodes: readonly number[];
  readonly now: bigint;
  /** Everything the hosts traced, oldest first. */
  readonly trace: (HostTraceEvent & { readonly node: number })[];
  /** Queues a message in a node's name: what a broken or hostile peer could send. */
  inject(node: number, group: string, bytes: Uint8Array): void;
  /** Sees every message when it is ordered. */
  onOrdered(listener: (message: GroupMessage) => void): void;
}

interface TestNode {
  readonly host: ServiceHost;
  wakeAt: bigint | null;
  alive: boolean;
}

const STEPS_MAX = 2_000_000;
const START_TIME = 1_700_000_000_000_000_000n;
const NS_PER_MS = 1_000_000n;

export function createTestCluster(options: TestClusterOptions): TestCluster {
  const seed = options.seed ?? 1;
  const bus = createMemoryBus({ seed, queueMax: options.queueMax ?? 256 });
  const random = createRandom(seed ^ 0x5bd1e995);
  const nodes = new Map<number, TestNode>();
  const trace: TestCluster['trace'] = [];
  let now = options.startTime ?? START_TIME;
  /** What was set of it; the rest has passed. */
  let set = 0n;

  function start(nodeId: number): void {
    const messaging = bus.start(nodeId);
    const node: { wakeAt: bigint | null; alive: boolean; host?: ServiceHost } = {
      wakeAt: null,
      alive: true,
    };
    node.host = createServiceHost({
      node: nodeInfo(nodeId, now),
      messaging,
      services: servicesOf(nodeId),
      quorum: createQuorum(options.quorum ?? { provider: 'none' }),
      background: options.background ?? {},
      ...(options.speaks && { speaks: options.speaks(nodeId) }),
      wallClock: () => now,
      steadyClock: () => now - set,
      random: random.next,
      effects: {
        setWake: (delayMs) => {
          node.wakeAt = delayMs === null ? null : now + BigInt(delayMs) * NS_PER_MS;
        },
        trace: (event) => trace.push({ node: nodeId, ...event }),
      },
    });
    nodes.set(nodeId, node as TestNode);
  }

  function servicesOf(nodeId: number): Services {
    return typeof options.services === 'function' ? options.services(nodeId) : options.services;
  }

  function libOf(nodeId: number, name: string): ServiceDefinition<unknown>['lib'] {
    return servicesOf(nodeId).find((service) => service.name === name)?.lib ?? {};
  }

  function kill(nodeId: number): void {
    const node = nodes.get(nodeId);
    if (node === undefined) return;
    node.alive = false;
    nodes.delete(nodeId);
    bus.kill(nodeId);
  }

  function run(): number {
    let steps = 0;
    while (bus.step() || wakeOne(now)) {
      steps++;
      invariant(steps < STEPS_MAX, 'the cluster does not come to rest', { seed, steps });
    }
    return steps;
  }

  /** Fires the earliest wake timer that is due at `until`. */
  function wakeOne(until: bigint): boolean {
    let next: TestNode | undefined;
    for (const node of nodes.values()) {
      if (node.wakeAt === null || node.wakeAt > until) continue;
      if (next === undefined || node.wakeAt < next.wakeAt!) next = node;
    }
    if (next === undefined) return false;
    if (next.wakeAt! > now) now = next.wakeAt!;
    next.wakeAt = null;
    next.host.wake();
    return true;
  }

  const cluster: TestCluster = {
    run,
    step: () => bus.step() || wakeOne(now),
    split(sides, andRun = true) {
      bus.split(sides);
      if (andRun) run();
    },
    heal(andRun = true) {
      bus.heal();
      if (andRun) run();
    },
    pause(node, andRun = true) {
      bus.pause(node);
      if (andRun) run();
    },
    resume(node, andRun = true) {
      bus.resume(node);
      if (andRun) run();
    },
    kill(node, andRun = true) {
      kill(node);
      if (andRun) run();
    },
    restart(node, andRun = true) {
      kill(node);
      start(node);
      if (andRun) run();
    },
    setClock(byMs) {
      const by = BigInt(byMs) * NS_PER_MS;
      now += by;
      set += by;
      for (const node of nodes.values()) if (node.wakeAt !== null) node.wakeAt += by;
    },
    advance(ms, andRun = true) {
      const until = now + BigInt(ms) * NS_PER_MS;
      if (!andRun) {
        now = until;
        return;
      }
      run();
      while (wakeOne(until)) run();
      now = until;
      run();
    },
    host: (node) => aliveNode(node).host,
    client: (node, service, uid = 0) =>
      createTestClient(aliveNode(node), service, uid, run, libOf(node, service)),
    hashes: (service) => [
      ...new Set([...nodes.values()].map((node) => node.host.stateHash(service))),
    ],
    get nodes() {
      return [...nodes.keys()].sort((a, b) => a - b);
    },
    get now() {
      return now;
    },
    trace,
    inject: (node, group, bytes) => bus.inject(node, group, bytes),
    onOrdered: (listener) => bus.onOrdered(listener),
  };

  function aliveNode(id: number): TestNode {
    const node = nodes.get(id);
    invariant(node !== undefined, 'no such node is alive', { id });
    return node;
  }

  for (const node of nodeIds(options.nodes)) start(node);
  if (options.settle !== false) run();
  return cluster;
}

function createTestClient(
  node: TestNode,
  service: string,
  uid: number,
  run: () => void,
  lib: ServiceDefinition<unknown>['lib'],
): TestClient {
  const pending = new Map<number, { readonly fn: string; reply: Reply | undefined }>();
  const callbacks: TestCallback[] = [];
  let closedReason: string | undefined;
  let next = 1;
  const ref = node.host.connect(service, uid, {
    reply(request, reply) {
      const waiting = pending.get(request);
      invariant(waiting !== undefined, 'reply to no request', { service, request });
      const declared = Object.hasOwn(lib, waiting.fn) ? lib[waiting.fn]?.reply : undefined;
      const fits = reply.rc !== SA_AIS_OK || declared === undefined || declared.check(reply);
      invariant(fits, 'a reply is not what its handler declares', { service, fn: waiting.fn });
      waiting.reply = reply;
      pending.delete(request);
    },
    callback: (name, payload, options) => callbacks.push({ name, payload, options }),
    closed(reason) {
      closedReason = reason;
    },
  });
  invariant(ref !== undefined, 'no such service', { service });
  function post(fn: string, argument?: unknown): PendingReply {
    const waiting: { readonly fn: string; reply: Reply | undefined } = { fn, reply: undefined };
    const request = next++;
    pending.set(request, waiting);
    if (node.alive) node.host.request(ref!, request, fn, argument);
    return waiting;
  }
  return {
    ref,
    post,
    request(fn, argument) {
      const waiting = post(fn, argument);
      run();
      return waiting.reply;
    },
    callbacks,
    take(name) {
      const taken = callbacks.filter((callback) => name === undefined || callback.name === name);
      const rest = callbacks.filter((callback) => !taken.includes(callback));
      callbacks.splice(0, callbacks.length, ...rest);
      return taken;
    },
    close: () => {
      if (node.alive) node.host.disconnect(ref);
    },
    get closedReason() {
      return closedReason;
    },
  };
}

function nodeIds(nodes: number | readonly number[]): readonly number[] {
  return typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => i + 1) : nodes;
}

function nodeInfo(nodeId: number, bootTime: bigint): NodeInfo {
  return {
    nodeId,
    name: `node-${nodeId}`,
    address: { family: 'inet', text: `127.0.0.${nodeId % 256}` },
    bootTime,
  };
}
