#!/usr/bin/env node
/**
 * `aissim`: one simulated cluster, an event a line and the verdict; or many seeds, a line each. Standard
 * output carries nothing else. Exit status: 0 all clean, 1 a property was violated, 64 wrong usage.
 */
import { hideBin } from 'yargs/helpers';
import { faultTable } from '../nemesis/table.ts';
import type { RunResult } from '../run.ts';
import { formatRecord, TRACE_HEADER } from '../trace/format.ts';
import { runNamed } from '../workloads/named-runs.ts';
import { attackMany, huntAll, showCoverage } from './collections.ts';
import { type CommandLine, EXIT_USAGE, parseCommandLine } from './command-line.ts';
import { seedLine, summaryText, tableText } from './report.ts';
import { playAll } from './scenarios.ts';
import { runSeeds } from './seeds.ts';

const LINES_PER_WRITE = 500;
/** Records that only `--packets` shows. */
const HIDDEN: ReadonlySet<string> = new Set(['order', 'receive', 'token']);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader (`| head`) has seen enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await main();

async function main(): Promise<number> {
  let commandLine: CommandLine | undefined;
  try {
    commandLine = await parseCommandLine(hideBin(process.argv));
  } catch (error) {
    console.error(`aissim: ${error instanceof Error ? error.message : String(error)}`);
    console.error('Try: aissim --help');
    return EXIT_USAGE;
  }
  if (commandLine === undefined) return 0;
  if (commandLine.mode !== 'seeds') return runCollection(commandLine) ? 0 : 1;
  return commandLine.seedCount === 1 ? runOne(commandLine) : runMany(commandLine);
}

/** @returns whether all was well. */
function runCollection(commandLine: CommandLine): boolean {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const { mode, options, firstSeed, seedCount, scenario = '', update } = commandLine;
  switch (mode) {
    case 'scenario':
      return playAll(scenario, update, print);
    case 'mutants':
      return huntAll(print);
    case 'coverage':
      return showCoverage(options, seedCount, print);
    case 'attack':
      return attackMany(firstSeed, seedCount, print);
    default:
      print(tableText(faultTable()));
      return true;
  }
}

function runOne(commandLine: CommandLine): number {
  const { options, format, quiet, packets } = commandLine;
  const print = createPrinter();
  const silent = quiet || format === 'json';
  if (!silent) print.line(TRACE_HEADER);
  const begin = performance.now();
  const result = runNamed(
    options,
    silent
      ? {}
      : {
          onRecord: (record, place) => {
            if (!packets && HIDDEN.has(record.kind)) return;
            print.line(formatRecord(record, place));
          },
        },
  );
  const wallMs = performance.now() - begin;
  if (format === 'json') print.line(JSON.stringify({ ...result, wallMs: Math.round(wallMs) }));
  else print.line(`${silent ? '' : '\n'}${summaryText(result, options, wallMs)}`);
  print.flush();
  return result.clean ? 0 : 1;
}

async function runMany(commandLine: CommandLine): Promise<number> {
  const { options, format, quiet, failuresOnly, jobs, seedCount } = commandLine;
  const begin = performance.now();
  let failed = 0;
  let simulatedMs = 0;
  const report = (result: RunResult): void => {
    simulatedMs += result.simulatedMs;
    if (!result.clean) failed += 1;
    if (result.clean && (quiet || failuresOnly)) return;
    const text = format === 'json' ? JSON.stringify(result) : seedLine(result, options);
    process.stdout.write(`${text}\n`);
  };
  await runSeeds(options, seedCount, jobs, report);
  const wallMs = performance.now() - begin;
  if (format === 'text') {
    const times = Math.round(simulatedMs / Math.max(wallMs, 1));
    process.stdout.write(
      `${seedCount} seeds, ${failed} failed; ${(simulatedMs / 1000).toFixed(0)} s simulated in ${(wallMs / 1000).toFixed(1)} s (${times} times real time)\n`,
    );
  }
  return failed === 0 ? 0 : 1;
}

/** Lines are written in batches: a run has tens of thousands. */
function createPrinter(): { line(text: string): void; flush(): void } {
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
    lines = [];
  };
  return {
    line(text) {
      lines.push(text);
      if (lines.length >= LINES_PER_WRITE) flush();
    },
    flush,
  };
}
