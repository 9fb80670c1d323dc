/** Membership under fire and administration keeps its promises. `AISEXEC_MEMBERSHIP_SEEDS=5000` runs as many seeds as one likes. */
import { clmService } from '@aisexec/clm/service';
import { describe, expect, test } from '@jest/globals';
import { violationText } from '../checkers/violation.ts';
import { runMembershipSimulation } from './membership-run.ts';

const SEEDS = Number(process.env['AISEXEC_MEMBERSHIP_SEEDS'] ?? 10);
const SECONDS = 8;
const SEED_MS_MAX = 60_000;

describe('membership under fire', () => {
  const sums = new Map<string, number>();
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'seed %i',
    (seed) => {
      const { run, counts } = runMembershipSimulation({ seed, seconds: SECONDS });
      expect(run.violations.map(violationText)).toEqual([]);
      for (const [name, count] of Object.entries(counts)) {
        sums.set(name, (sums.get(name) ?? 0) + count);
      }
    },
    SEED_MS_MAX,
  );

  test('and everything happened that should be possible', () => {
    const names = ['removals', 'readmissions', 'refused', 'changes', 'asked', 'evicted'];
    expect(names.filter((name) => (sums.get(name) ?? 0) === 0)).toEqual([]);
  });
});

describe('a planted bug is caught', () => {
  const found = (service: typeof clmService) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { run } = runMembershipSimulation({ seed, seconds: SECONDS, service });
      if (run.violations.some(({ property }) => property === 'W1')) return true;
    }
    return false;
  };

  test('a view that is told without the node that left', () => {
    const confchg: typeof clmService.confchg = (state, view, ctx) =>
      clmService.confchg?.(state, view, {
        ...ctx,
        ...{ order: ctx.order, time: ctx.time, view: ctx.view },
        reply: (...args) => ctx.reply(...args),
        replyWhenCertain: (...args) => ctx.replyWhenCertain(...args),
        callback: (client, name, payload) => {
          const { nodes, ...rest } = payload as { nodes: readonly { change: number }[] };
          const kept = nodes.filter(({ change }) => change !== 3);
          ctx.callback(client, name, { ...rest, nodes: kept });
        },
      });
    expect(found({ ...clmService, confchg })).toBe(true);
  });

  test('a removed node that is served again under its old admission', () => {
    const { current } = clmService.lib;
    const handle: NonNullable<typeof current>['handle'] = (state, request, ctx) =>
      current?.handle(
        state,
        { ...request, admission: state.records.get(ctx.nodeId)?.evicted ?? 0n },
        ctx,
      );
    const lib = { ...clmService.lib, current: { ...current!, handle } };
    expect(found({ ...clmService, lib })).toBe(true);
  });
});
