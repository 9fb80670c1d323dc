/** The runs of `aissim`: of the ring, of the whole stack, or of one service with the checkers that know it. */
import { realFactoryOf } from '../processes/real-factory.ts';
import { type RunHooks, type RunResult, runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { runLockSimulation } from './locks-run.ts';
import { runMembershipSimulation } from './membership-run.ts';

export function runNamed(options: RunOptions, hooks: RunHooks = {}): RunResult {
  if (options.workload === 'locks') {
    const { run, locks } = runLockSimulation(options, hooks);
    const violations = locks.violations.map(({ property, text }) => ({
      ...{ property: 'W1' as const, time: run.simulatedMs, node: 0, ring: '-' },
      text: `${property}: ${text}`,
    }));
    const { grants, undecided } = locks;
    return {
      ...run,
      clean: run.clean && violations.length === 0,
      violations: [...run.violations, ...violations],
      violationCount: run.violationCount + violations.length,
      work: { grants, undecided },
    };
  }
  if (options.workload === 'membership') {
    const { run, counts } = runMembershipSimulation(options, hooks);
    return { ...run, work: { ...counts } };
  }
  return runSimulation(options, realFactoryOf, hooks);
}
