/** One simulated cluster with votes that serves nothing but its membership, under the nemesis and an administrator. */
import type { ClmState } from '@aisexec/clm/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { fullNodeFactory } from '../processes/full-node.ts';
import { createRandom } from '../random.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import {
  createMembershipCounts,
  createMembershipWorkload,
  type MembershipCounts,
} from './membership.ts';

export interface MembershipRunOptions
  extends Pick<RunOptions, 'seed' | 'seconds'>,
    Partial<Pick<RunOptions, 'nodes' | 'loss' | 'faults'>> {
  /** Another membership service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<ClmState>;
}

export interface MembershipRunResult {
  readonly run: RunResult;
  readonly counts: MembershipCounts;
}

const NODES = [2, 3, 3, 3, 4, 5];

export function runMembershipSimulation(
  { service, ...options }: MembershipRunOptions,
  hooks: RunHooks = {},
): MembershipRunResult {
  const { seed } = options;
  const nodes = options.nodes ?? createRandom(seed, 'membership nodes').pick(NODES);
  const counts = createMembershipCounts();
  const workload = createMembershipWorkload(counts, service);
  const run = runSimulation(
    { faults: true, ...options, nodes, stack: 'full' },
    (scenario) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: { ...scenario.load, rate: Math.min(scenario.load.rate, 10) },
        workloads: [workload],
        quorum: { provider: 'votequorum', expectedVotes: nodes },
      }),
    hooks,
  );
  return { run, counts };
}
