/** `aisctl ckpt …`. */
import type { CheckpointAttributes } from '@aisexec/ckpt';
import type { Argv } from 'yargs';
import { UsageError } from '../problems.ts';
import { type Choose, wholeNumber, withFormat, withSocket } from './options.ts';

const NUMBER_MAX = 999_999_999_999_999;

export function ckptCommands(parser: Argv, choose: Choose): void {
  parser.command('ckpt', 'list, read and write checkpoints', (y) => {
    reading(y, choose);
    watching(y, choose);
    changing(y, choose);
    return y.demandCommand(1, 'ckpt: which command? ls, get, put, rm or watch').strict();
  });
}

function reading(y: Argv, choose: Choose): void {
  y.command(
    'ls [checkpoint]',
    'the checkpoints, or the sections of one',
    (z) => withFormat(z).positional('checkpoint', { type: 'string', description: 'name' }),
    ({ checkpoint, ...args }) =>
      choose(args, async (socket) => {
        const ls = await import('../commands/ckpt-ls.ts');
        if (checkpoint === undefined) return ls.listCheckpoints(socket, args.format);
        return ls.listSections(socket, args.format, checkpoint);
      }),
  ).command(
    'get <checkpoint> [section]',
    'the bytes of a section to standard output',
    (z) =>
      sectionOptions(z)
        .option('offset', {
          type: 'string',
          requiresArg: true,
          description: 'first byte; 0',
          coerce: wholeNumber('offset', 0, NUMBER_MAX),
        })
        .option('length', {
          type: 'string',
          requiresArg: true,
          description: 'number of bytes; all',
          coerce: wholeNumber('length', 0, NUMBER_MAX),
        }),
    ({ checkpoint, section, offset = 0, length, ...args }) =>
      choose(args, async (socket) =>
        (await import('../commands/ckpt-section.ts')).get({
          ...{ socket, checkpoint, section, offset, length },
        }),
      ),
  );
}

function watching(y: Argv, choose: Choose): void {
  y.command(
    'watch <checkpoint> [section]',
    'show changes as they come',
    (z) =>
      withFormat(sectionPositionals(z))
        .option('content', {
          type: 'boolean',
          default: false,
          description: 'show the content after the change, up to 64 KiB',
        })
        .option('count', {
          alias: 'n',
          type: 'string',
          requiresArg: true,
          description: 'end after so many changes',
          coerce: wholeNumber('count', 1, NUMBER_MAX),
        }),
    ({ checkpoint, section, format, content, count, ...args }) =>
      choose(args, async (socket) =>
        (await import('../commands/ckpt-watch.ts')).watch({
          ...{ socket, format, checkpoint, section, content, count },
        }),
      ),
  );
}

function changing(y: Argv, choose: Choose): void {
  y.command(
    'put <checkpoint> [section]',
    'replace or make a section',
    putOptions,
    ({ checkpoint, section, data, ...args }) => {
      const create = attributesOf(args);
      const expiresMs = args.expires;
      choose(args, async (socket) =>
        (await import('../commands/ckpt-section.ts')).put({
          ...{ socket, checkpoint, section, data, create, expiresMs },
        }),
      );
    },
  ).command(
    'rm <checkpoint> [section]',
    'delete a section, or with --unlink the checkpoint',
    (z) =>
      sectionOptions(z).option('unlink', {
        type: 'boolean',
        default: false,
        description: 'the whole checkpoint; who has it open keeps it',
      }),
    ({ checkpoint, section, unlink, ...args }) => {
      if (unlink === (section !== undefined)) {
        throw new UsageError('ckpt rm: name a section, or say --unlink for the whole checkpoint');
      }
      choose(args, async (socket) => {
        const change = await import('../commands/ckpt-section.ts');
        if (unlink) return change.unlink(socket, checkpoint);
        return change.remove({ socket, checkpoint, section });
      });
    },
  );
}

function sectionOptions(y: Argv) {
  return withSocket(sectionPositionals(y));
}

function sectionPositionals(y: Argv) {
  return y
    .positional('checkpoint', { type: 'string', demandOption: true, description: 'name' })
    .positional('section', { type: 'string', description: 'id; else the default section' });
}

function putOptions(y: Argv) {
  return sectionOptions(y)
    .option('data', {
      type: 'string',
      requiresArg: true,
      description: 'the content; else standard input to its end',
    })
    .option('expires', {
      type: 'string',
      requiresArg: true,
      description: 'milliseconds after which the section is deleted; never',
      coerce: wholeNumber('expires', 1, NUMBER_MAX),
    })
    .option('create', {
      type: 'boolean',
      default: false,
      description: 'make the checkpoint when there is none',
    })
    .option('max-sections', {
      type: 'string',
      requiresArg: true,
      description: 'with --create: sections it may have; 1024',
      coerce: wholeNumber('max-sections', 1, NUMBER_MAX),
    })
    .option('max-section-bytes', {
      type: 'string',
      requiresArg: true,
      description: 'with --create: bytes of a section; 1048576',
      coerce: wholeNumber('max-section-bytes', 1, NUMBER_MAX),
    })
    .option('retention', {
      type: 'string',
      requiresArg: true,
      description: 'with --create: milliseconds it outlives its last close; for ever',
      coerce: wholeNumber('retention', 0, NUMBER_MAX),
    });
}

const ATTRIBUTES = ['max-sections', 'max-section-bytes', 'retention'] as const;

function attributesOf(
  args: { readonly create: boolean } & {
    readonly [name in (typeof ATTRIBUTES)[number]]?: number | undefined;
  },
): CheckpointAttributes | undefined {
  const given = ATTRIBUTES.find((name) => args[name] !== undefined);
  if (!args.create && given !== undefined) throw new UsageError(`--${given} needs --create`);
  if (!args.create) return undefined;
  return {
    maxSections: args['max-sections'] ?? 1_024,
    maxSectionBytes: args['max-section-bytes'] ?? 1_048_576,
    maxSectionIdBytes: 256,
    retentionMs: args.retention ?? Number.POSITIVE_INFINITY,
  };
}
