/**
 * The whole pure half of an executive on a node: ring, process groups, service host and services, with a
 * workload per service and a group of its own for numbered messages, so that extended virtual synchrony is
 * checked through packing, fragmentation and resending, too.
 */
import {
  type BackgroundOptions,
  createQuorum,
  createServiceHost,
  type QuorumOptions,
  type ServiceHost,
} from '@aisexec/service';
import {
  createProcessGroups,
  type Group,
  type GroupMessaging,
  type RingId,
  type RingTimer,
  ringIdEquals,
} from '@aisexec/totem';
import { LOAD_TIMER, type LoadProfile, PACKETS_PER_MESSAGE_MAX } from '../workloads/load.ts';
import { createLoadClient, type LoadClient } from '../workloads/load-client.ts';
import type { ServiceWorkload, WorkloadClient } from '../workloads/workload.ts';
import type { ProcessEnvironment, ProcessFactory, SimProcess } from '../world/process.ts';
import { assembleRing, type RingOptions, traceQuorum } from './ring-process.ts';

export interface FullNodeOptions extends RingOptions {
  readonly load: LoadProfile;
  readonly workloads: readonly ServiceWorkload[];
  /** How contents are fetched in the background. */
  readonly background?: BackgroundOptions;
}

const LOAD_GROUP = 'sim';
const WAKE_TIMER = 'wake';
const CHECK_TIMER = 'check states';
/** How often the replicas are compared while they work. */
const CHECK_MS = 500;
const WORKLOAD_TIMER = 'workload ';
/** What a host traces when replicas differ before a synchronisation, or a service throws. */
const MUST_NOT_HAPPEN: ReadonlySet<string> = new Set([
  'service-failed',
  'state-diverged',
  'state-mismatch',
]);
const WALL_CLOCK_START_NS = 1_700_000_000_000_000_000n;
const NS_PER_MS = 1e6;

export function fullNodeFactory(options: FullNodeOptions): ProcessFactory {
  return (environment) => createFullNode(environment, options);
}

function createFullNode(environment: ProcessEnvironment, options: FullNodeOptions): SimProcess {
  const { payloadBytesMax } = options.settings;
  const pg = createProcessGroups({ nodeId: environment.node, payloadBytesMax });
  const parts = assembleRing(environment, options, pg.client, () => undefined);
  const ring = options.createRing(parts.config, parts.effects, parts.client);
  pg.attach(ring);
  const loadClient = joinLoad(environment, pg.messaging, options);
  const host = createHost(environment, pg.messaging, options, parts.quorum);
  const clients = createWorkloads(environment, host, options);

  const takeTurn = (index: number): void => {
    const client = clients[index];
    if (client !== undefined) environment.setTimer(WORKLOAD_TIMER + index, client.act());
  };

  return {
    start(now) {
      ring.start(now);
      loadClient.start();
      environment.setTimer(CHECK_TIMER, CHECK_MS);
      for (let index = 0; index < clients.length; index += 1) takeTurn(index);
    },
    receive(packet, now) {
      if (parts.filter(packet)) ring.receive(packet, now);
    },
    timeout(timer, now) {
      if (timer === LOAD_TIMER) loadClient.timeout();
      else if (timer === WAKE_TIMER) host.wake();
      else if (timer === CHECK_TIMER) {
        host.checkStates();
        environment.setTimer(CHECK_TIMER, CHECK_MS);
      } else if (timer.startsWith(WORKLOAD_TIMER)) {
        takeTurn(Number(timer.slice(WORKLOAD_TIMER.length)));
      } else ring.timeout(timer as RingTimer, now);
    },
    suspect: (suspected, now) => ring.suspect(suspected, now),
    leave: (now) => ring.leave(now),
    load(on) {
      loadClient.load(on);
      if (!on) for (const client of clients) client.stop();
    },
    conclude() {
      for (const client of clients) client.conclude?.();
      traceStates(environment, host, 'end');
    },
    digest: () => host.services.map(({ name }) => host.stateHash(name)).join(' '),
    get state() {
      return ring.state;
    },
    get ring() {
      return ring.ringId;
    },
    get idle() {
      return loadClient.idle && clients.every((client) => client.idle);
    },
    stats: () => ({ ...ring.stats(), ...pg.messaging.stats(), ...host.stats() }),
  };
}

