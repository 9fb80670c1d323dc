/** Whole runs: clean ones, and the same one twice, in this process and in two others. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { violationText } from './checkers/violation.ts';
import { realFactoryOf } from './processes/real-factory.ts';
import { runSimulation } from './run.ts';
import type { RunOptions } from './scenario.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SEEDS = [1, 2, 3, 4, 5, 6];

const optionsOf = (seed: number, stack: 'ring' | 'full'): RunOptions => ({
  seed,
  seconds: 5,
  faults: true,
  stack,
});

describe.each(['ring', 'full'] as const)('stack %s', (stack) => {
  test.each(SEEDS)('seed %i is clean, and gives the same trace twice', (seed) => {
    const options = optionsOf(seed, stack);
    const result = runSimulation(options, realFactoryOf);
    expect(result.violations.map(violationText)).toEqual([]);
    expect(result.summary.delivered).toBeGreaterThan(0);
    expect(runSimulation(options, realFactoryOf).traceHash).toBe(result.traceHash);
  });
});

test('looking at the events does not change them', () => {
  const options = optionsOf(3, 'ring');
  let lines = 0;
  const watched = runSimulation(options, realFactoryOf, {
    onRecord: () => {
      lines += 1;
    },
  });
  expect(watched.traceHash).toBe(runSimulation(options, realFactoryOf).traceHash);
  expect(lines).toBe(watched.records);
});

describe('the command', () => {
  const aissim = (...args: readonly string[]): { status: number; stdout: string } => {
    try {
      const stdout = execFileSync(
        process.execPath,
        ['packages/simulator/dist/bin/aissim.js', ...args],
        { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
      );
      return { status: 0, stdout };
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string };
      return { status, stdout };
    }
  };

  beforeAll(() => {
    // Incremental: a second or so, and nothing when it is up to date.
    const tsc = 'node_modules/@typescript/native/bin/tsc';
    execFileSync(process.execPath, [tsc, '-b', 'packages/simulator'], { cwd: ROOT });
  }, 120_000);

  test('two processes and this one agree on every trace hash', () => {
    const args = ['--seeds', '1-6', '--seconds', '5', '--format', 'json'];
    const hashes = (stdout: string): string[] =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).traceHash);
    const first = aissim(...args, '--jobs', '1');
    const second = aissim(...args, '--jobs', '2');
    const here = SEEDS.map(
      (seed) => runSimulation(optionsOf(seed, 'ring'), realFactoryOf).traceHash,
    );
    expect(hashes(first.stdout)).toEqual(here);
    expect(hashes(second.stdout)).toEqual(here);
  });

  test('one seed prints an event a line, the summary and the verdict, and ends with 0', () => {
    const { status, stdout } = aissim('--seed', '2', '--nodes', '3', '--seconds', '2');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ +time ms +node +state, ring +event +detail$/m);
    expect(stdout).toMatch(
      /^ +\d+\.\d{3} {2}n\d+\.\d+ +\S+ \d+\.\d+ +regular +ring \d+\.\d+ members 1,2,3/m,
    );
    expect(stdout).toMatch(/^verdict +clean$/m);
  });

  test('a planted fault ends with 1 and says how to replay it', () => {
    const { status, stdout } = aissim('--seed', '2', '--quiet', '--mutant', 'deliver-twice');
    expect(status).toBe(1);
    expect(stdout).toContain('E1 at ');
    expect(stdout).toContain('npm run sim -- --seed 2 --seconds 20 --mutant deliver-twice');
  });

  test('nonsense ends with 64 and leaves standard output clean', () => {
    expect(aissim('--sede', '2')).toEqual({ status: 64, stdout: '' });
    expect(aissim('--nodes', '99')).toEqual({ status: 64, stdout: '' });
    expect(aissim('--seeds', '5-2')).toEqual({ status: 64, stdout: '' });
  });
});
