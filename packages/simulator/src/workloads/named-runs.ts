/** The runs of `aissim`: of the ring, of the whole stack, or of one service with the checkers that know it. */
import { realFactoryOf } from '../processes/real-factory.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { runCheckpointSimulation } from './checkpoints-run.ts';
import { runEventSimulation } from './events-run.ts';
import { runLockSimulation } from './locks-run.ts';
import { runMembershipSimulation } from './membership-run.ts';

export function runNamed(options: RunOptions, hooks: RunHooks = {}): RunResult {
  switch (options.workload) {
    case 'locks': {
      const { run, locks } = runLockSimulation(options, hooks);
      const { grants, undecided, violations } = locks;
      return judged(run, violations, { grants, undecided });
    }
    case 'membership': {
      const { run, counts } = runMembershipSimulation(options, hooks);
      return { ...run, work: { ...counts } };
    }
    case 'events': {
      const { run, events, transfers } = runEventSimulation(options, hooks);
      return judged(run, events.violations, { deliveries: events.deliveries, transfers });
    }
    case 'checkpoints': {
      const { run, checkpoints, transfers } = runCheckpointSimulation(options, hooks);
      const { writes, expiries, violations } = checkpoints;
      return judged(run, violations, { writes, expiries, transfers: transfers.done });
    }
    default:
      return runSimulation(options, realFactoryOf, hooks);
  }
}

/** The run with what the checkers of its service found. */
function judged(
  run: RunResult,
  found: readonly { readonly property: string; readonly text: string }[],
  work: Readonly<Record<string, number>>,
): RunResult {
  const violations = found.map(({ property, text }) => ({
    ...{ property: 'W1' as const, time: run.simulatedMs, node: 0, ring: '-' },
    text: `${property}: ${text}`,
  }));
  return {
    ...run,
    clean: run.clean && violations.length === 0,
    violations: [...run.violations, ...violations],
    violationCount: run.violationCount + violations.length,
    work,
  };
}
