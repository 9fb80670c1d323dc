/** Every input in every state has been met, and the gate notices when one has not. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { RunOptions } from '../scenario.ts';
import { parseScenario } from '../scenarios/parse.ts';
import { cover, judge } from './cover.ts';
import { createSituations, IMPOSSIBLE, INPUTS, STATES } from './situations.ts';

/** Few seeds that get everywhere at least twice; `npm run sim -- --coverage --seeds 200 --seconds 5` runs many. */
const SEEDS = [2, 5, 10, 22, 45, 82, 108];
const DIRECTORY = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const SCRIPTS = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith('.scenario.txt'))
  .map((file) => parseScenario(readFileSync(DIRECTORY + file, 'utf8')));
const RUN_MS_MAX = 180_000;

const optionsOf = (seed: number): RunOptions => ({ seed, seconds: 5, faults: true, stack: 'ring' });

test(
  'every input has come in every state, and only hostile runs have been in impossible ones',
  () => {
    const { problems } = cover({
      seeds: SEEDS.map(optionsOf),
      scripts: SCRIPTS,
      attackSeeds: [1, 2, 3, 4],
      packetsPerAttack: 1000,
    });
    expect(problems).toEqual([]);
  },
  RUN_MS_MAX,
);

test('a run too short to get everywhere is told what it has missed', () => {
  const seeds = [{ ...optionsOf(1), nodes: 1, seconds: 1, faults: false }];
  const { problems } = cover({ seeds, attackSeeds: [], packetsPerAttack: 0 });
  expect(problems).toContain('recovery packet join: no run got there');
  expect(problems).toContain('left timer merge: no hostile run got there');
});

test('a reason that is refuted is told', () => {
  const everything = {
    ...createSituations(),
    hits: new Map([...IMPOSSIBLE.keys()].map((cell) => [cell, 1])),
  };
  const problems = judge(everything, everything);
  expect(problems.filter((text) => text.includes('was reached, though'))).toHaveLength(
    IMPOSSIBLE.size,
  );
  expect(problems).toHaveLength(STATES.length * INPUTS.length);
});
