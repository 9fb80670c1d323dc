/** One simulated cluster with votes that serves nothing but checkpoints, under the nemesis, judged by its checkers. */
import { type CkptState, ckptService, createCkptService } from '@aisexec/ckpt/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import {
  type CheckpointHistory,
  createCheckpointHistory,
  noteConfiguration,
} from '../checkers/checkpoints.ts';
import { lifeOf } from '../checkers/events.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { inBackground, smallSteps } from '../processes/real-factory.ts';
import { createRandom } from '../random.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { createCheckpointWorkload, type Lives } from './checkpoints.ts';

export interface CheckpointRunOptions
  extends Pick<RunOptions, 'seed' | 'seconds'>,
    Partial<Pick<RunOptions, 'nodes' | 'loss' | 'faults' | 'draws'>> {
  /** Another checkpoint service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<CkptState>;
}

export interface CheckpointRunResult {
  readonly run: RunResult;
  readonly checkpoints: Pick<CheckpointHistory, 'violations' | 'writes' | 'expiries'>;
  /** Transfers of contents in the background: begun, ended, and those that nobody could give. */
  readonly transfers: { started: number; done: number; lost: number };
}

const follows = createCkptService({ inlineBytesMax: 0 });
const NODES = [3, 3, 3, 4, 5];

export function runCheckpointSimulation(
  { service: other, ...options }: CheckpointRunOptions,
  hooks: RunHooks = {},
): CheckpointRunResult {
  const { seed } = options;
  const service = other ?? (inBackground(seed) ? follows : ckptService);
  const nodes = options.nodes ?? createRandom(seed, 'checkpoint nodes').pick(NODES);
  const history = createCheckpointHistory();
  const lives: Lives = new Map();
  const transfers = { started: 0, done: 0, lost: 0 };
  const run = runSimulation(
    { faults: true, ...options, nodes, stack: 'full' },
    (scenario) => (environment) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: { ...scenario.load, rate: Math.min(scenario.load.rate, 10) },
        workloads: [createCheckpointWorkload(history, service, environment, lives)],
        background: smallSteps(seed),
        quorum: { provider: 'votequorum', expectedVotes: nodes },
      })(environment),
    {
      onRecord(record, place) {
        hooks.onRecord?.(record, place);
        if (record.kind === 'fail') history.failed.add(lifeOf(record.node, record.incarnation));
        if (record.kind === 'configuration') noteConfiguration(history, record);
        if (record.kind !== 'note') return;
        if (record.event === 'transfer-start') transfers.started += 1;
        else if (record.event === 'transfer-done') transfers.done += 1;
        else if (record.event === 'state-lost') transfers.lost += 1;
      },
    },
  );
  return { run, checkpoints: history, transfers };
}
