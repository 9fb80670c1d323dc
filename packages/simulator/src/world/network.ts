/**
 * The network of the world: delay, loss, duplication, reordering, replay, loss by packet type, blocked and
 * clogged links, path capacity. Links are directed, so every fault can be one-way. Packets are copied when
 * they are sent, each receiver gets bytes of its own. A node's unicast to itself never fails but is an
 * event like any other: nothing recurses.
 */
import { SIM_REPLAY_PACKETS_MAX } from '../limits.ts';
import type { Random } from '../random.ts';
import type { EventHandler, Scheduler } from './scheduler.ts';

/** Conditions that hold for all links until changed. */
export interface NetworkConditions {
  readonly delayMinMs: number;
  readonly delayMeanMs: number;
  /** Chance that a packet takes 20 times its delay. */
  readonly heavyTail: number;
  readonly loss: number;
  readonly duplicate: number;
  /** Chance that a packet is held back by up to 10 mean delays, so that later ones overtake it. */
  readonly reorder: number;
  /** Chance, per packet sent, that some recorded old packet arrives again at its old destination. */
  readonly replay: number;
  /** Chance that bits of a packet flip. UDP's checksum finds every burst of up to 16 bits: it is counted and gone. */
  readonly damage: number;
  /** Packets under way on one link; more are dropped. */
  readonly capacity: number;
  /** Packets of one link never overtake each other. */
  readonly fifo: boolean;
}

export interface NetworkStats {
  sent: number;
  delivered: number;
  lost: number;
  blocked: number;
  overflowed: number;
  duplicated: number;
  replayed: number;
  /** Bits flipped, found by the checksum. */
  damaged: number;
  /** Larger than what a link lets through. */
  oversized: number;
}

export interface Network {
  conditions: NetworkConditions;
  /** `from` and `to` are node indexes, 0 upwards. */
  send(from: number, to: number, packet: Uint8Array): void;
  block(from: number, to: number, on: boolean): void;
  isBlocked(from: number, to: number): boolean;
  /** Packets sent on this link before `time` arrive after it, in a burst. */
  clog(from: number, to: number, time: number): void;
  /** Loss of one packet type (byte 3 of the Totem header) on every link. */
  loseType(type: number, probability: number): void;
  /** Packets larger than this vanish on the link (an MTU black hole). */
  limit(from: number, to: number, bytes: number): void;
  /** Every link open, no loss, no duplicates, no replays; the delays stay. */
  heal(): void;
  readonly stats: NetworkStats;
}

/** How conditions look on a healthy network with these delays. */
export const healthyConditions = (delayMinMs: number, delayMeanMs: number): NetworkConditions => ({
  delayMinMs,
  delayMeanMs,
  heavyTail: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  replay: 0,
  damage: 0,
  capacity: Number.POSITIVE_INFINITY,
  fifo: true,
});

const PACKET_TYPES = 6;
const TYPE_OFFSET = 3;
const SELF_DELAY_MS = 0.01;
const HEAVY_TAIL_FACTOR = 20;
const REORDER_FACTOR = 10;
const SLAB_BYTES = 256 * 1024;

export interface NetworkOptions {
  readonly nodes: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly conditions: NetworkConditions;
  /** Sees every packet between two nodes as it leaves; false: it vanishes. */
  readonly filter?: (from: number, to: number, packet: Uint8Array) => boolean;
  readonly arrive: (to: number, packet: Uint8Array, from: number) => void;
}

