/** The real protocol on the nodes of a run: bare, or with everything above it; with a mutant if one is named. */

import type {
  BackgroundOptions,
  NoQuorumOptions,
  QuorumOptions,
  VotequorumOptions,
} from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { mutantByName } from '../mutants/index.ts';
import type { FactoryOf } from '../run.ts';
import type { RunOptions, Scenario } from '../scenario.ts';
import { workloadsOf } from '../workloads/index.ts';
import type { ProcessFactory } from '../world/process.ts';
import { fullNodeFactory } from './full-node.ts';
import { linkedProcessFactory } from './linked-process.ts';
import { type RingFactory, type RingProcessOptions, ringProcessFactory } from './ring-process.ts';

/** The window of last_man_standing, short enough to end within a run. */
const LAST_MAN_STANDING_MS = 500;

export const realFactoryOf: FactoryOf = (scenario, options) =>
  realFactoryWith(createRing)(scenario, options);

/** The same around another make of the ring, e.g. one that is watched. */
export const realFactoryWith =
  (create: RingFactory): FactoryOf =>
  (scenario, options) => {
    const inner = innerFactoryOf(create, scenario, options);
    if (scenario.links === undefined) return inner;
    const { count: links, mode } = scenario.links;
    return linkedProcessFactory(inner, { links, mode, settingsOf: scenario.settingsOf });
  };

function innerFactoryOf(
  create: RingFactory,
  scenario: Scenario,
  options: RunOptions,
): ProcessFactory {
  const ring: RingProcessOptions = {
    createRing: create,
    settings: scenario.settings,
    settingsOf: scenario.settingsOf,
    load: scenario.load,
    quorum: options.stack === 'ring' ? countOf(scenario) : quorumOf(scenario),
    ...(options.mutant === undefined ? {} : { mutate: mutantByName(options.mutant).mutate }),
  };
  if (options.stack === 'ring') return ringProcessFactory(ring);
  return fullNodeFactory({
    ...ring,
    workloads: workloadsOf(inBackground(options.seed)),
    background: smallSteps(options.seed),
  });
}

/** One piece at a time, or four under way: what is on its way is cut short as often as not. */
export const smallSteps = (seed: number): BackgroundOptions => ({
  wantBytes: 1,
  wants: seed % 2 === 0 ? 4 : 1,
});

/** Three seeds of four send every content in the background, however small the state is. */
export const inBackground = (seed: number): boolean => seed % 4 !== 0;

/** With hellos there are all filters that promise one quorate part; a mutant of the count needs a plain one. */
function quorumOf(scenario: Scenario): QuorumOptions {
  const { nodes, random } = scenario;
  const plain = countOf(scenario);
  if (plain.provider === 'none') return plain;
  const votes = { ...plain, waitForAll: true };
  return random
    .fork('quorum filter')
    .pick<QuorumOptions>([
      plain,
      votes,
      { ...votes, autoTieBreaker: 'lowest' },
      { ...votes, lastManStandingMs: LAST_MAN_STANDING_MS },
      { provider: 'ykd', nodes },
    ]);
}

/** Where there can be a majority, half of the seeds ask for one. */
function countOf({ nodes, random }: Scenario): NoQuorumOptions | VotequorumOptions {
  const counts = nodes.length >= 3 && random.fork('quorum').chance(0.5);
  return counts ? { provider: 'votequorum', expectedVotes: nodes.length } : { provider: 'none' };
}
