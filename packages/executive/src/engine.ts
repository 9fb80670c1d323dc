/**
 * The built-in engine: process groups on a ring on UDP, with its timers and its stable store. Everything
 * pure is called from here, and what it throws ends the engine instead of the process.
 */
import type { QuorumFilter } from '@aisexec/service';
import {
  createTotem,
  type GroupMessaging,
  type LinkStatus,
  type RingId,
  type RingMachine,
  type RingState,
  type RingTimer,
  ringDefaults,
} from '@aisexec/totem';
import type { ExecutiveConfig, TransportConfig } from './config/config.ts';
import { createNetworks, type Networks } from './drivers/networks.ts';
import { noticingSealed } from './drivers/seal/transport.ts';
import { openStableStore } from './drivers/stable-store.ts';
import { createTimers, type Timers } from './drivers/timers.ts';
import { createMulticastTransport } from './drivers/udp/multicast.ts';
import { createUdpTransport, type UdpOptions, type UdpTransport } from './drivers/udp/udp.ts';
import type { Rotation } from './keys/rotation.ts';
import { openSealing } from './keys/sealing.ts';
import { LEAVE_DRAIN_MS } from './limits.ts';

export interface EngineOptions {
  readonly config: ExecutiveConfig;
  readonly trace: (event: string, detail?: Readonly<Record<string, unknown>>) => void;
  /** The engine cannot go on, e.g. because the ring sequence cannot be stored. Called once. */
  readonly failed: (error: Error) => void;
  /** The ring, operational, has accepted a token; and it is not operational. For measuring. */
  readonly token?: (now: number) => void;
  readonly noToken?: () => void;
}

export interface RingStatus {
  readonly state: RingState;
  readonly ringId: RingId;
  /** nodeids, ascending. */
  readonly members: readonly number[];
}

/** A group-messaging layer with its life cycle: what an executive runs on. */
export interface Engine {
  /** The value of `engine` in the configuration. */
  readonly name: string;
  readonly messaging: GroupMessaging;
  /** Where it listens, for people. */
  readonly endpoint: string;
  readonly ring: RingStatus;
  /**
   * Rises with every packet and every timer that the ring has handled: stands still when it does not turn.
   * undefined: an engine whose ring turns in another process.
   */
  readonly turns?: number;
  /** The links to each peer, where there are several; else empty. */
  readonly links?: readonly LinkStatus[];
  /** The filter of the quorum provider that comes with the engine, where there is one. */
  readonly quorum?: QuorumFilter;
  /** Of a sealed ring: its keys and how to change them. */
  readonly rotation?: Rotation;
  start(): void;
  /** Leaves in good order and ends. */
  leave(): Promise<void>;
  stats(): Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export type EngineFactory = (options: EngineOptions) => Promise<Engine>;

/** @throws StableStoreError, TransportError, KeyFileError: why this node cannot start. */
export async function createTotemEngine(options: EngineOptions): Promise<Engine> {
  const { config, trace, failed } = options;
  const { node, nodes } = config;
  const { io: _io, linkMode: _linkMode, seal, ...totem } = config.totem;
  const store = openStableStore(config.stateDir, node.id);
  const sealing = seal === undefined ? undefined : openSealing(config, seal, trace);
  if (sealing === undefined && nodes.length > 1) trace('unsealed-ring', UNSEALED);
  let ended = false;
  let ring: RingMachine | undefined;
  let turns = 0;

  function fail(error: unknown): void {
    if (ended) return;
    ended = true;
    timers.stop();
    failed(error instanceof Error ? error : new Error(String(error)));
  }

  const timers: Timers<RingTimer> = createTimers({
    fire(name, now) {
      if (ended) return;
      try {
        ring?.timeout(name, now);
        turns++;
      } catch (error) {
        fail(error);
      }
    },
  });
  const { transport, ...timings } = totem;
  const open = (link: UdpOptions) => openTransport(transport, link);
  const networks: Networks = await createNetworks({
    config,
    open: (link) => sealing?.around(link, open) ?? open(noticingSealed(link, trace)),
    receive(packet) {
      if (ended) return;
      try {
        ring?.receive(packet, performance.now());
        turns++;
      } catch (error) {
        fail(error);
      }
    },
    refused(nodeId, isHint) {
      if (ended || ring === undefined) return false;
      try {
        if (isHint) ring.suspect(nodeId, performance.now());
      } catch (error) {
        fail(error);
      }
      return ring.members.includes(nodeId);
    },
    event: ({ event, ...detail }) => trace(event, detail),
    failed: fail,
  });
  const udp = networks.transports[0]!;
  if (udp.plain !== undefined) trace('plain-datagrams', { reason: udp.plain });
  const { ring: machine, messaging } = createTotem(
    ringDefaults({ ...timings, nodeId: node.id, ringSeq: store.ringSeq, random: Math.random }),
    {
      unicast: (target, packet) => networks.unicast(target, packet),
      multicast: (packet) => networks.multicast(packet),
      flush: () => networks.flush(),
      setTimer(name, delayMs) {
        // The ring restarts this one with every token that it accepts (totem-wire §3.1).
        if (name === 'token') {
          if (machine.state === 'operational') options.token?.(performance.now());
          else options.noToken?.();
        }
        timers.set(name, delayMs);
      },
      cancelTimer: (name) => timers.cancel(name),
      storeRingId: (ringId) => store.save(ringId),
      trace: ({ event, detail }) => trace(event, detail),
    },
  );

  const rotation = sealing?.join(messaging);
  return {
    name: 'totem',
    messaging,
    ...(rotation === undefined ? {} : { rotation }),
    endpoint: networks.transports.map(endpointText).join(', '),
    get ring() {
      return { state: machine.state, ringId: machine.ringId, members: machine.members };
    },
    get turns() {
      return turns;
    },
    get links() {
      return networks.links();
    },
    start() {
      // Packets that came before this are lost, like those that came before the socket was there.
      ring = machine;
      networks.start();
      machine.start(performance.now());
    },
    async leave() {
      if (!ended) {
        if (ring !== undefined) machine.leave(performance.now());
        ended = true;
        timers.stop();
        await new Promise((resolve) => setTimeout(resolve, LEAVE_DRAIN_MS));
      }
      await networks.close();
    },
    stats: () => ({
      ring: machine.stats(),
      groups: messaging.stats(),
      ...networks.stats(),
      ...(sealing === undefined ? {} : { seal: sealing.stats() }),
    }),
  };
}

const UNSEALED = {
  advice:
    'packets between nodes are in the clear: whoever is on the network reads and forges them; see totem.key_file',
};

function openTransport(transport: TransportConfig, options: UdpOptions): Promise<UdpTransport> {
  if (transport.type === 'udpu') return createUdpTransport(options);
  return createMulticastTransport({ ...options, ...transport });
}

function endpointText({ address, port }: UdpTransport): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
