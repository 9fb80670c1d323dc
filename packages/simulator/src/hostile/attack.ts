/**
 * A live ring under hostile datagrams: genuine packets are recorded, changed and fed to rings in every state,
 * before their start and after their end, too, with hints and calls at odd moments. Nothing may be thrown,
 * nothing may leave that breaks a rule of the wire (totem-wire §4.7), and the ring must re-form when it ends.
 */
import { createRing, RING_TIMERS, type RingMachine, wire } from '@aisexec/totem';
import { type RingFactory, ringProcessFactory } from '../processes/ring-process.ts';
import { wireFault } from '../processes/wire-audit.ts';
import { createRandom, type Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { createTrace } from '../trace/trace.ts';
import { healthyConditions } from '../world/network.ts';
import type { ProcessFactory } from '../world/process.ts';
import { createWorld, type World } from '../world/world.ts';

export interface AttackOptions {
  readonly seed: number;
  /** Datagrams fed to the rings. */
  readonly packets: number;
  /** Wraps the rings, e.g. to count situations. */
  readonly watch?: (create: RingFactory) => RingFactory;
}

export interface AttackResult {
  readonly seed: number;
  /** What went wrong, each a sentence; empty when nothing did. */
  readonly faults: readonly string[];
  readonly packets: number;
  /** One ring of all nodes stood again in the end. */
  readonly reformed: boolean;
}

const TAPE_PER_TYPE = 64;
const PACKET_TYPES = 6;
const SPACING_MS = 2;
const RESTART_MS = 400;
const NODES = 3;
/** Packets that are accompanied by a timer or a call out of turn. */
const STRAY_SHARE = 0.1;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

export function attack(options: AttackOptions): AttackResult {
  const { seed, packets, watch = (create) => create } = options;
  const random = createRandom(seed, 'attack');
  const scenario = drawScenario({ seed, seconds: 1, nodes: NODES, faults: false, stack: 'ring' });
  const faults = new Set<string>();
  const tape: Uint8Array[][] = Array.from({ length: PACKET_TYPES }, () => []);
  const look = (packet: Uint8Array): void => {
    const fault = wireFault(packet);
    if (fault !== undefined) faults.add(`sent a ${fault}`);
    const kind = tape[packet[3]!];
    if (kind === undefined) return;
    if (kind.length < TAPE_PER_TYPE) kind.push(packet.slice());
    else kind[random.below(TAPE_PER_TYPE)] = packet.slice();
  };
  const draw = (): Uint8Array => mutated(random, tape);
  const create = watch(createRing);
  const inner = ringProcessFactory({
    createRing(...parts) {
      // One that leaves before it starts must not disturb anybody either.
      create(...parts).leave(0);
      return harassed(create(...parts), draw, random);
    },
    settings: scenario.settings,
    load: scenario.load,
    quorum: { provider: 'none' },
  });
  const world = createWorld({
    random: random.fork('world'),
    nodes: scenario.nodes,
    conditions: { ...healthyConditions(0.2, 1), loss: 0.02 },
    factory: tapped(inner, look),
    trace: createTrace([]),
  });
  for (const node of world.nodes) node.start();
  strike(world, random, draw, packets);
  const { tokenMs, consensusMs } = scenario.settings;
  const reformed = settle(world, 20 * (tokenMs + consensusMs));
  for (const { node, text } of world.exceptions) faults.add(`node ${node} threw ${text}`);
  if (!reformed) faults.add('no ring of all nodes stood in the end');
  return { seed, faults: [...faults], packets, reformed };
}

/** Datagrams one after the other; now and then a node is hinted at, leaves, or comes back. */
function strike(world: World, random: Random, draw: () => Uint8Array, packets: number): void {
  for (let i = 0; i < packets; i += 1) {
    world.scheduler.runUntil(world.now + random.exponential(SPACING_MS));
    const node = random.pick(world.nodes);
    if (node.up) node.arrive(draw());
    else node.start();
    const die = random.next();
    if (die < 0.02) node.refused(random.pick(world.nodes).id);
    else if (die < 0.025) node.leave();
    else if (die < 0.03) world.scheduler.runUntil(world.now + RESTART_MS);
  }
}

function settle(world: World, boundMs: number): boolean {
  const until = world.now + boundMs;
  for (const node of world.nodes) node.start();
  const isOneRing = (): boolean => {
    const { seq } = world.nodes[0]!.process?.ring ?? { seq: -1 };
    return world.nodes.every(
      ({ process }) => process?.state === 'operational' && process.ring.seq === seq,
    );
  };
  while (world.now < until && !isOneRing()) world.scheduler.runUntil(world.now + SPACING_MS);
  return isOneRing();
}

/** Inputs before the start and after the end, where the world would not bring any. */
function harassed(ring: RingMachine, draw: () => Uint8Array, random: Random): RingMachine {
  /** A timer that nobody set, or that comes early, or a call out of turn. */
  const stray = (now: number): void => {
    const timer = random.pick(RING_TIMERS);
    if (random.chance(0.9)) ring.timeout(timer, now);
    else ring.syncComplete(ring.ringId);
  };
  const harass = (now: number): void => {
    for (let i = 0; i < 2 * PACKET_TYPES; i += 1) ring.receive(draw(), now);
    for (const timer of RING_TIMERS) ring.timeout(timer, now);
    ring.suspect(1, now);
    ring.submit(new Uint8Array(1), 'agreed', 'sync');
    ring.syncComplete(ring.ringId);
  };
  return Object.create(ring, {
    receive: {
      value: (packet: Uint8Array, now: number) => {
        if (random.chance(STRAY_SHARE)) stray(now);
        ring.receive(packet, now);
      },
    },
    start: {
      value: (now: number) => {
        harass(now);
        ring.start(now);
      },
    },
    leave: {
      value: (now: number) => {
        ring.leave(now);
        harass(now);
        ring.leave(now);
      },
    },
  }) as RingMachine;
}

function tapped(factory: ProcessFactory, look: (packet: Uint8Array) => void): ProcessFactory {
  return (environment) =>
    factory(
      Object.create(environment, {
        unicast: {
          value: (target: number, packet: Uint8Array) => {
            look(packet);
            environment.unicast(target, packet);
          },
        },
        multicast: {
          value: (packet: Uint8Array) => {
            look(packet);
            environment.multicast(packet);
          },
        },
      }),
    );
}

/** A recorded packet of a random type with up to four changes, or noise behind a good header. */
function mutated(random: Random, tape: readonly (readonly Uint8Array[])[]): Uint8Array {
  const type = random.below(PACKET_TYPES);
  const kind = tape[type]!;
  if (kind.length === 0 || random.chance(0.1)) return noise(random, type);
  let packet: Uint8Array = random.pick(kind).slice();
  const changes = random.below(4);
  for (let i = 0; i < changes; i += 1) packet = changed(random, packet);
  return packet;
}

function noise(random: Random, type: number): Uint8Array {
  const packet = Uint8Array.from({ length: 13 + random.below(200) }, () => random.u32());
  wire.putHeader(packet, type, random.pick([0, 1, 2]), random.pick([0, 1, 2, random.u32()]));
  return packet;
}

function changed(random: Random, packet: Uint8Array): Uint8Array {
  const at = random.below(packet.length);
  switch (random.below(5)) {
    case 0:
      packet[at]! ^= 1 << random.below(8);
      return packet;
    case 1:
      packet[at] = random.u32();
      return packet;
    case 2:
      packet[at]! += random.pick([1, -1, 4, -4]);
      return packet;
    case 3:
      return packet.slice(0, at);
    default:
      if (at + 4 <= packet.length) putU32(packet, at, random.pick(INTERESTING));
      return packet;
  }
}

function putU32(packet: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i += 1) packet[at + i] = (value >>> (8 * i)) & 0xff;
}
