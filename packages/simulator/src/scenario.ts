/**
 * From a seed to everything a run needs: how many nodes, Totem's parameters, the network, the load, the
 * faults. Options given on the command line win over what the seed would draw; other draws do not change.
 */
import { SIM_OUTSTANDING_MESSAGES_MAX } from './limits.ts';
import { drawMix, type FaultMix } from './nemesis/mix.ts';
import type { RingSettings } from './processes/ring-process.ts';
import { createRandom, type Random } from './random.ts';
import { drawLoad, type LoadProfile, PACKETS_PER_MESSAGE_MAX } from './workloads/load.ts';

export const WORKLOAD_NAMES = ['locks', 'membership'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

export interface RunOptions {
  readonly seed: number;
  /** Length of the phase with faults; healing and convergence come on top. */
  readonly seconds: number;
  /** Number of nodes; drawn when absent. */
  readonly nodes?: number;
  /** Upper bound of the steady loss; 0.2 when absent. */
  readonly loss?: number;
  readonly faults: boolean;
  /** What runs on a node: the bare ring, or ring, process groups, service host and services. */
  readonly stack: 'ring' | 'full';
  /** One service alone, with votes and the checkers that know it: a full stack. */
  readonly workload?: WorkloadName;
  /** Name of a planted fault. */
  readonly mutant?: string;
}

export interface Scenario {
  readonly random: Random;
  /** nodeids, ascending. */
  readonly nodes: readonly number[];
  readonly settings: RingSettings;
  readonly load: LoadProfile;
  readonly mix: FaultMix;
  /** Longest time to deliver everything that may be under way when the load ends. */
  readonly drainMs: number;
  /** All nodes start within this time. */
  readonly startSpreadMs: number;
  readonly clockDrift: number;
}

const LOSS_DEFAULT = 0.2;
/** Corosync's proportions (totem-wire §3.1). */
const RETRANSMITS_BEFORE_LOSS = 4.2;
const HOLD_SHARE = 0.8;
const HOLD_MARGIN_MS = 10;
const HOLD_MS_MIN = 14;
const CONSENSUS_FACTOR = 1.2;
const JOIN_MS = 50;
const MERGE_MS = 200;
/** A rotation of the token must fit into its timeout many times, or no ring can live. */
const ROTATIONS_PER_TOKEN_MIN = 10;
/** A lost or late token makes a rotation longer than its delays. */
const ROTATION_MARGIN = 3;
const SEQ_NEAR_WRAP = 0xffff_fe00;

export function drawScenario(options: RunOptions): Scenario {
  const random = createRandom(options.seed, 'scenario');
  const drawnNodes = random.fork('nodes').pick([1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 5, 5, 8]);
  const count = options.nodes ?? drawnNodes;
  const network = random.fork('delays');
  const delayMeanMs = network.magnitude(0.1, 15);
  const delayMinMs = delayMeanMs * network.next();
  const settings = drawSettings(random.fork('settings'), count, delayMeanMs);
  const mix = drawMix(random.fork('mix'), {
    tokenMs: settings.tokenMs,
    delayMeanMs,
    delayMinMs,
    lossMax: options.loss ?? LOSS_DEFAULT,
    faults: options.faults,
  });
  return {
    random,
    nodes: drawIds(random.fork('ids'), count),
    settings,
    load: drawLoad(random.fork('load')),
    mix,
    drainMs: drainMs(settings, count, delayMeanMs),
    startSpreadMs: random.fork('start').pick([0, 10, settings.tokenMs * 3]),
    clockDrift: random.fork('drift').pick([0, 0, 0.001, 0.05]),
  };
}

/** A small window on a slow network needs minutes for what clients have queued. */
function drainMs(settings: RingSettings, count: number, delayMeanMs: number): number {
  const perRotation = Math.min(settings.windowSize, settings.maxMessages * count);
  const rotations = (count * SIM_OUTSTANDING_MESSAGES_MAX * PACKETS_PER_MESSAGE_MAX) / perRotation;
  return rotations * count * delayMeanMs * ROTATION_MARGIN;
}

/** Mostly 1, 2, 3, …; sometimes with holes, so that nobody takes an id for an index. */
function drawIds(random: Random, count: number): number[] {
  const sparse = random.chance(0.2);
  let id = 0;
  return Array.from({ length: count }, () => {
    id += sparse ? 1 + random.below(40) : 1;
    return id;
  });
}

function drawSettings(random: Random, count: number, delayMeanMs: number): RingSettings {
  const wanted = random.pick([150, 300, 300, 300, 1000, 3000]);
  const tokenMs = Math.max(wanted, Math.ceil(count * delayMeanMs * ROTATIONS_PER_TOKEN_MIN));
  const tokenRetransmitMs = tokenMs / RETRANSMITS_BEFORE_LOSS;
  const windowSize = random.pick([50, 50, 50, 10, 3]);
  return {
    payloadBytesMax: random.pick([1382, 1382, 1382, 300, 64]),
    tokenMs,
    tokenRetransmitMs,
    holdMs: Math.max(HOLD_MS_MIN, tokenRetransmitMs * HOLD_SHARE - HOLD_MARGIN_MS),
    joinMs: Math.min(JOIN_MS, tokenMs / 6),
    consensusMs: tokenMs * CONSENSUS_FACTOR,
    mergeMs: Math.min(MERGE_MS, tokenMs),
    sendJoinMs: random.pick([0, 0, 0, 5]),
    failRecvConst: random.pick([2500, 2500, 100]),
    seqnoUnchangedConst: random.pick([30, 30, 3]),
    missCountConst: random.pick([5, 5, 1]),
    windowSize,
    maxMessages: Math.min(windowSize, random.pick([17, 17, 5, 1])),
    queueSlots: random.pick([2974, 256, 16]),
    initialSeq: random.chance(0.1) ? SEQ_NEAR_WRAP : 0,
  };
}
