/**
 * The bare ring on a node: the protocol of `@aisexec/totem` with a client that sends load and reports what
 * it is told, record by record. The client does what a service host does about synchronisation, in the
 * smallest form: in each regular configuration everybody sends one `sync` message, and whoever has seen those
 * of all members calls `syncComplete`.
 */
import {
  createQuorum,
  type QuorumFilter,
  type QuorumOptions,
  type QuorumState,
} from '@aisexec/service';
import {
  type Configuration,
  type Guarantee,
  type RingClient,
  type RingConfig,
  type RingEffects,
  type RingId,
  type RingMachine,
  type RingTimer,
  type RingTraceEvent,
  ringIdEquals,
} from '@aisexec/totem';
import { messageNode, messageStream } from '../trace/record.ts';
import { LOAD_TIMER, type LoadProfile } from '../workloads/load.ts';
import { createLoadClient, type Stream } from '../workloads/load-client.ts';
import type { ProcessEnvironment, ProcessFactory, SimProcess } from '../world/process.ts';
import { createPacketObserver } from './packet-observer.ts';
import { wireFault } from './wire-audit.ts';

/** `createRing` of the ring protocol. */
export type RingFactory = (
  config: RingConfig,
  effects: RingEffects,
  client: RingClient,
) => RingMachine;

/** Everything of {@link RingConfig} that is the same on every node of a run. */
export type RingSettings = Omit<RingConfig, 'nodeId' | 'ringSeq' | 'random'>;

/** The parts around one ring; a mutant replaces some of them (ADR 0031). */
export interface RingParts {
  readonly config: RingConfig;
  readonly effects: RingEffects;
  readonly client: RingClient;
  /** Sees a packet before the ring does; false swallows it. */
  readonly filter: (packet: Uint8Array) => boolean;
  /** Guarantee with which a message is really submitted. */
  readonly submitAs: (guarantee: Guarantee) => Guarantee;
  readonly quorum: QuorumOptions;
}

export type PartsMutation = (parts: RingParts, environment: ProcessEnvironment) => RingParts;

export interface RingOptions {
  readonly createRing: RingFactory;
  readonly settings: RingSettings;
  /** Those of one node, where nodes differ in their time-outs. */
  readonly settingsOf?: (node: number) => RingSettings;
  readonly quorum: QuorumOptions;
  readonly mutate?: PartsMutation;
}

export interface RingProcessOptions extends RingOptions {
  readonly load: LoadProfile;
}

export function ringProcessFactory(options: RingProcessOptions): ProcessFactory {
  return (environment) => createRingProcess(environment, options);
}

