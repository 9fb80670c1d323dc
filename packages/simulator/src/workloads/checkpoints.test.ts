/** Checkpoints under fire keep their promises. `AISEXEC_CHECKPOINT_SEEDS=5000` runs as many seeds as one likes. */
import { type CkptState, ckptService, createCkptService } from '@aisexec/ckpt/service';
import type { ExecContext, ServiceDefinition } from '@aisexec/service';
import { describe, expect, test } from '@jest/globals';
import type { CheckpointProperty } from '../checkers/checkpoints.ts';
import { violationText } from '../checkers/violation.ts';
import { runCheckpointSimulation } from './checkpoints-run.ts';

const SEEDS = Number(process.env['AISEXEC_CHECKPOINT_SEEDS'] ?? 8);
const SECONDS = 10;
const BUG_SEEDS_MAX = 40;
/** Where the search begins for bugs that only a rare run can show (ADR 0144). */
const FIRST_SEEDS: Readonly<Record<string, number>> = {
  'contents of another version are taken for one’s own': 85,
};
const SEED_MS_MAX = 60_000;

describe('checkpoints under fire', () => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'seed %i',
    (seed) => {
      const { run, checkpoints } = runCheckpointSimulation({ seed, seconds: SECONDS });
      expect(run.violations.map(violationText)).toEqual([]);
      expect(checkpoints.violations).toEqual([]);
      expect(checkpoints.writes).toBeGreaterThan(0);
    },
    SEED_MS_MAX,
  );
});

/** Bugs of the background, which only comparing whole replicas finds. */
const follows = createCkptService({ inlineBytesMax: 0 });
const { background } = follows.sync;
const inBackground = (broken: Partial<NonNullable<typeof background>>) => ({
  ...follows,
  sync: { ...follows.sync, background: { ...background!, ...broken } },
});
let given = 0;
const BACKGROUND_BUGS: readonly (readonly [string, ServiceDefinition<CkptState>])[] = [
  [
    'what is written to a content on its way is forgotten',
    inBackground({
      settle(state, piece, asked, content) {
        const { key, page } = piece;
        const sections = state.checkpoints.get(piece.checkpoint)?.sections;
        const awaited = sections?.get(key)?.data.pages[page];
        if (awaited !== undefined && !(awaited instanceof Uint8Array)) awaited.patches.length = 0;
        background?.settle(state, piece, asked, content);
      },
    }),
  ],
  [
    'contents of another version are taken for one’s own',
    inBackground({
      adopt(before, after) {
        for (const { id, sections } of after.checkpoints.values()) {
          for (const [key, { data }] of sections) {
            const known = before.checkpoints.get(id)?.sections.get(key)?.data;
            if (known?.size === data.size) data.pages = known.pages;
          }
        }
      },
    }),
  ],
  [
    'a donor in five gives a byte wrong',
    inBackground({
      give(state, piece) {
        const content = background?.give(state, piece);
        given += 1;
        return given % 5 === 0 ? content?.fill(0, 0, 1) : content;
      },
    }),
  ],
];

const { exec, sync } = ckptService;
/** Counts over all nodes, so that one node at a time goes wrong. */
let applied = 0;
const put = exec['put']!;
const later = (ctx: ExecContext, ns: bigint): ExecContext => ({
  ...{ view: ctx.view, order: ctx.order, time: ctx.time + ns, steady: 0n, version: ctx.version },
  reply: (to, reply) => ctx.reply(to, reply),
  replyWhenCertain: (...args) => ctx.replyWhenCertain(...args),
  callback: (...args) => ctx.callback(...args),
});

const BUGS: readonly [string, CheckpointProperty, ServiceDefinition<CkptState>][] = [
  [
    'a merge takes the loser’s contents',
    'acknowledged',
    { ...ckptService, sync: { ...sync, merge: (parts) => sync.merge([...parts].reverse()) } },
  ],
  [
    'a write in 30 is acknowledged and forgotten',
    'read your write',
    {
      ...ckptService,
      exec: {
        ...exec,
        put: {
          ...put,
          apply(state, message, source, ctx) {
            if (ctx.order % 30n === 0n) ctx.reply(source, { rc: 1, order: ctx.order });
            else put.apply(state, message, source, ctx);
          },
        },
      },
    },
  ],
  [
    'sections end a second early',
    'expiry',
    {
      ...ckptService,
      expire: (state, ctx) => ckptService.expire?.(state, later(ctx, 1_000_000_000n)),
    },
  ],
  [
    'one node writes something else',
    'replicas',
    {
      ...ckptService,
      exec: {
        ...exec,
        put: {
          ...put,
          apply(state, message, source, ctx) {
            applied += 1;
            const odd = applied % 97 === 0;
            put.apply(state, odd ? { ...message, data: new Uint8Array(3) } : message, source, ctx);
          },
        },
      },
    },
  ],
  [
    'a change in 30 is not told to watches',
    'watch',
    {
      ...ckptService,
      exec: {
        ...exec,
        put: {
          ...put,
          apply(state, message, source, ctx) {
            const { view, order, time, steady, version } = ctx;
            put.apply(state, message, source, {
              ...{ view, order, time, steady, version },
              reply: (to, reply) => ctx.reply(to, reply),
              replyWhenCertain: (...args) => ctx.replyWhenCertain(...args),
              callback: (...args) => {
                if (order % 30n !== 0n) ctx.callback(...args);
              },
            });
          },
        },
      },
    },
  ],
];

describe('a planted bug is caught', () => {
  test.each(BUGS)(
    '%s',
    (_what, property, service) => {
      let caught = false;
      for (let seed = 1; !caught && seed <= BUG_SEEDS_MAX; seed++) {
        const { checkpoints } = runCheckpointSimulation({ seed, seconds: SECONDS, service });
        caught = checkpoints.violations.some((violation) => violation.property === property);
      }
      expect(caught).toBe(true);
    },
    SEED_MS_MAX,
  );

  test.each(BACKGROUND_BUGS)(
    '%s',
    (what, service) => {
      let caught = false;
      const first = FIRST_SEEDS[what] ?? 1;
      for (let seed = first; !caught && seed < first + BUG_SEEDS_MAX; seed++) {
        const { run } = runCheckpointSimulation({ seed, seconds: SECONDS, service });
        caught = run.violations.some(({ property }) => property === 'W1' || property === 'R1');
      }
      expect(caught).toBe(true);
    },
    SEED_MS_MAX,
  );
});

test.each([402, 427, 1335, 1712])(
  'seed %i: what a node installs late, on its way out of a ring that others went on from, is no loss',
  (seed) => {
    const { checkpoints } = runCheckpointSimulation({ seed, seconds: 5 });
    expect(checkpoints.violations).toEqual([]);
  },
  SEED_MS_MAX,
);
