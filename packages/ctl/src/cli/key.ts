/** `aisctl key …` and `aisctl keygen`. */
import type { Argv } from 'yargs';
import { type Choose, MS_MAX, wholeNumber, withFormat } from './options.ts';

const TIMEOUT_MS_DEFAULT = 60_000;

export function keyCommands(parser: Argv, choose: Choose): void {
  parser.command('key', 'the keys of a sealed ring', (y) =>
    y
      .command('status', 'the keys in use and how far a change is', withFormat, (args) =>
        choose(args, async (socket) =>
          (await import('../commands/key.ts')).keyStatus(socket, args.format),
        ),
      )
      .command(
        'rotate',
        'change the whole cluster to the key that is now in the key files',
        (rotate) =>
          withFormat(rotate).option('timeout', {
            type: 'string',
            requiresArg: true,
            description: `milliseconds to wait for the end; the change goes on; ${TIMEOUT_MS_DEFAULT}`,
            coerce: wholeNumber('timeout', 1, MS_MAX),
          }),
        (args) =>
          choose(args, async (socket) =>
            (await import('../commands/key.ts')).rotateKey({
              socket,
              format: args.format,
              timeoutMs: args.timeout ?? TIMEOUT_MS_DEFAULT,
            }),
          ),
      )
      .demandCommand(1, 'key: which command? status or rotate')
      .strict(),
  );
}

export function keygenCommand(
  parser: Argv,
  choose: (parsed: object, run: () => Promise<number>) => void,
): void {
  parser.command(
    'keygen <file>',
    'make a new key file, mode 0400; needs no executive',
    (y) =>
      y
        .positional('file', { type: 'string', demandOption: true, description: 'must not exist' })
        .option('id', {
          type: 'string',
          requiresArg: true,
          description: 'number of the key, other than that of the key in use; else drawn',
          coerce: wholeNumber('id', 1, 255),
        }),
    (args) =>
      choose(args, async () => (await import('../commands/keygen.ts')).keygen(args.file, args.id)),
  );
}
