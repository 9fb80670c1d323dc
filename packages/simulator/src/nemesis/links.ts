/**
 * What a seed has in store where there are several networks. In a part of the seeds one of them is whole, and
 * in a part of those nothing but the other networks is in trouble: then nobody may notice (N1). With active
 * links that holds whatever the trouble; with passive ones for clean cuts one after the other, as a token that
 * is lost meanwhile must have time to be sent again (ADR 0132).
 */
import type { LinkMode } from '@aisexec/totem';
import type { Random } from '../random.ts';
import { healthyConditions, type NetworkConditions } from '../world/network.ts';
import type { FaultKind, FaultMix } from './mix.ts';

export interface LinkScenario {
  /** Networks, 2 to 8. */
  readonly count: number;
  readonly mode: LinkMode;
  /** Of each network. */
  readonly conditions: readonly NetworkConditions[];
  /** Once all nodes are in a ring, no configuration may follow. */
  readonly isCalm: boolean;
}

/** What is asked for, and what the world is like. */
export interface LinkOptions {
  readonly count: number;
  /** Drawn when absent. */
  readonly mode: LinkMode | undefined;
  readonly faults: boolean;
  readonly tokenMs: number;
  readonly nodes: number;
}

const SPARE_SHARE = 0.6;
const CALM_SHARE = 0.6;
/** Answers of a calm network come well before three probes are out. */
const CALM_TOKEN_PER_DELAY = 40;
const CALM_SPACING_TOKENS = 2;
const CUTS: readonly FaultKind[] = ['partition', 'one-way', 'isolate'];
const NETWORK_FAULTS: readonly FaultKind[] = [
  ...CUTS,
  'flapping',
  'swizzle',
  'type-loss',
  'loss-burst',
];

export function drawLinks(
  random: Random,
  mix: FaultMix,
  { count, faults, tokenMs, nodes, ...options }: LinkOptions,
): { readonly links: LinkScenario; readonly mix: FaultMix } {
  const drawnMode = random.pick<LinkMode>(['passive', 'active']);
  const mode = options.mode ?? drawnMode;
  const spare = random.chance(SPARE_SHARE) ? random.below(count) : undefined;
  const isCalm = spare !== undefined && random.chance(CALM_SHARE);
  const { delayMinMs, delayMeanMs } = mix.conditions;
  const share = isCalm ? Math.min(1, tokenMs / (CALM_TOKEN_PER_DELAY * nodes * delayMeanMs)) : 1;
  const healthy = healthyConditions(delayMinMs * share, delayMeanMs * share);
  const isClean = isCalm && mode === 'passive';
  const disturbed: NetworkConditions = isClean
    ? healthy
    : { ...mix.conditions, ...(isCalm ? { replay: 0 } : {}) };
  return {
    links: {
      count,
      mode,
      isCalm,
      conditions: Array.from({ length: count }, (_, link) =>
        link === spare ? healthy : disturbed,
      ),
    },
    mix: {
      ...mix,
      conditions: disturbed,
      ...(spare === undefined ? {} : { spare }),
      ...(isCalm && faults
        ? {
            kinds: isClean ? CUTS : NETWORK_FAULTS,
            spacingMs: isClean ? CALM_SPACING_TOKENS * tokenMs : 0,
            falseHintMs: Number.POSITIVE_INFINITY,
          }
        : {}),
    },
  };
}
