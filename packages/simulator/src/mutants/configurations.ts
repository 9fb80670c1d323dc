/** Planted faults in configurations: left out, late, or with wrong lists. */
import type { Configuration } from '@aisexec/totem';
import type { PartsMutation } from '../processes/ring-process.ts';
import type { Mutant } from './mutant.ts';

/** Replaces each configuration by what `change` makes of it; undefined leaves it out. */
function configurationMutation(
  change: (
    configuration: Configuration,
    node: number,
    now: (probability: number) => boolean,
  ) => Configuration | undefined,
): PartsMutation {
  return (parts, environment) => {
    const random = environment.random.fork('mutant');
    const now = (probability: number): boolean => random.chance(probability);
    return {
      ...parts,
      client: {
        ...parts.client,
        deliver: (...delivery) => parts.client.deliver(...delivery),
        configuration(configuration) {
          const changed = change(configuration, environment.node, now);
          if (changed !== undefined) parts.client.configuration(changed);
        },
      },
    };
  };
}

const skipTransitional = configurationMutation((configuration, _node, now) =>
  configuration.type === 'transitional' && now(0.5) ? undefined : configuration,
);

const everybodyComesAlong = configurationMutation((configuration) => {
  if (configuration.type === 'regular') return configuration;
  const members = [...configuration.members, ...configuration.left].sort((x, y) => x - y);
  return { ...configuration, members, left: [] };
});

const nobodyComesAlong = configurationMutation((configuration, node) => {
  if (configuration.type === 'regular') return configuration;
  const others = [...configuration.members, ...configuration.left].filter((id) => id !== node);
  return { ...configuration, members: [node], left: others.sort((x, y) => x - y) };
});

const memberMissing = configurationMutation((configuration, node, now) => {
  const last = configuration.members.at(-1);
  if (configuration.type !== 'regular' || last === node || !now(0.5)) return configuration;
  const without = (list: readonly number[]): number[] => list.filter((id) => id !== last);
  return {
    ...configuration,
    members: without(configuration.members),
    joined: without(configuration.joined),
  };
});

const nothingChanged = configurationMutation((configuration) => ({
  ...configuration,
  left: [],
  joined: [],
}));

const staleRingId = configurationMutation((configuration, _node, now) => {
  if (configuration.type !== 'regular' || !now(0.3)) return configuration;
  const { rep, seq } = configuration.ringId;
  return { ...configuration, ringId: { rep, seq: Math.max(0, seq - 4) } };
});

/** The transitional configuration comes right before the next regular one, after the last messages. */
const lateTransitional: PartsMutation = (parts) => {
  let held: Configuration | undefined;
  return {
    ...parts,
    client: {
      ...parts.client,
      configuration(configuration) {
        if (configuration.type === 'transitional') {
          held = configuration;
          return;
        }
        if (held !== undefined) parts.client.configuration(held);
        held = undefined;
        parts.client.configuration(configuration);
      },
    },
  };
};

export const CONFIGURATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'skip-transitional',
    description: 'half of the transitional configurations are left out',
    caughtBy: ['E2'],
    seed: 1,
    mutate: skipTransitional,
  },
  {
    name: 'late-transitional',
    description: 'the transitional configuration comes after the last messages of the old ring',
    caughtBy: ['E8', 'E9'],
    seed: 5,
    mutate: lateTransitional,
  },
  {
    name: 'everybody-comes-along',
    description: 'the transitional set is the whole old ring',
    caughtBy: ['E10'],
    seed: 4,
    mutate: everybodyComesAlong,
  },
  {
    name: 'nobody-comes-along',
    description: 'the transitional set is the process alone',
    caughtBy: ['E10'],
    seed: 5,
    mutate: nobodyComesAlong,
  },
  {
    name: 'member-missing',
    description: 'half of the regular configurations lack their last member',
    caughtBy: ['E3'],
    seed: 1,
    mutate: memberMissing,
  },
  {
    name: 'nothing-changed',
    description: 'nobody is ever reported as left or joined',
    caughtBy: ['E10'],
    seed: 1,
    mutate: nothingChanged,
  },
  {
    name: 'stale-ring-id',
    description: 'a regular configuration carries a ring sequence that was used before',
    caughtBy: ['E2', 'E3', 'E11'],
    seed: 1,
    mutate: staleRingId,
  },
];
