/** The command line of `aisctl` on yargs: the tree of commands, strict, with "did you mean". */
import { readFileSync } from 'node:fs';
import yargs, { type Argv } from 'yargs';
import { nearest } from '../did-you-mean.ts';
import { UsageError } from '../problems.ts';
import { ckptCommands } from './ckpt.ts';
import { evtCommands } from './evt.ts';
import { keyCommands, keygenCommand } from './key.ts';
import { lockCommands } from './lock.ts';
import { nodeCommands } from './node.ts';
import { operatorCommands } from './operator.ts';
import { type Choose, type Chosen, socketOf } from './options.ts';
import { readingCommands } from './reading.ts';
import { serviceCommands } from './services.ts';

export type { Chosen } from './options.ts';

/** The commands, and those below them. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  status: [],
  members: [],
  quorum: ['expected'],
  locks: [],
  timers: [],
  services: ['load', 'unload', 'reload'],
  service: ['new'],
  inspect: [],
  shutdown: [],
  lock: ['run', 'revoke'],
  evt: ['publish', 'tail'],
  ckpt: ['ls', 'get', 'put', 'rm', 'watch'],
  node: ['ls', 'lock', 'unlock', 'shutdown'],
  key: ['status', 'rotate'],
  keygen: [],
  reload: [],
  log: ['level'],
  metrics: [],
  dump: [],
  completion: [],
};

/** @throws UsageError. Prints help or version and ends the process where that was asked for. */
export async function parse(args: readonly string[]): Promise<Chosen> {
  let chosen: Chosen | undefined;
  // Cut off here: yargs would make a number of the argument 1e3.
  const cut = args.indexOf('--');
  const own = cut === -1 ? args : args.slice(0, cut);
  const command = cut === -1 ? [] : args.slice(cut + 1);
  const choose: Choose = (parsed, run) => {
    if (cut !== -1) throw new UsageError("only lock run has a command after '--'");
    chooseAny(parsed, run);
  };
  const chooseAny: Choose = (parsed, run) => {
    checkGivenOnce(parsed);
    const socket = socketOf(parsed);
    chosen = { socket, run: () => run(socket) };
  };
  const parser = yargs([...own])
    .scriptName('aisctl')
    .usage('$0 COMMAND\n\nAsks and uses the aisexec executive of this host.')
    .parserConfiguration({
      'greedy-arrays': false,
      'camel-case-expansion': false,
    })
    .demandCommand(1, 1, 'which command?')
    .strict()
    .completion('completion', 'print a completion script for bash or zsh')
    .version(packageVersion())
    .alias('version', 'V')
    .alias('help', 'h')
    .epilogue('Manual: docs/reference/aisctl.md')
    .fail((message, error) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      throw new UsageError(improved(message ?? error.message, args, parser));
    });
  readingCommands(parser, choose);
  serviceCommands(parser, choose);
  lockCommands(parser, { choose, chooseRun: chooseAny }, command);
  evtCommands(parser, choose);
  ckptCommands(parser, choose);
  nodeCommands(parser, choose);
  keyCommands(parser, choose);
  operatorCommands(parser, choose);
  keygenCommand(parser, (parsed, run) => {
    if (cut !== -1) throw new UsageError("only lock run has a command after '--'");
    checkGivenOnce(parsed);
    chosen = { socket: '', run };
  });
  await parser.parseAsync();
  if (chosen === undefined) throw new UsageError('which command?');
  return chosen;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}

/** An option that is no list must not become one. */
function checkGivenOnce(parsed: object): void {
  for (const [name, value] of Object.entries(parsed)) {
    if (Array.isArray(value) && !LISTS.has(name)) {
      throw new UsageError(`--${name} may be given once`);
    }
  }
}

const LISTS: ReadonlySet<string> = new Set(['_', 'pattern', 'p', 'filter']);

/** What yargs says, with the word that was meant. */
function improved(message: string, args: readonly string[], y: Argv): string {
  const unknown = /^Unknown (argument|command)s?: (.+)$/.exec(message)?.[2];
  if (unknown === undefined) {
    const isShort = message.startsWith('Not enough non-option arguments');
    return isShort ? 'an argument is missing' : message.replace(/\s+/g, ' ');
  }
  const words = unknown.split(', ');
  const typed = args.filter((word) => !word.startsWith('-'));
  const isOption = words.every((word) =>
    args.some((arg) => /^--?/.test(arg) && arg.includes(word)),
  );
  const meant = isOption
    ? prefixed(nearest(words[0]!, optionsOf(y)))
    : nearest(
        words[0]!,
        typed[0] !== words[0] ? (COMMANDS[typed[0] ?? ''] ?? []) : Object.keys(COMMANDS),
      );
  const hint = meant === undefined ? '' : `. Did you mean ${meant}?`;
  const lock = typed[0] === 'lock' && !args.includes('--') ? ". A command comes after '--'" : '';
  return `unknown ${isOption ? 'option' : 'argument'}: ${words.join(', ')}${hint}${lock}`;
}

function prefixed(option: string | undefined): string | undefined {
  return option === undefined ? undefined : `--${option}`;
}

/** Long names of the options of the command that was typed. */
function optionsOf(y: Argv): readonly string[] {
  const { key } = (y as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  return Object.keys(key).filter((name) => name.length > 1);
}
