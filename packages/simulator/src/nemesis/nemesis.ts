/**
 * The nemesis: at random moments picks one fault of the seed's mix, applies it, and heals it some time
 * later. `heal` ends everything at once: every link open, every process running.
 */
import type { Random } from '../random.ts';
import type { Network } from '../world/network.ts';
import type { World } from '../world/world.ts';
import { FAULTS } from './faults.ts';
import type { FaultMix } from './mix.ts';
import { repairAndStart } from './repair.ts';

/** Mean time between the hints of a series: a series long enough confirms a suspicion. */
const HINT_SPACING_MS = 15;
/** Of the faults of a world with several networks, how many hit all of them alike. */
const ALL_NETWORKS_SHARE = 0.3;

export interface Nemesis {
  start(): void;
  /** The final phase: nothing is broken from here on. */
  heal(): void;
  /** How often each fault was applied. */
  readonly applied: Readonly<Record<string, number>>;
}

export function createNemesis(world: World, mix: FaultMix, random: Random): Nemesis {
  const applied: Record<string, number> = {};
  let active = false;

  const later = (delayMs: number, run: () => void): void =>
    world.after(delayMs, () => {
      if (active) run();
    });

  const disturbed = world.networks.filter((_, link) => link !== mix.spare);
  const networkRandom = random.fork('networks');
  /** One of several networks, or all that may be disturbed. */
  const pickNetworks = (): readonly Network[] =>
    disturbed.length === 1 || networkRandom.chance(ALL_NETWORKS_SHARE)
      ? disturbed
      : [networkRandom.pick(disturbed)];

  const strike = (): void => {
    const kind = random.pick(mix.kinds);
    applied[kind] = (applied[kind] ?? 0) + 1;
    const durationMs = random.magnitude(mix.durationMsMax / 100, mix.durationMsMax);
    const { conditions } = mix;
    FAULTS[kind]({ world, networks: pickNetworks(), random, durationMs, conditions, later });
    plan();
  };
  const plan = (): void => later(mix.spacingMs + random.exponential(mix.intervalMs), strike);

  const hints = random.fork('hints');
  const planFalseHint = (): void => {
    if (mix.falseHintMs === Number.POSITIVE_INFINITY) return;
    later(hints.exponential(mix.falseHintMs), () => {
      applied['false-hint'] = (applied['false-hint'] ?? 0) + 1;
      giveFalseHints(world, hints, later);
      planFalseHint();
    });
  };

  return {
    start() {
      active = true;
      if (mix.kinds.length > 0) plan();
      planFalseHint();
    },
    heal() {
      active = false;
      for (const network of world.networks) network.heal();
      for (const node of world.nodes) {
        node.crashInStore(undefined);
        node.slow(0);
        node.resume();
      }
      for (const node of world.nodes) repairAndStart(world, node);
      world.trace.emit({ kind: 'heal', time: world.now, node: 0, incarnation: 0 });
    },
    applied,
  };
}

/** One node is told that another one is dead, once or several times in a row, as if its port flapped. */
function giveFalseHints(
  world: World,
  random: Random,
  later: (delayMs: number, run: () => void) => void,
): void {
  const observer = random.pick(world.nodes);
  const suspect = random.pick(world.nodes);
  let left = random.pick([1, 1, 3, 10]);
  world.fault('false-hint', { node: observer.id, suspect: suspect.id, times: left });
  const hint = (): void => {
    for (const link of world.networks.keys()) observer.refused(suspect.id, link);
    left -= 1;
    if (left > 0) later(random.exponential(HINT_SPACING_MS), hint);
  };
  hint();
}
