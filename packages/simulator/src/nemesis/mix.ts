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
export type FaultKind = (typeof FAULT_KINDS)[number];

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
}

const FAULT_SHARE = 0.4;
const CONDITION_SHARE = 0.6;
const REFUSALS_SHARE = 0.5;
const FALSE_HINTS_SHARE = 0.4;

export function drawMix(random: Random, options: MixOptions): FaultMix {
  const healthy = healthyConditions(options.delayMinMs, options.delayMeanMs);
  const some = (max: number): number =>
    random.chance(CONDITION_SHARE) ? random.between(0, max) : 0;
  const loss = some(options.lossMax);
  const hints = random.fork('hints');
  const refusals = hints.chance(REFUSALS_SHARE);
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
  const conditions: NetworkConditions = {
    ...healthy,
    loss,
    heavyTail: some(0.05),
    duplicate: some(0.2),
    reorder: some(0.3),
    replay: random.chance(0.3) ? random.between(0, 0.1) : 0,
    capacity: random.chance(0.3) ? Math.round(random.magnitude(8, 256)) : Number.POSITIVE_INFINITY,
    fifo: random.chance(0.4),
  };
  return {
    conditions,
    kinds: FAULT_KINDS.filter(() => random.chance(FAULT_SHARE)),
    spacingMs: 0,
    intervalMs: options.tokenMs * random.magnitude(0.5, 20),
    durationMsMax: options.tokenMs * random.magnitude(1, 10),
    refusals,
    falseHintMs: hints.chance(FALSE_HINTS_SHARE)
      ? options.tokenMs * hints.magnitude(0.1, 20)
      : Number.POSITIVE_INFINITY,
  };
}
