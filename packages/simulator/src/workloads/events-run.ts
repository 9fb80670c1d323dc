/** One simulated cluster that serves nothing but events, under the nemesis, judged by the checkers of events. */
import { type EvtState, evtService } from '@aisexec/evt/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import {
  concludeEvents,
  createEventHistory,
  type EventHistory,
  lifeOf,
} from '../checkers/events.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { createRandom } from '../random.ts';
import { type RunResult, runSimulation } from '../run.ts';
import { createEventWorkload } from './events.ts';

export interface EventRunOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Another event service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<EvtState>;
}

export interface EventRunResult {
  readonly run: RunResult;
  readonly events: Pick<EventHistory, 'violations' | 'deliveries'>;
}

const NODES = [2, 3, 3, 3, 4, 5];

export function runEventSimulation(options: EventRunOptions): EventRunResult {
  const { seed, seconds, service = evtService } = options;
  const nodes = createRandom(seed, 'event nodes').pick(NODES);
  const history = createEventHistory();
  const run = runSimulation(
    { seed, seconds, nodes, faults: true, stack: 'full' },
    (scenario) => (environment) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: { ...scenario.load, rate: Math.min(scenario.load.rate, 10) },
        workloads: [createEventWorkload(history, service, environment)],
        quorum: { provider: 'none' },
      })(environment),
    {
      onRecord({ kind, node, incarnation }) {
        if (kind === 'fail') history.failed.add(lifeOf(node, incarnation));
      },
    },
  );
  concludeEvents(history);
  return { run, events: history };
}