function joinLoad(
  environment: ProcessEnvironment,
  messaging: GroupMessaging,
  options: FullNodeOptions,
): LoadClient {
  const { node, incarnation } = environment;
  const client = createLoadClient({
    environment,
    load: options.load,
    bytesMax: options.settings.payloadBytesMax * PACKETS_PER_MESSAGE_MAX,
    submit: (_stream, payload, safe) => group.multicast([payload], safe ? 'safe' : 'agreed'),
  });
  const group: Group = messaging.join(LOAD_GROUP, {
    deliver: (message) => {
      client.delivered(message.source, message.bytes, message.ringId, undefined);
    },
    configuration(configuration) {
      const { time } = environment;
      environment.trace({ kind: 'configuration', time, node, incarnation, configuration });
    },
  });
  return client;
}

function createHost(
  environment: ProcessEnvironment,
  messaging: GroupMessaging,
  options: FullNodeOptions,
  quorumOptions: QuorumOptions,
): ServiceHost {
  const { node, incarnation } = environment;
  const random = environment.random.fork('host');
  const wallClock = (): bigint =>
    WALL_CLOCK_START_NS + BigInt(Math.round(environment.time * NS_PER_MS));
  const quorum = createQuorum(quorumOptions, node, {
    saved: environment.store.quorum,
    save: (bytes) => environment.storeQuorum?.(bytes),
  });
  const host = createServiceHost({
    node: {
      nodeId: node,
      name: `n${node}`,
      address: { family: 'inet', text: `10.0.0.${node % 256}` },
      bootTime: wallClock(),
    },
    messaging,
    services: options.workloads.map((workload) => workload.service),
    quorum,
    background: options.background ?? {},
    wallClock,
    steadyClock: wallClock,
    random: () => random.next(),
    effects: {
      setWake(delayMs) {
        if (delayMs === null) environment.cancelTimer(WAKE_TIMER);
        else environment.setTimer(WAKE_TIMER, delayMs);
      },
      trace(event) {
        const head = { kind: 'note', time: environment.time, node, incarnation } as const;
        const detail = Object.entries(event.detail ?? {}).map(([key, value]) => [
          key,
          plain(value),
        ]);
        environment.trace({ ...head, event: event.event, detail: Object.fromEntries(detail) });
        if (MUST_NOT_HAPPEN.has(event.event)) {
          const text = JSON.stringify(Object.fromEntries(detail));
          environment.trace({ ...head, kind: 'wrong', property: event.event, text });
        }
      },
    },
  });
  let told: RingId | undefined;
  host.onView((view) => {
    const members = view.members.map(({ nodeId }) => nodeId);
    traceQuorum(environment, quorum, { ringId: view.ringId, members }, view);
    // A later word on quorum in the same ring comes at a place of its own.
    if (told === undefined || !ringIdEquals(told, view.ringId)) {
      traceStates(environment, host, 'view');
    }
    told = view.ringId;
  });
  return host;
}

/** A state record per service, at this place of the total order. */
function traceStates(
  environment: ProcessEnvironment,
  host: ServiceHost,
  place: 'view' | 'end',
): void {
  const { node, incarnation } = environment;
  const ringId = host.view?.ringId;
  if (ringId === undefined) return;
  for (const { name } of host.services) {
    // What is still to come cannot be compared; at the end it must be there.
    const isLacking = host.transfers().some(({ service }) => service === name);
    if (place === 'view' && isLacking) continue;
    const hash = host.stateHash(name);
    const head = { kind: 'state', time: environment.time, node, incarnation } as const;
    environment.trace({ ...head, ringId, service: name, place, hash });
  }
}

function createWorkloads(
  environment: ProcessEnvironment,
  host: ServiceHost,
  options: FullNodeOptions,
): WorkloadClient[] {
  const { node, incarnation } = environment;
  return options.workloads.map((workload) =>
    workload.create({
      node,
      host,
      random: environment.random.fork(`workload ${workload.service.name}`),
      time: () => environment.time,
      wrong(property, text) {
        const head = { kind: 'wrong', time: environment.time, node, incarnation } as const;
        environment.trace({ ...head, property, text });
      },
    }),
  );
}

/** Details of any shape as text: ring ids as `rep.seq`. */
function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if ('rep' in value && 'seq' in value) return `${value.rep}.${value.seq}`;
  return Object.values(value).map(plain).join(',');
}
