/** `aisctl services …` and `aisctl service new`. */
import type { Argv } from 'yargs';
import { type Choose, withFormat } from './options.ts';

const OPERATIONS = [
  ['load', 'run a service of this executive, or one from a module'],
  ['unload', 'stop a service on this node; its clients are closed'],
  ['reload', 'import the code of a service anew; its state and clients stay'],
] as const;

export function serviceCommands(parser: Argv, choose: Choose): void {
  parser.command('services', 'the services of this executive', (y) => {
    y.command('$0', 'list them', withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/services.ts')).services(socket, args.format),
      ),
    );
    for (const [operation, description] of OPERATIONS) {
      y.command(`${operation} <name>`, description, changeOptions, (args) =>
        choose(args, async (socket) =>
          (await import('../commands/services.ts')).changeService({
            ...{ socket, operation, format: args.format, name: args.name },
            config: operation === 'load' ? args.config : undefined,
          }),
        ),
      );
    }
    return y.strict();
  });
  parser.command('service', 'write a service of your own', (y) =>
    y
      .command(
        'new <name>',
        'a working skeleton in ./NAME: service, client, test',
        (n) =>
          n
            .positional('name', { type: 'string', demandOption: true, description: 'its name' })
            .option('id', {
              type: 'string',
              requiresArg: true,
              description: 'its id, 32 to 63 and unique in the cluster; 50',
            })
            .option('directory', {
              type: 'string',
              requiresArg: true,
              description: 'where to write it instead of ./NAME',
            }),
        (args) =>
          choose({}, async () =>
            (await import('../commands/service-new.ts')).newService({
              ...{ name: args.name, id: args.id, directory: args.directory },
            }),
          ),
      )
      .demandCommand(1, 'service: which command? new')
      .strict(),
  );
}

function changeOptions(y: Argv) {
  return withFormat(y)
    .positional('name', {
      type: 'string',
      demandOption: true,
      description: 'a service; for load also a package or a path',
    })
    .option('config', {
      type: 'string',
      requiresArg: true,
      description: "load: the service's own configuration as JSON",
    });
}
