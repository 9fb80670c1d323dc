/** `aisctl lock …`. */
import type { Argv } from 'yargs';
import { GRACE_MS_DEFAULT } from '../limits.ts';
import { UsageError } from '../problems.ts';
import { type Choose, MS_MAX, wholeNumber, withSocket } from './options.ts';

/** @param command what stands after `--`. */
export function lockCommands(parser: Argv, choose: Choose, command: readonly string[]): void {
  parser.command('lock', 'run a command under a lock', (y) =>
    y
      .command('run <name>', 'run a command while holding a lock', runOptions, (args) => {
        if (command.length === 0 || command[0] === '') {
          throw new UsageError("lock run: which command? It comes after '--'");
        }
        choose(args, async (socket) =>
          (await import('../commands/lock-run.ts')).lockRun({
            ...{ socket, name: args.name, command, shell: args.shell },
            mode: args.mode === 'pr' ? 'PR' : 'EX',
            timeoutMs: args.timeout,
            noQueue: args.try,
            graceMs: args.grace ?? GRACE_MS_DEFAULT,
            tellSocket: args.socket !== undefined,
          }),
        );
      })
      .demandCommand(1, 'lock: which command? run')
      .strict(),
  );
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