function createRingProcess(
  environment: ProcessEnvironment,
  options: RingProcessOptions,
): SimProcess {
  const { settings, load } = options;
  const { node, incarnation } = environment;
  const observer = createPacketObserver(environment, settings.initialSeq);
  const loadClient = createLoadClient({
    environment,
    load,
    bytesMax: settings.payloadBytesMax,
    submit: (stream, payload, safe) =>
      ring.submit(payload, parts.submitAs(safe ? 'safe' : 'agreed'), trafficOf(stream)),
  });
  let syncRing: RingId | undefined;
  let syncMembers: readonly number[] = [];
  let syncSeen = new Set<number>();

  const onSyncMessage = (id: number, ringId: RingId): void => {
    if (syncRing === undefined || !ringIdEquals(syncRing, ringId)) return;
    syncSeen.add(messageNode(id));
    if (syncSeen.size < syncMembers.length) return;
    syncRing = undefined;
    ring.syncComplete(ringId);
  };

  const client: RingClient = {
    deliver(source, payload, ringId, guarantee) {
      const id = loadClient.delivered(source, payload, ringId, guarantee === 'safe');
      if (id !== 0 && messageStream(id) === 1) onSyncMessage(id, ringId);
    },
    configuration(configuration: Configuration) {
      const { time } = environment;
      environment.trace({ kind: 'configuration', time, node, incarnation, configuration });
      if (configuration.type !== 'regular') return;
      const { ringId, members } = configuration;
      traceQuorum(
        environment,
        quorum,
        configuration,
        quorum.update({ ringId, members: members.map((nodeId) => ({ nodeId })) }),
      );
      syncRing = ringId;
      syncMembers = members;
      syncSeen = new Set();
      loadClient.sendSync();
    },
    tokenArrived: () => undefined,
  };

  const parts = assembleRing(environment, options, client, (packet) => observer.multicast(packet));
  const quorum = createQuorum(parts.quorum);
  const ring = options.createRing(parts.config, parts.effects, parts.client);

  return {
    start(now) {
      ring.start(now);
      loadClient.start();
    },
    receive(packet, now) {
      observer.received(packet);
      if (parts.filter(packet)) ring.receive(packet, now);
    },
    timeout(timer, now) {
      if (timer === LOAD_TIMER) loadClient.timeout();
      else ring.timeout(timer as RingTimer, now);
    },
    suspect: (suspected, now) => ring.suspect(suspected, now),
    leave: (now) => ring.leave(now),
    load: (on) => loadClient.load(on),
    send: (count, safe) => loadClient.send(count, safe),
    conclude: () => undefined,
    digest: () => '',
    get state() {
      return ring.state;
    },
    get ring() {
      return ring.ringId;
    },
    get idle() {
      return loadClient.idle;
    },
    stats: () => ({ ...ring.stats(), ...loadClient.counts }),
  };
}

const trafficOf = (stream: Stream): 'normal' | 'sync' => (stream === 1 ? 'sync' : 'normal');

/** Writes down what a counting filter says of a configuration. */
export function traceQuorum(
  environment: ProcessEnvironment,
  filter: QuorumFilter,
  { ringId, members }: Pick<Configuration, 'ringId' | 'members'>,
  { quorate }: Pick<QuorumState, 'quorate'>,
): void {
  if (filter.name === 'none') return;
  const { time, node, incarnation } = environment;
  environment.trace({ kind: 'quorum', time, node, incarnation, ringId, members, quorate });
}

/** Configuration, effects and client of one ring, as the mutant wants them. */
export function assembleRing(
  environment: ProcessEnvironment,
  options: RingOptions,
  client: RingClient,
  onMulticast: (packet: Uint8Array) => void,
): RingParts {
  const { node, incarnation, random } = environment;
  const protocolRandom = random.fork('protocol');
  const note = (event: RingTraceEvent): void => {
    const head = { time: environment.time, node, incarnation, kind: 'note' } as const;
    if (event.detail === undefined) environment.trace({ ...head, event: event.event });
    else environment.trace({ ...head, event: event.event, detail: event.detail });
  };
  /** Every packet is looked at once more as it leaves: a peer in C would not survive a wrong one. */
  const audit = (packet: Uint8Array): void => {
    const fault = wireFault(packet);
    if (fault === undefined) return;
    const head = { time: environment.time, node, incarnation, kind: 'wrong' } as const;
    environment.trace({ ...head, property: 'wire', text: `sent a ${fault}` });
  };
  const parts: RingParts = {
    config: {
      ...(options.settingsOf?.(node) ?? options.settings),
      nodeId: node,
      ringSeq: environment.store.ringSeq,
      random: () => protocolRandom.next(),
    },
    effects: {
      unicast(target, packet) {
        audit(packet);
        environment.unicast(target, packet);
      },
      multicast(packet) {
        audit(packet);
        onMulticast(packet);
        environment.multicast(packet);
      },
      setTimer: (name, delayMs) => environment.setTimer(name, delayMs),
      cancelTimer: (name) => environment.cancelTimer(name),
      storeRingId: (ringId) => environment.storeRingSeq(ringId.seq),
      trace: note,
    },
    client,
    filter: () => true,
    submitAs: (guarantee) => guarantee,
    quorum: options.quorum,
  };
  return options.mutate?.(parts, environment) ?? parts;
}
