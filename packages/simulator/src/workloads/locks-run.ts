/**
 * One simulated cluster that serves nothing but locks, with votes, under the nemesis; judged by the checkers of
 * every run and by those of the locks.
 */
import { type LckState, lckService } from '@aisexec/lck/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { createLockHistory } from '../checkers/lock-history.ts';
import { checkLocks, type LockVerdict } from '../checkers/locks.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { createRandom } from '../random.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { checkedLocks, createLockWorkload } from './locks.ts';

export interface LockRunOptions
  extends Pick<RunOptions, 'seed' | 'seconds'>,
    Partial<Pick<RunOptions, 'nodes' | 'loss' | 'faults' | 'draws'>> {
  /** Another lock service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<LckState>;
}

export interface LockRunResult {
  readonly run: RunResult;
  readonly locks: LockVerdict;
}

const NODES = [3, 3, 3, 4, 5, 5];

export function runLockSimulation(
  { service = checkedLocks(lckService), ...options }: LockRunOptions,
  hooks: RunHooks = {},
): LockRunResult {
  const { seed } = options;
  const nodes = options.nodes ?? createRandom(seed, 'lock nodes').pick(NODES);
  const history = createLockHistory();
  const run = runSimulation(
    { faults: true, ...options, nodes, stack: 'full' },
    (scenario) => (environment) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: scenario.load,
        workloads: [createLockWorkload(history, service, environment)],
        quorum: { provider: 'votequorum', expectedVotes: nodes },
      })(environment),
    {
      onRecord(record, place) {
        hooks.onRecord?.(record, place);
        if (record.kind === 'fail') history.noteFailed(record.node);
      },
    },
  );
  return { run, locks: checkLocks(history, nodes) };
}
