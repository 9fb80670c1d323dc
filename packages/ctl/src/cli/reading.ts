/** Commands that ask the executive about itself, and the one that ends it. */
import type { Argv } from 'yargs';
import { type Choose, withFormat } from './options.ts';

export function readingCommands(parser: Argv, choose: Choose): void {
  quorumCommands(parser, choose);
  parser
    .command('status', 'the condition of the executive of this host', withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/status.ts')).status(socket, args.format),
      ),
    )
    .command('members', 'who is in the cluster', withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/members.ts')).members(socket, args.format),
      ),
    )
    .command(
      'shutdown',
      'have the executive leave the cluster and end',
      (y) =>
        withFormat(y).option('force', {
          type: 'boolean',
          default: false,
          description: 'ask nobody whether it may',
        }),
      (args) =>
        choose(args, async (socket) =>
          (await import('../commands/shutdown.ts')).shutdown(socket, args.format, args.force),
        ),
    );
  stateCommands(parser, choose);
}

/** What the services hold. */
function stateCommands(parser: Argv, choose: Choose): void {
  parser
    .command(
      'locks [name]',
      'who holds which lock, who waits',
      (y) => withFormat(y).positional('name', { type: 'string', description: 'only this lock' }),
      (args) =>
        choose(args, async (socket) =>
          (await import('../commands/locks.ts')).locks(socket, args.format, args.name),
        ),
    )
    .command('timers', "the timers of this node's clients", withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/timers.ts')).timers(socket, args.format),
      ),
    )
    .command('sync', 'what this node still fetches of the replicated states', withFormat, (args) =>
      choose(args, async (socket) =>
        (await import('../commands/sync.ts')).sync(socket, args.format),
      ),
    )
    .command(
      'inspect <service>',
      "a service's state and its hash",
      (y) =>
        withFormat(y).positional('service', {
          type: 'string',
          demandOption: true,
          description: 'clm, lck, evt, ckpt, tmr …',
        }),
      (args) =>
        choose(args, async (socket) =>
          (await import('../commands/inspect.ts')).inspect(socket, args.format, args.service),
        ),
    );
}

function quorumCommands(parser: Argv, choose: Choose): void {
  parser.command(
    'quorum',
    'exit 0: quorate, 2: not, 1: no answer',
    (y) =>
      withFormat(y).command(
        'expected <votes>',
        'set the votes of the whole cluster, on all nodes of this part',
        (z) => z.positional('votes', { type: 'number', demandOption: true }),
        (args) =>
          choose(args, async (socket) =>
            (await import('../commands/quorum.ts')).expectVotes(socket, args.votes),
          ),
      ),
    (args) =>
      choose(args, async (socket) =>
        (await import('../commands/quorum.ts')).quorum(socket, args.format),
      ),
  );
}
