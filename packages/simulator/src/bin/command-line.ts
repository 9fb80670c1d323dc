/** The command line of `aissim`: what may be said, checked, as one plain object. */
import { LINK_MODES, LINKS_MAX } from '@aisexec/totem';
import yargs from 'yargs';
import { SIM_NODES_MAX } from '../limits.ts';
import { MUTANT_NAMES } from '../mutants/index.ts';
import { type RunOptions, WORKLOAD_NAMES } from '../scenario.ts';

export interface CommandLine {
  /** `seeds` runs simulations; the others print a table or run a collection. */
  readonly mode: 'seeds' | 'fault-table' | 'mutants' | 'coverage' | 'attack' | 'scenario';
  /** A scenario file or a directory of them. */
  readonly scenario?: string;
  readonly update: boolean;
  readonly options: RunOptions;
  /** Seeds to run: one, or a range. */
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly jobs: number;
  readonly quiet: boolean;
  readonly failuresOnly: boolean;
  readonly packets: boolean;
  readonly format: 'text' | 'json';
}

export const EXIT_USAGE = 64;
const SECONDS_DEFAULT = 20;
const SECONDS_MAX = 86_400;
const MODES = ['fault-table', 'mutants', 'coverage', 'attack', 'scenario'] as const;
const JOBS_MAX = 64;

/** @throws UsageError */
export async function parseCommandLine(args: readonly string[]): Promise<CommandLine | undefined> {
  const parser = commandLineParser(args);
  const argv = await parser.parseAsync();
  if (argv['help'] === true || argv['version'] === true) return undefined;
  if (argv.workload !== undefined && argv.mutant !== undefined) {
    throw new UsageError('--mutant is for runs without --workload');
  }
  const [firstSeed, seedCount] = seedRange(argv.seed, argv.seeds);
  return {
    mode: MODES.find((mode) => argv[mode]) ?? 'seeds',
    options: {
      seed: firstSeed,
      seconds: within('--seconds', argv.seconds, 0.1, SECONDS_MAX),
      faults: argv.faults,
      stack: argv.stack,
      ...(argv.nodes === undefined
        ? {}
        : { nodes: whole('--nodes', argv.nodes, 1, SIM_NODES_MAX) }),
      ...(argv.loss === undefined ? {} : { loss: within('--loss', argv.loss, 0, 0.9) }),
      ...(argv.links === undefined ? {} : { links: whole('--links', argv.links, 1, LINKS_MAX) }),
      ...(argv['link-mode'] === undefined ? {} : { linkMode: argv['link-mode'] }),
      ...(argv.workload === undefined ? {} : { workload: argv.workload, stack: 'full' }),
      ...(argv.mutant === undefined ? {} : { mutant: argv.mutant }),
      ...(argv.draws === undefined ? {} : { draws: argv.draws }),
    },
    ...(argv.scenario === undefined ? {} : { scenario: argv.scenario }),
    update: argv.update,
    firstSeed,
    seedCount,
    jobs: whole('--jobs', argv.jobs, 1, JOBS_MAX),
    quiet: argv.quiet,
    failuresOnly: argv['failures-only'],
    packets: argv.packets,
    format: argv.format,
  };
}

function commandLineParser(args: readonly string[]) {
  return yargs(args)
    .scriptName('aissim')
    .usage('$0: a whole simulated cluster from one seed: what happened, and whether all was well')
    .option('seed', { type: 'number', default: 1, describe: 'the seed, or the first of many' })
    .option('seeds', { type: 'string', describe: 'many seeds: a count, or FIRST-LAST' })
    .option('nodes', { type: 'number', describe: `1 to ${SIM_NODES_MAX}; drawn if absent` })
    .option('seconds', { type: 'number', default: SECONDS_DEFAULT, describe: 'time under fire' })
    .option('loss', { type: 'number', describe: 'highest steady packet loss, 0 to 0.9 (0.2)' })
    .option('faults', { type: 'boolean', default: true, describe: '--no-faults: only loss' })
    .option('stack', {
      choices: ['ring', 'full'] as const,
      default: 'ring' as const,
      describe: 'the bare ring, or with groups and services',
    })
    .option('links', { type: 'number', describe: `networks, 1 to ${LINKS_MAX} (1)` })
    .option('link-mode', { choices: LINK_MODES, describe: 'of several networks; drawn if absent' })
    .option('workload', {
      choices: WORKLOAD_NAMES,
      describe: 'one service alone, with its own checkers',
    })
    .option('mutant', { choices: MUTANT_NAMES, describe: 'plant this fault; it should be caught' })
    .option('mutants', { type: 'boolean', default: false, describe: 'hunt every planted fault' })
    .option('coverage', { type: 'boolean', default: false, describe: 'every input in every state' })
    .option('attack', {
      type: 'boolean',
      default: false,
      describe: 'hostile datagrams, --seeds of them',
    })
    .option('scenario', {
      type: 'string',
      describe: 'play FILE.scenario.txt, or all of a directory',
    })
    .option('update', { type: 'boolean', default: false, describe: 'write the golden traces anew' })
    .option('draws', { choices: [1, 2] as const, describe: '1: the draws of old regressions' })
    .option('fault-table', { type: 'boolean', default: false, describe: 'what a seed draws' })
    .option('jobs', { type: 'number', default: 1, describe: 'worker threads for many seeds' })
    .option('quiet', { type: 'boolean', default: false, describe: 'no events, the verdict only' })
    .option('failures-only', { type: 'boolean', default: false, describe: 'of many seeds' })
    .option('packets', { type: 'boolean', default: false, describe: 'every packet, too' })
    .option('format', { choices: ['text', 'json'] as const, default: 'text' as const })
    .strict()
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message);
    });
}

/** What was wrong with the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function seedRange(seed: number, seeds: string | undefined): [first: number, count: number] {
  const first = whole('--seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (seeds === undefined) return [first, 1];
  const range = /^(\d+)(?:-(\d+))?$/.exec(seeds);
  if (range === null) throw new UsageError(`--seeds takes a count or FIRST-LAST, not "${seeds}"`);
  const low = Number(range[1]);
  if (range[2] === undefined) return [first, whole('--seeds', low, 1, Number.MAX_SAFE_INTEGER)];
  const high = whole('--seeds', Number(range[2]), low, Number.MAX_SAFE_INTEGER);
  return [low, high - low + 1];
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} takes a number from ${min} to ${max}`);
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value)) return within(name, value, min, max);
  throw new UsageError(`${name} takes a whole number from ${min} to ${max}`);
}

/** The command that replays a run exactly. */
export function replayCommand(options: RunOptions): string {
  const words = ['npm run sim --', `--seed ${options.seed}`];
  if (options.nodes !== undefined) words.push(`--nodes ${options.nodes}`);
  words.push(`--seconds ${options.seconds}`);
  if (options.loss !== undefined) words.push(`--loss ${options.loss}`);
  if (!options.faults) words.push('--no-faults');
  if (options.workload !== undefined) words.push(`--workload ${options.workload}`);
  else if (options.stack !== 'ring') words.push(`--stack ${options.stack}`);
  if (options.links !== undefined) words.push(`--links ${options.links}`);
  if (options.linkMode !== undefined) words.push(`--link-mode ${options.linkMode}`);
  if (options.draws !== undefined) words.push(`--draws ${options.draws}`);
  if (options.mutant !== undefined) words.push(`--mutant ${options.mutant}`);
  return words.join(' ');
}
