/** The options of `aisexec`. */
import yargs from 'yargs';
import { packageVersion } from '../status.ts';
import { EXIT } from './exit-codes.ts';

export interface CommandLine {
  /** `-c`, else AISEXEC_CONFIG, else none: a single node. */
  readonly config: string | undefined;
  readonly check: boolean;
  /** Make a key file and end. */
  readonly keygen: string | undefined;
}

/** Prints help, version or what is wrong and ends the process where there is nothing to run. */
export async function parseCommandLine(args: readonly string[]): Promise<CommandLine> {
  const parsed = await yargs([...args])
    .scriptName('aisexec')
    .usage(
      '$0 [-c FILE] [--check]\n       $0 --keygen FILE\n\nRuns an executive of the cluster in the foreground.',
    )
    .option('config', {
      alias: 'c',
      type: 'string',
      requiresArg: true,
      description: 'configuration file; else AISEXEC_CONFIG, else one node on loopback',
    })
    .option('check', {
      type: 'boolean',
      default: false,
      description: 'check the configuration and start nothing',
    })
    .option('keygen', {
      type: 'string',
      requiresArg: true,
      description: 'make a file with a new key for sealed packets and end',
    })
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .alias('version', 'V')
    .alias('help', 'h')
    .fail((message, error) => {
      process.stderr.write(`aisexec: ${message ?? error.message}\nTry: aisexec --help\n`);
      process.exit(EXIT.usage);
    })
    .parseAsync();
  const { config, keygen } = parsed;
  if (Array.isArray(config) || Array.isArray(keygen)) {
    process.stderr.write('aisexec: --config and --keygen may be given once\n');
    process.exit(EXIT.usage);
  }
  return {
    config: config ?? (process.env['AISEXEC_CONFIG'] || undefined),
    check: parsed.check,
    keygen,
  };
}