export function createNetwork(options: NetworkOptions): Network {
  const { nodes, scheduler, random, arrive } = options;
  const links = nodes * nodes;
  const blocked = new Uint8Array(links);
  const cloggedUntil = new Float64Array(links);
  const lastArrival = new Float64Array(links);
  const underWay = new Int32Array(links);
  const bytesMax = new Float64Array(links).fill(Number.POSITIVE_INFINITY);
  const typeLoss = new Float64Array(PACKET_TYPES);
  const recorded: { link: number; packet: Uint8Array }[] = [];
  const stats: NetworkStats = {
    sent: 0,
    delivered: 0,
    lost: 0,
    blocked: 0,
    overflowed: 0,
    duplicated: 0,
    replayed: 0,
    damaged: 0,
    oversized: 0,
  };
  let conditions = options.conditions;
  let slab = new Uint8Array(SLAB_BYTES);
  let slabUsed = 0;
  let recordedNext = 0;

  /** A copy in a shared slab: far cheaper than an allocation per packet. */
  const copy = (packet: Uint8Array): Uint8Array => {
    if (slabUsed + packet.length > SLAB_BYTES) {
      slab = new Uint8Array(Math.max(SLAB_BYTES, packet.length));
      slabUsed = 0;
    }
    const bytes = slab.subarray(slabUsed, slabUsed + packet.length);
    bytes.set(packet);
    slabUsed += packet.length;
    return bytes;
  };

  const arrival: EventHandler = {
    fire(event) {
      underWay[event.b]! -= 1;
      stats.delivered += 1;
      arrive(event.a, event.bytes, Math.floor(event.b / nodes));
    },
  };

  const delay = (): number => {
    const { delayMinMs, delayMeanMs } = conditions;
    let ms = delayMinMs + random.exponential(Math.max(0, delayMeanMs - delayMinMs));
    if (random.chance(conditions.heavyTail)) ms *= HEAVY_TAIL_FACTOR;
    if (random.chance(conditions.reorder)) ms += random.next() * delayMeanMs * REORDER_FACTOR;
    return ms;
  };

  const dispatch = (link: number, packet: Uint8Array): void => {
    if (underWay[link]! >= conditions.capacity) {
      stats.overflowed += 1;
      return;
    }
    underWay[link]! += 1;
    let time = scheduler.now + delay();
    if (cloggedUntil[link]! > time) time = cloggedUntil[link]!;
    if (conditions.fifo) {
      if (lastArrival[link]! > time) time = lastArrival[link]!;
      lastArrival[link] = time;
    }
    scheduler.at(time, arrival, link % nodes, link, copy(packet));
  };

  const recordAndReplay = (link: number, packet: Uint8Array): void => {
    const entry = { link, packet: copy(packet) };
    if (recorded.length < SIM_REPLAY_PACKETS_MAX) recorded.push(entry);
    else recorded[recordedNext] = entry;
    recordedNext = (recordedNext + 1) % SIM_REPLAY_PACKETS_MAX;
    if (!random.chance(conditions.replay)) return;
    const old = random.pick(recorded);
    if (blocked[old.link] === 1) return;
    stats.replayed += 1;
    dispatch(old.link, old.packet);
  };

  const isLost = (packet: Uint8Array): boolean => {
    const byType = typeLoss[packet[TYPE_OFFSET] ?? 0] ?? 0;
    return random.chance(byType) || random.chance(conditions.loss);
  };

  return {
    get conditions() {
      return conditions;
    },
    set conditions(next) {
      conditions = next;
    },
    stats,
    send(from, to, packet) {
      const link = from * nodes + to;
      stats.sent += 1;
      if (from === to) {
        underWay[link]! += 1;
        scheduler.at(scheduler.now + SELF_DELAY_MS, arrival, to, link, copy(packet));
        return;
      }
      if (blocked[link] === 1 || options.filter?.(from, to, packet) === false) {
        stats.blocked += 1;
        return;
      }
      if (conditions.replay > 0) recordAndReplay(link, packet);
      if (packet.length > bytesMax[link]!) {
        stats.oversized += 1;
        return;
      }
      if (isLost(packet)) {
        stats.lost += 1;
        return;
      }
      if (random.chance(conditions.damage)) {
        stats.damaged += 1;
        return;
      }
      dispatch(link, packet);
      if (random.chance(conditions.duplicate)) {
        stats.duplicated += 1;
        dispatch(link, packet);
      }
    },
    block(from, to, on) {
      blocked[from * nodes + to] = on ? 1 : 0;
    },
    isBlocked: (from, to) => blocked[from * nodes + to] === 1,
    clog(from, to, time) {
      cloggedUntil[from * nodes + to] = time;
    },
    loseType(type, probability) {
      typeLoss[type] = probability;
    },
    limit(from, to, bytes) {
      bytesMax[from * nodes + to] = bytes;
    },
    heal() {
      blocked.fill(0);
      cloggedUntil.fill(0);
      typeLoss.fill(0);
      bytesMax.fill(Number.POSITIVE_INFINITY);
      recorded.length = 0;
      recordedNext = 0;
      conditions = healthyConditions(conditions.delayMinMs, conditions.delayMeanMs);
    },
  };
}
