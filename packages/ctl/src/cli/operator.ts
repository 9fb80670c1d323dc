/** `aisctl reload`, `log level`, `metrics`, `dump`. */
import type { Argv } from 'yargs';
import { type Choose, withFormat, withSocket } from './options.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export function operatorCommands(parser: Argv, choose: Choose): void {
  parser
    .command(
      'reload',
      'have all nodes read their configurations again: all of them, or none',
      (y) =>
        withFormat(y)
          .option('dry-run', {
            type: 'boolean',
            default: false,
            description: 'show what would change and change nothing',
          })
          .option('local', {
            type: 'boolean',
            default: false,
            description: 'this node alone',
          }),
      ({ 'dry-run': dry, local, format, ...args }) =>
        choose(args, async (socket) =>
          (await import('../commands/operator.ts')).reload({ socket, format, dry, local }),
        ),
    )
    .command(
      'metrics',
      "the metrics in Prometheus' text format",
      (y) => withSocket(y),
      (args) =>
        choose(args, async (socket) => (await import('../commands/operator.ts')).metrics(socket)),
    )
    .command(
      'dump',
      'have the executive write its last events to a file of its state directory',
      withFormat,
      (args) =>
        choose(args, async (socket) =>
          (await import('../commands/operator.ts')).dump(socket, args.format),
        ),
    )
    .command('log', 'the log of the executive', (y) =>
      y
        .command(
          'level [level]',
          'show the level, or set it until the next start or reload',
          (z) =>
            withFormat(z).positional('level', { choices: LEVELS, description: LEVELS.join(', ') }),
          ({ level, format, ...args }) =>
            choose(args, async (socket) =>
              (await import('../commands/operator.ts')).logLevel(socket, format, level),
            ),
        )
        .demandCommand(1, 'log: which command? level')
        .strict(),
    );
}
