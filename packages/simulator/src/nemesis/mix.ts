/**
 * What a seed has in store (swarm testing): not every seed draws from all faults with its own dice, each
 * draws its own mix of faults first, so that rare combinations are not drowned by common ones.
 */
import type { Random } from '../random.ts';
import type { NetworkConditions } from '../world/network.ts';
import { healthyConditions } from '../world/network.ts';

/** Faults that come and go, as against the conditions of the network, which stay until the heal. */
export const FAULT_KINDS = [
  'partition',
  'one-way',
  'isolate',
  'flapping',
  'swizzle',
  'type-loss',
  'loss-burst',
  'pause',
  'crash',
  'store-crash',
  'leave',
  'power-failure',
  'ambush',
] as const;
/** Drawn from a stream of their own, so that seeds found before they existed keep their meaning. */
export const LATER_KINDS = [
  'partial-partition',
  'black-hole',
  'slow',
  'store-kept',
  'lost-store',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number] | (typeof LATER_KINDS)[number];

export interface FaultMix {
  readonly conditions: NetworkConditions;
  readonly kinds: readonly FaultKind[];
  /** A network that no fault touches, where there are several. */
  readonly spare?: number;
  /** Least time between two faults. */
  readonly spacingMs: number;
  /** Mean time between two faults, beyond that. */
  readonly intervalMs: number;
  /** Longest fault. */
  readonly durationMsMax: number;
  /** The hosts of dead nodes answer: port unreachable. */
  readonly refusals: boolean;
  /** Mean time between two false hints that a node is dead; infinite: none. */
  readonly falseHintMs: number;
}

export interface MixOptions {
  readonly tokenMs: number;
  readonly delayMeanMs: number;
  readonly delayMinMs: number;
  /** Upper bound of the steady loss, 0 to 1. */
  readonly lossMax: number;
  readonly faults: boolean;
  /** 1 leaves out whatever was added to the mix after the first regressions were found. */
  readonly draws: 1 | 2;
}

/** How likely each ingredient of a seed's mix is (reliability §11.1); `faultTable` prints them. */
export const SHARES = {
  fault: 0.4,
  condition: 0.6,
  refusals: 0.5,
  falseHints: 0.4,
  replay: 0.3,
  capacity: 0.3,
  inOrder: 0.4,
  damage: 0.3,
} as const;
/** Upper bounds of the steady conditions. */
export const CONDITION_MAX = {
  heavyTail: 0.05,
  duplicate: 0.2,
  reorder: 0.3,
  replay: { 1: 0.1, 2: 0.2 },
  damage: 0.01,
} as const;
export const CAPACITY_MIN = { 1: 8, 2: 4 } as const;
export const CAPACITY_MAX = 256;

export function drawMix(random: Random, options: MixOptions): FaultMix {
  const healthy = healthyConditions(options.delayMinMs, options.delayMeanMs);
  const some = (max: number): number =>
    random.chance(SHARES.condition) ? random.between(0, max) : 0;
  const loss = some(options.lossMax);
  const hints = random.fork('hints');
  const refusals = hints.chance(SHARES.refusals);
  if (!options.faults) {
    const none = {
      kinds: [],
      spacingMs: 0,
      intervalMs: 0,
      durationMsMax: 0,
      falseHintMs: Number.POSITIVE_INFINITY,
    };
    return { ...none, conditions: { ...healthy, loss }, refusals };
  }
  const later = random.fork('later');
  const isLater = options.draws === 2;
  const conditions: NetworkConditions = {
    ...healthy,
    loss,
    damage: isLater && later.chance(SHARES.damage) ? later.between(0, CONDITION_MAX.damage) : 0,
    heavyTail: some(CONDITION_MAX.heavyTail),
    duplicate: some(CONDITION_MAX.duplicate),
    reorder: some(CONDITION_MAX.reorder),
    replay: random.chance(SHARES.replay)
      ? random.between(0, CONDITION_MAX.replay[options.draws])
      : 0,
    capacity: random.chance(SHARES.capacity)
      ? Math.round(random.magnitude(CAPACITY_MIN[options.draws], CAPACITY_MAX))
      : Number.POSITIVE_INFINITY,
    fifo: random.chance(SHARES.inOrder),
  };
  return {
    conditions,
    kinds: [
      ...FAULT_KINDS.filter(() => random.chance(SHARES.fault)),
      ...LATER_KINDS.filter(() => isLater && later.chance(SHARES.fault)),
    ],
    spacingMs: 0,
    intervalMs: options.tokenMs * random.magnitude(0.5, 20),
    durationMsMax: options.tokenMs * random.magnitude(1, 10),
    refusals,
    falseHintMs: hints.chance(SHARES.falseHints)
      ? options.tokenMs * hints.magnitude(0.1, 20)
      : Number.POSITIVE_INFINITY,
  };
}
