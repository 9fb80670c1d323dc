/**
 * Three executives' pure halves on a simulated ring, with delays, loss and packets that overtake each other, for
 * the conformance table of LCK: real clients on a virtual cluster, whose time runs while this process is idle.
 */
import { type Connector, localConnector } from '@aisexec/ipc';
import { lckService } from '@aisexec/lck/service';
import type { ClientRef, ServiceDefinition, ServiceHost } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { clmOfThisProcess } from '../../../clm/src/removal.fixture.ts';
import type { ConformanceWorld } from '../../../lck/src/conformance/case.fixture.ts';
import { startVictim } from '../../../lck/src/conformance/victim.fixture.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { createRandom } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { createTrace } from '../trace/trace.ts';
import { healthyConditions } from '../world/network.ts';
import { createWorld, type World } from '../world/world.ts';
import type { ServiceWorkload } from './workload.ts';

const NODES = [1, 2, 3];
/** Virtual time for one turn of this process's event loop. */
const TURN_MS = 5;
const DELAY_MIN_MS = 0.2;
const DELAY_MEAN_MS = 2;
const LOSS = 0.01;
const REORDER = 0.05;
const NO_LOAD = { rate: 0, safe: 0, burst: 1, full: 0, middle: 0 };

export interface SimulatedRing {
  readonly world: ConformanceWorld;
  /** What no host may ever trace. */
  readonly wrongs: readonly string[];
  host(node: number): ServiceHost;
  readonly nodes: readonly number[];
  /** Resolves in the first turn in which this holds. */
  until(isTrue: () => boolean): Promise<void>;
  end(): void;
}

export function createSimulatedRing(seed: number): SimulatedRing {
  const hosts = new Map<number, ServiceHost>();
  const sinks = new Map<number, Set<{ closed(reason: string): void }>>();
  const wrongs: string[] = [];
  const world = createRingWorld(seed, hosts, wrongs);
  for (const node of world.nodes) node.start();
  let running = true;
  const turn = (): void => {
    world.scheduler.runUntil(world.now + TURN_MS);
    if (running) setImmediate(turn);
  };
  setImmediate(turn);

  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
  };
  const isWhole = (): boolean =>
    NODES.every((node) => hosts.get(node)?.view?.members.length === NODES.length);
  const connector = (node: number, refs: ClientRef[] = []): Connector =>
    localConnector<ClientRef>(() => {
      const host = hosts.get(node);
      return (
        host && {
          connect(service, uid, sink) {
            const ref = host.connect(service, uid, sink);
            if (ref === undefined) return undefined;
            sinks.set(node, (sinks.get(node) ?? new Set()).add(sink));
            refs.push(ref);
            return ref;
          },
          request: (client, request, fn, argument) => host.request(client, request, fn, argument),
          isWaiting: (client) => host.isWaiting(client),
          disconnect: (client) => host.disconnect(client),
        }
      );
    });

  return {
    wrongs,
    nodes: NODES,
    until,
    host: (node) => hosts.get(node)!,
    end() {
      running = false;
    },
    world: {
      connect: (node) => ({ connector: connector(node) }),
      victim(node, resource, state) {
        const refs: ClientRef[] = [];
        const host = hosts.get(node);
        const die = () => {
          for (const ref of refs.splice(0)) host?.disconnect(ref);
        };
        return startVictim({ connector: connector(node, refs), die }, resource, state);
      },
      isolate(node) {
        for (const other of NODES) {
          if (other === node) continue;
          world.network.block(node - 1, other - 1, true);
          world.network.block(other - 1, node - 1, true);
        }
      },
      rejoin() {
        for (const from of NODES) {
          for (const to of NODES) world.network.block(from - 1, to - 1, false);
        }
        return until(isWhole);
      },
      async endExecutive(node) {
        const executive = world.nodes[node - 1]!;
        executive.crash();
        hosts.delete(node);
        for (const sink of sinks.get(node) ?? []) sink.closed('the executive stopped');
        sinks.delete(node);
        executive.start();
        await until(isWhole);
      },
    },
  };
}

function createRingWorld(seed: number, hosts: Map<number, ServiceHost>, wrongs: string[]): World {
  const scenario = drawScenario({ seed, seconds: 1, nodes: 3, faults: false, stack: 'full' });
  const random = createRandom(seed, 'conformance');
  const settings = {
    ...{ ...scenario.settings, tokenMs: 150, tokenRetransmitMs: 36, consensusMs: 180 },
    ...{ payloadBytesMax: 1382, windowSize: 50, maxMessages: 17, queueSlots: 2974 },
  };
  return createWorld({
    random,
    nodes: NODES,
    conditions: {
      ...healthyConditions(DELAY_MIN_MS, DELAY_MEAN_MS),
      ...{ loss: LOSS, reorder: REORDER },
    },
    trace: createTrace([
      (record) => {
        if (record.kind === 'wrong') wrongs.push(`${record.property} ${record.text}`);
      },
    ]),
    factory: fullNodeFactory({
      createRing,
      settings,
      load: NO_LOAD,
      workloads: [hosted(clmOfThisProcess, hosts), hosted(lckService, hosts)],
      quorum: { provider: 'votequorum', expectedVotes: NODES.length },
    }),
  });
}

/** A service without load of its own; the host of each life of a node is kept for clients from outside. */
// biome-ignore lint/suspicious/noExplicitAny: services of one node differ in their states
function hosted(service: ServiceDefinition<any>, hosts: Map<number, ServiceHost>): ServiceWorkload {
  return {
    service,
    create({ node, host }) {
      hosts.set(node, host);
      return { act: () => 1000, stop: () => undefined, idle: true };
    },
  };
}
