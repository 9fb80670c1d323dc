/** One simulated cluster with votes that serves nothing but checkpoints, under the nemesis, judged by its checkers. */
import { type CkptState, ckptService } from '@aisexec/ckpt/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import { type CheckpointHistory, createCheckpointHistory } from '../checkers/checkpoints.ts';
import { lifeOf } from '../checkers/events.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { createRandom } from '../random.ts';
import { type RunResult, runSimulation } from '../run.ts';
import { createCheckpointWorkload, type Lives } from './checkpoints.ts';

export interface CheckpointRunOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Another checkpoint service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<CkptState>;
}

export interface CheckpointRunResult {
  readonly run: RunResult;
  readonly checkpoints: Pick<CheckpointHistory, 'violations' | 'writes' | 'expiries'>;
}

const NODES = [3, 3, 3, 4, 5];

export function runCheckpointSimulation(options: CheckpointRunOptions): CheckpointRunResult {
  const { seed, seconds, service = ckptService } = options;
  const nodes = createRandom(seed, 'checkpoint nodes').pick(NODES);
  const history = createCheckpointHistory();
  const lives: Lives = new Map();
  const run = runSimulation(
    { seed, seconds, nodes, faults: true, stack: 'full' },
    (scenario) => (environment) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: { ...scenario.load, rate: Math.min(scenario.load.rate, 10) },
        workloads: [createCheckpointWorkload(history, service, environment, lives)],
        quorum: { provider: 'votequorum', expectedVotes: nodes },
      })(environment),
    {
      onRecord({ kind, node, incarnation }) {
        if (kind === 'fail') history.failed.add(lifeOf(node, incarnation));
      },
    },
  );
  return { run, checkpoints: history };
}
