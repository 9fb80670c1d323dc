/** `aisctl lock …`. */
import type { Argv } from 'yargs';
import { GRACE_MS_DEFAULT, SEMAPHORE_SLOTS_MAX } from '../limits.ts';
import { UsageError } from '../problems.ts';
import { type Choose, MS_MAX, wholeNumber, withFormat, withSocket } from './options.ts';

/** @param command what stands after `--`. */
export function lockCommands(
  parser: Argv,
  { choose, chooseRun }: { readonly choose: Choose; readonly chooseRun: Choose },
  command: readonly string[],
): void {
  parser.command('lock', 'run a command under a lock, or revoke one', (y) =>
    y
      .command('revoke <name>', 'take a lock from its holders', revokeOptions, (args) =>
        choose(args, async (socket) =>
          (await import('../commands/lock-revoke.ts')).lockRevoke({
            ...{ socket, format: args.format, name: args.name, token: args.token },
          }),
        ),
      )
      .command('run <name>', 'run a command while holding a lock', runOptions, (args) => {
        if (command.length === 0 || command[0] === '') {
          throw new UsageError("lock run: which command? It comes after '--'");
        }
        if (args.max !== undefined && args.mode === 'pr') {
          throw new UsageError('lock run: --max is for --mode ex; readers share without a number');
        }
        chooseRun(args, async (socket) =>
          (await import('../commands/lock-run.ts')).lockRun({
            ...{ socket, name: args.name, command, shell: args.shell, max: args.max },
            mode: args.mode === 'pr' ? 'PR' : 'EX',
            timeoutMs: args.timeout,
            noQueue: args.try,
            graceMs: args.grace ?? GRACE_MS_DEFAULT,
            tellSocket: args.socket !== undefined,
          }),
        );
      })
      .demandCommand(1, 'lock: which command? run or revoke')
      .strict(),
  );
}

function revokeOptions(y: Argv) {
  return withFormat(y)
    .positional('name', { type: 'string', demandOption: true, description: 'name of the lock' })
    .option('token', {
      type: 'string',
      requiresArg: true,
      description: 'only what was granted under this fencing token',
      coerce: tokenOf,
    })
    .epilogue(
      'For root and the user of the executive. The holders are told; who waits is granted next.',
    );
}

function tokenOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const token = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (token === BigInt.asUintN(64, token)) return token;
  throw new UsageError(`--token must be a fencing token as aisctl locks shows it, not '${text}'`);
}

function runOptions(y: Argv) {
  return withSocket(y)
    .usage('$0 lock run NAME [options] -- COMMAND [ARGUMENT…]')
    .positional('name', { type: 'string', demandOption: true, description: 'name of the lock' })
    .option('mode', {
      choices: ['ex', 'pr'] as const,
      default: 'ex' as const,
      description: 'exclusive, or shared with other readers',
    })
    .option('max', {
      type: 'string',
      requiresArg: true,
      description: 'a semaphore: up to so many at once; everybody must say the same number',
      coerce: wholeNumber('max', 1, SEMAPHORE_SLOTS_MAX),
    })
    .option('timeout', {
      type: 'string',
      requiresArg: true,
      description: 'milliseconds to wait for the lock; else for ever',
      coerce: wholeNumber('timeout', 1, MS_MAX),
    })
    .option('try', {
      type: 'boolean',
      default: false,
      description: 'do not wait when others hold the lock',
    })
    .option('grace', {
      type: 'string',
      requiresArg: true,
      description: `milliseconds from SIGTERM to SIGKILL once the lock is lost; ${GRACE_MS_DEFAULT}`,
      coerce: wholeNumber('grace', 0, MS_MAX),
    })
    .option('shell', {
      type: 'boolean',
      default: false,
      description: 'hand the command to /bin/sh -c',
    })
    .example('$0 lock run nightly --try -- /usr/local/bin/report', 'once in the cluster')
    .epilogue(
      "Exit status: the command's (128 + n for signal n); 75 lock not acquired, 69 no executive, 64 usage.",
    );
}
