/** `aisctl node …`. */
import type { Argv } from 'yargs';
import type { NodeOperation } from '../commands/node.ts';
import { type Choose, MS_MAX, wholeNumber, withFormat } from './options.ts';

/** An hour, as the service has it. */
const SUPERVISION_MS_MAX = 3_600_000;

const OPERATIONS: readonly (readonly [NodeOperation, string])[] = [
  ['lock', 'remove a node from the membership'],
  ['unlock', 'readmit a node, or end its shutdown'],
  ['shutdown', 'like lock, when everybody has agreed'],
];

export function nodeCommands(parser: Argv, choose: Choose): void {
  parser.command('node', 'lock, unlock, shut down nodes of the membership', (y) => {
    y.command('ls', 'the nodes and their administrative states', withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/node.ts')).listNodes(socket, args.format),
      ),
    );
    for (const [operation, description] of OPERATIONS) {
      y.command(`${operation} <node>`, description, operationOptions, (args) =>
        choose(args, async (socket) =>
          (await import('../commands/node.ts')).operate({
            ...{ socket, format: args.format, operation, node: args.node },
            timeoutMs: args.timeout,
            supervisionMs: args.supervision,
          }),
        ),
      );
    }
    return y.demandCommand(1, 'node: which command? ls, lock, unlock or shutdown').strict();
  });
}

function operationOptions(y: Argv) {
  return withFormat(y)
    .positional('node', { type: 'string', demandOption: true, description: 'name or id' })
    .option('timeout', {
      type: 'string',
      requiresArg: true,
      description: 'milliseconds to wait for the end; the operation goes on',
      coerce: wholeNumber('timeout', 1, MS_MAX),
    })
    .option('supervision', {
      type: 'string',
      requiresArg: true,
      description: 'milliseconds that each step of a removal waits for subscribers; 10000',
      coerce: wholeNumber('supervision', 1, SUPERVISION_MS_MAX),
    });
}
