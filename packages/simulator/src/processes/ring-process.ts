/**
 * The bare ring on a node: the protocol of `@aisexec/totem` with a client that sends load and reports what
 * it is told, record by record. The client does what a service host does about synchronisation, in the
 * smallest form: in each regular configuration everybody sends one `sync` message, and whoever has seen those
 * of all members calls `syncComplete`.
 */
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
import { bytesHash } from '../hash.ts';
import { SIM_MESSAGES_PER_INCARNATION_MAX, SIM_OUTSTANDING_MESSAGES_MAX } from '../limits.ts';
import { messageId, messageNode, messageStream } from '../trace/record.ts';
import { drawPauseMs, drawSize, LOAD_TIMER, type LoadProfile } from '../workloads/load.ts';
import { decodeMessage, encodeMessage, MESSAGE_HEAD_BYTES } from '../workloads/message.ts';
import type { ProcessEnvironment, ProcessFactory, SimProcess } from '../world/process.ts';
import { createPacketObserver } from './packet-observer.ts';

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
}

export type PartsMutation = (parts: RingParts, environment: ProcessEnvironment) => RingParts;

export interface RingProcessOptions {
  readonly createRing: RingFactory;
  readonly settings: RingSettings;
  readonly load: LoadProfile;
  readonly mutate?: PartsMutation;
}

const LAST_WORD_RETRY_MS = 20;

export function ringProcessFactory(options: RingProcessOptions): ProcessFactory {
  return (environment) => createRingProcess(environment, options);
}

function createRingProcess(
  environment: ProcessEnvironment,
  options: RingProcessOptions,
): SimProcess {
  const { settings, load } = options;
  const { node, incarnation, random } = environment;
  const head = (): { time: number; node: number; incarnation: number } => ({
    time: environment.time,
    node,
    incarnation,
  });
  const observer = createPacketObserver(environment, settings.initialSeq);
  const outstanding = new Set<number>();
  const counters: [number, number] = [0, 0];
  const counts = { sent: 0, delivered: 0, refused: 0, configurations: 0 };
  let loading = true;
  let syncRing: RingId | undefined;
  let syncMembers: readonly number[] = [];
  let syncSeen = new Set<number>();

  const submit = (stream: 0 | 1, safe: boolean, bytes: number): boolean => {
    const counter = counters[stream] + 1;
    if (counter > SIM_MESSAGES_PER_INCARNATION_MAX) return false;
    const traffic = stream === 1 ? 'sync' : 'normal';
    if (ring.room(traffic) < 1) {
      counts.refused += 1;
      return false;
    }
    const id = messageId(node, incarnation, stream, counter);
    const { payload, hash } = encodeMessage(id, safe, bytes);
    counters[stream] = counter;
    environment.trace({ kind: 'send', ...head(), message: id, hash, safe });
    outstanding.add(id);
    counts.sent += 1;
    if (ring.submit(payload, parts.submitAs(safe ? 'safe' : 'agreed'), traffic)) return true;
    throw new Error(`submit refused a ${traffic} message although room was ${ring.room(traffic)}`);
  };

  const onSyncMessage = (id: number, ringId: RingId): void => {
    if (syncRing === undefined || !ringIdEquals(syncRing, ringId)) return;
    syncSeen.add(messageNode(id));
    if (syncSeen.size < syncMembers.length) return;
    syncRing = undefined;
    ring.syncComplete(ringId);
  };

  const client: RingClient = {
    deliver(source, payload, ringId, guarantee) {
      const message = decodeMessage(payload);
      const id = message?.id ?? 0;
      const hash = message?.hash ?? bytesHash(payload);
      const safe = guarantee === 'safe';
      environment.trace({ kind: 'deliver', ...head(), ringId, source, message: id, hash, safe });
      counts.delivered += 1;
      outstanding.delete(id);
      if (id !== 0 && messageStream(id) === 1) onSyncMessage(id, ringId);
    },
    configuration(configuration: Configuration) {
      environment.trace({ kind: 'configuration', ...head(), configuration });
      counts.configurations += 1;
      if (configuration.type !== 'regular') return;
      syncRing = configuration.ringId;
      syncMembers = configuration.members;
      syncSeen = new Set();
      submit(1, false, MESSAGE_HEAD_BYTES);
    },
    tokenArrived: () => undefined,
  };

  const parts = assemble(environment, options, observer, client);
  const ring = options.createRing(parts.config, parts.effects, parts.client);

  /** When the load ends, one more message must get through: what L1 asks for. */
  let lastWordDue = false;
  const sendLastWord = (): void => {
    lastWordDue = !submit(0, false, MESSAGE_HEAD_BYTES);
    if (lastWordDue) environment.setTimer(LOAD_TIMER, LAST_WORD_RETRY_MS);
  };
  const sendLoad = (): void => {
    for (let i = 0; i < load.burst && loading; i += 1) {
      if (outstanding.size >= SIM_OUTSTANDING_MESSAGES_MAX) break;
      submit(0, random.chance(load.safe), drawSize(load, settings.payloadBytesMax, random));
    }
    scheduleLoad();
  };
  const scheduleLoad = (): void => {
    if (loading && load.rate > 0) environment.setTimer(LOAD_TIMER, drawPauseMs(load, random));
  };

  return {
    start(now) {
      ring.start(now);
      scheduleLoad();
    },
    receive(packet, now) {
      observer.received(packet);
      if (parts.filter(packet)) ring.receive(packet, now);
    },
    timeout(timer, now) {
      if (timer === LOAD_TIMER) (loading ? sendLoad : sendLastWord)();
      else ring.timeout(timer as RingTimer, now);
    },
    leave: (now) => ring.leave(now),
    load(on) {
      loading = on;
      if (on) scheduleLoad();
      else sendLastWord();
    },
    get state() {
      return ring.state;
    },
    get ring() {
      return ring.ringId;
    },
    get members() {
      return ring.members;
    },
    get idle() {
      return outstanding.size === 0 && !lastWordDue;
    },
    stats: () => ({ ...ring.stats(), ...counts }),
  };
}

/** Configuration, effects and client of one ring, as the mutant wants them. */
function assemble(
  environment: ProcessEnvironment,
  options: RingProcessOptions,
  observer: ReturnType<typeof createPacketObserver>,
  client: RingClient,
): RingParts {
  const { node, incarnation, random } = environment;
  const protocolRandom = random.fork('protocol');
  const note = (event: RingTraceEvent): void => {
    const head = { time: environment.time, node, incarnation, kind: 'note' } as const;
    if (event.detail === undefined) environment.trace({ ...head, event: event.event });
    else environment.trace({ ...head, event: event.event, detail: event.detail });
  };
  const parts: RingParts = {
    config: {
      ...options.settings,
      nodeId: node,
      ringSeq: environment.store.ringSeq,
      random: () => protocolRandom.next(),
    },
    effects: {
      unicast: (target, packet) => environment.unicast(target, packet),
      multicast(packet) {
        observer.multicast(packet);
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
  };
  return options.mutate?.(parts, environment) ?? parts;
}
