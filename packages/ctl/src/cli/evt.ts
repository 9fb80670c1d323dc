/** `aisctl evt …`. */
import type { PatternFilter } from '@aisexec/evt';
import type { Argv } from 'yargs';
import { UsageError } from '../problems.ts';
import { type Choose, wholeNumber, withFormat } from './options.ts';

const KINDS = ['prefix', 'suffix', 'exact'] as const;
const RETENTION_MS_MAX = 100_000_000;
const COUNT_MAX = 999_999_999_999_999;

type FilterText = readonly [kind: (typeof KINDS)[number], pattern: string] | 'any';

export function evtCommands(parser: Argv, choose: Choose): void {
  parser.command('evt', 'publish and follow events', (y) =>
    y
      .command('publish <channel>', 'publish an event', publishOptions, (args) =>
        choose(args, async (socket) =>
          (await import('../commands/evt-publish.ts')).publish({
            ...{ socket, format: args.format, channel: args.channel, create: args.create },
            data: args.data,
            patterns: args.pattern ?? [],
            priority: args.priority as 0 | 1 | 2 | 3,
            retentionMs: args.retention ?? 0,
            publisher: args.publisher ?? '',
          }),
        ),
      )
      .command('tail <channel>', 'show events as they come', tailOptions, (args) => {
        const filters = (args.filter ?? []).map(filterText);
        choose(args, async (socket) =>
          (await import('../commands/evt-tail.ts')).tail({
            ...{ socket, format: args.format, channel: args.channel, create: args.create },
            filters: await patternFilters(filters),
            count: args.count,
          }),
        );
      })
      .demandCommand(1, 'evt: which command? publish or tail')
      .strict(),
  );
}

function channelOptions(y: Argv) {
  return withFormat(y)
    .positional('channel', { type: 'string', demandOption: true, description: 'name' })
    .option('create', {
      type: 'boolean',
      default: false,
      description: 'make the channel when there is none',
    });
}

function publishOptions(y: Argv) {
  return channelOptions(y)
    .option('data', {
      type: 'string',
      requiresArg: true,
      description: 'the data; else standard input to its end',
    })
    .option('pattern', {
      alias: 'p',
      type: 'string',
      array: true,
      requiresArg: true,
      description: 'what filters look at; may be repeated, the order counts',
    })
    .option('priority', {
      choices: [0, 1, 2, 3] as const,
      default: 3,
      description: '0 is served first',
    })
    .option('retention', {
      type: 'string',
      requiresArg: true,
      description: 'milliseconds to keep the event for later subscribers; 0',
      coerce: wholeNumber('retention', 0, RETENTION_MS_MAX),
    })
    .option('publisher', { type: 'string', requiresArg: true, description: 'name of who says so' });
}

function tailOptions(y: Argv) {
  return channelOptions(y)
    .option('filter', {
      type: 'string',
      array: true,
      requiresArg: true,
      description: 'prefix:TEXT, suffix:TEXT, exact:TEXT or any; the n-th meets the n-th pattern',
    })
    .option('count', {
      alias: 'n',
      type: 'string',
      requiresArg: true,
      description: 'end after so many events',
      coerce: wholeNumber('count', 1, COUNT_MAX),
    });
}

function filterText(text: string): FilterText {
  if (text === 'any') return 'any';
  const colon = text.indexOf(':');
  const kind = KINDS.find((known) => known === text.slice(0, colon));
  if (colon === -1 || kind === undefined) {
    throw new UsageError(
      `--filter ${text}: must be prefix:TEXT, suffix:TEXT, exact:TEXT or any, e.g. exact:${text}`,
    );
  }
  return [kind, text.slice(colon + 1)];
}

async function patternFilters(filters: readonly FilterText[]): Promise<readonly PatternFilter[]> {
  const make = await import('@aisexec/evt');
  return filters.map((filter) => (filter === 'any' ? make.passAll() : make[filter[0]](filter[1])));
}
