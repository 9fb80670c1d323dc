/** One simulated cluster that serves nothing but events, under the nemesis, judged by the checkers of events. */
import { createEvtService, type EvtState, evtService } from '@aisexec/evt/service';
import type { ServiceDefinition } from '@aisexec/service';
import { createRing } from '@aisexec/totem';
import {
  concludeEvents,
  createEventHistory,
  type EventHistory,
  lifeOf,
  noteRing,
} from '../checkers/events.ts';
import { fullNodeFactory } from '../processes/full-node.ts';
import { inBackground, smallSteps } from '../processes/real-factory.ts';
import { createRandom } from '../random.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { createEventWorkload } from './events.ts';

export interface EventRunOptions
  extends Pick<RunOptions, 'seed' | 'seconds'>,
    Partial<Pick<RunOptions, 'nodes' | 'loss' | 'faults' | 'draws'>> {
  /** Another event service, e.g. one with a planted bug. */
  readonly service?: ServiceDefinition<EvtState>;
}

export interface EventRunResult {
  readonly run: RunResult;
  readonly events: Pick<EventHistory, 'violations' | 'deliveries'>;
  /** Transfers of contents in the background that ended. */
  readonly transfers: number;
}

const follows = createEvtService({ inlineBytesMax: 0 });
const NODES = [2, 3, 3, 3, 4, 5];

export function runEventSimulation(
  { service: other, ...options }: EventRunOptions,
  hooks: RunHooks = {},
): EventRunResult {
  const { seed } = options;
  const service = other ?? (inBackground(seed) ? follows : evtService);
  const nodes = options.nodes ?? createRandom(seed, 'event nodes').pick(NODES);
  const history = createEventHistory();
  let transfers = 0;
  const run = runSimulation(
    { faults: true, ...options, nodes, stack: 'full' },
    (scenario) => (environment) =>
      fullNodeFactory({
        createRing,
        settings: scenario.settings,
        load: { ...scenario.load, rate: Math.min(scenario.load.rate, 10) },
        workloads: [createEventWorkload(history, service, environment)],
        background: smallSteps(seed),
        quorum: { provider: 'none' },
      })(environment),
    {
      onRecord(record, place) {
        hooks.onRecord?.(record, place);
        if (record.kind === 'configuration') noteRing(history, record);
        else if (record.kind === 'fail')
          history.failed.add(lifeOf(record.node, record.incarnation));
        else if (record.kind === 'note' && record.event === 'transfer-done') transfers += 1;
      },
    },
  );
  concludeEvents(history);
  return { run, events: history, transfers };
}
