/**
 * From a seed to everything a run needs: how many nodes, Totem's parameters, the network, the load, the
 * faults. Options given on the command line win over what the seed would draw; other draws do not change.
 */
import type { LinkMode } from '@aisexec/totem';
import { SIM_NODES_MAX, SIM_OUTSTANDING_MESSAGES_MAX } from './limits.ts';
import { drawLinks, type LinkScenario } from './nemesis/links.ts';
import { drawMix, type FaultMix } from './nemesis/mix.ts';
import type { RingSettings } from './processes/ring-process.ts';
import { createRandom, type Random } from './random.ts';
import { drawLoad, type LoadProfile, PACKETS_PER_MESSAGE_MAX } from './workloads/load.ts';

export const WORKLOAD_NAMES = ['locks', 'membership', 'events', 'checkpoints'] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];

export interface RunOptions {
  readonly seed: number;
  /** Length of the phase with faults; healing and convergence come on top. */
  readonly seconds: number;
  /** Number of nodes; drawn when absent. */
  readonly nodes?: number;
  /** Upper bound of the steady loss; 0.3 when absent. */
  readonly loss?: number;
  readonly faults: boolean;
  /** What runs on a node: the bare ring, or ring, process groups, service host and services. */
  readonly stack: 'ring' | 'full';
  /** Networks between the nodes, 1 to 8; 1 when absent. */
  readonly links?: number;
  /** How several are used; drawn when absent. */
  readonly linkMode?: LinkMode;
  /** One service alone with the checkers that know it: a full stack. */
  readonly workload?: WorkloadName;
  /** Name of a planted fault. */
  readonly mutant?: string;
  /**
   * 1: only what a seed could draw when the first regressions were found, so that their seeds keep their
   * meaning; 2, when absent, everything.
   */
  readonly draws?: 1 | 2;
}

export interface Scenario {
  readonly random: Random;
  /** nodeids, ascending. */
  readonly nodes: readonly number[];
  readonly settings: RingSettings;
  /** Those of one node, by nodeid: the time-outs of nodes differ in some seeds. */
  readonly settingsOf: (node: number) => RingSettings;
  /** Longest time in which a healthy ring notices and replaces a lost token. */
  readonly slowestMs: number;
  readonly load: LoadProfile;
  readonly mix: FaultMix;
  /** Where there are several networks. */
  readonly links?: LinkScenario;
  /** Longest time to deliver everything that may be under way when the load ends. */
  readonly drainMs: number;
  /** All nodes start within this time. */
  readonly startSpreadMs: number;
  readonly clockDrift: number;
}

/** By `draws`. */
export const LOSS_MAX = { 1: 0.2, 2: 0.3 } as const;
/** Share of seeds whose nodes have time-outs of their own, and how far apart these are. */
export const SKEW_SHARE = 0.05;
const SKEWS = [0.7, 1, 1.5];
/** Share of seeds whose nodes derive their token time-outs, and how far these may go. */
export const DERIVED_SHARE = 0.1;
const DERIVED_FACTORS = [2, 5];
/** Share of seeds with 16 to 32 nodes. */
export const CROWD_SHARE = 0.01;
const CROWD_NODES_MIN = 16;
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
/** Share of seeds whose rings count messages from just below 2^32. */
export const SEQ_NEAR_WRAP_SHARE = 0.1;
export const CLOCK_DRIFTS = { 1: [0, 0, 0.001, 0.05], 2: [0, 0, 0.001, 0.1] } as const;

export function drawScenario(options: RunOptions): Scenario {
  const random = createRandom(options.seed, 'scenario');
  const { draws = 2 } = options;
  const later = random.fork('later');
  const isCrowd = draws === 2 && later.chance(CROWD_SHARE);
  const drawnNodes = isCrowd
    ? CROWD_NODES_MIN + later.below(SIM_NODES_MAX - CROWD_NODES_MIN + 1)
    : random.fork('nodes').pick([1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 5, 5, 8]);
  const count = options.nodes ?? drawnNodes;
  const network = random.fork('delays');
  const delayMeanMs = network.magnitude(0.1, 15);
  const delayMinMs = delayMeanMs * network.next();
  const plain = drawSettings(random.fork('settings'), count, delayMeanMs);
  const mix = drawMix(random.fork('mix'), {
    tokenMs: plain.tokenMs,
    delayMeanMs,
    delayMinMs,
    lossMax: options.loss ?? LOSS_MAX[draws],
    faults: options.faults,
    draws,
  });
  const nodes = drawIds(random.fork('ids'), count);
  const isSkewed = draws === 2 && later.chance(SKEW_SHARE);
  const skews = new Map(nodes.map((id) => [id, isSkewed ? later.pick(SKEWS) : 1]));
  const isDerived = draws === 2 && later.chance(DERIVED_SHARE);
  const widening = isDerived ? later.pick(DERIVED_FACTORS) : 1;
  const settings = { ...plain, tokenMaxMs: plain.tokenMs * widening };
  const slowest = Math.max(...skews.values()) * widening;
  const several =
    (options.links ?? 1) === 1
      ? { mix }
      : drawLinks(random.fork('links'), mix, {
          count: options.links ?? 1,
          mode: options.linkMode,
          faults: options.faults,
          tokenMs: settings.tokenMs,
          nodes: count,
        });
  return {
    random,
    nodes,
    settings,
    settingsOf: (node) => skewed(settings, skews.get(node) ?? 1),
    slowestMs: (settings.tokenMs + settings.consensusMs) * slowest,
    load: drawLoad(random.fork('load')),
    ...several,
    drainMs: drainMs(settings, count, delayMeanMs),
    startSpreadMs: random.fork('start').pick([0, 10, settings.tokenMs * 3]),
    clockDrift: random.fork('drift').pick(CLOCK_DRIFTS[draws]),
  };
}

/** Only time-outs: the rest must be equal in a cluster, or nodes misread each other. */
function skewed(settings: RingSettings, factor: number): RingSettings {
  if (factor === 1) return settings;
  return {
    ...settings,
    tokenMs: settings.tokenMs * factor,
    tokenMaxMs: settings.tokenMaxMs * factor,
    tokenRetransmitMs: settings.tokenRetransmitMs * factor,
    consensusMs: settings.consensusMs * factor,
    joinMs: settings.joinMs * factor,
    mergeMs: settings.mergeMs * factor,
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
    tokenMaxMs: tokenMs,
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
    acceleratedWindow: random.fork('accelerated').pick([0, 0, 5, 17]),
    initialSeq: random.chance(SEQ_NEAR_WRAP_SHARE) ? SEQ_NEAR_WRAP : 0,
  };
}
