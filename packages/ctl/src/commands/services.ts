/** `aisctl services …`: which services run in this executive, and bringing them there. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type AdminStatus, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { SERVICE_LOAD_MS_MAX, SERVICE_POLL_MS } from '../limits.ts';
import { type Format, oneLine, print, table } from '../output.ts';
import { Failure, UsageError } from '../problems.ts';

type Listed = AdminStatus['services'][number];

export async function services(socket: string, format: Format): Promise<number> {
  const { services: list } = await withAdmin(socket, (admin) => admin.status());
  await print(format, { services: list }, () => text(list));
  return EXIT.ok;
}

function text(list: readonly Listed[]): string {
  return table(
    ['ID', 'NAME', 'STATE', 'VERSION', 'NODES', 'FROM', 'REASON'],
    list.map(({ id, name, state, version, nodes, origin, reason }) => [
      ...[id === 0 ? '-' : id, oneLine(name), state, version === '' ? '-' : version],
      nodes.length === 0 ? '-' : nodes.join(','),
      ...[oneLine(origin), reason === '' ? '' : oneLine(reason)],
    ]),
  );
}

export interface ChangeArguments {
  readonly socket: string;
  readonly format: Format;
  readonly operation: 'load' | 'unload' | 'reload';
  /** A service's name; for `load` also a module: a path or a package. */
  readonly name: string;
  /** JSON of the service's own configuration. */
  readonly config: string | undefined;
}

/** Resolves when it is done: a loaded service has its state and serves clients. */
export async function changeService(args: ChangeArguments): Promise<number> {
  const { socket, format, operation } = args;
  // The executive has another current directory.
  const isPath = /^\.{0,2}\//.test(args.name) && existsSync(args.name);
  const what = isPath ? resolve(args.name) : args.name;
  const config = args.config === undefined ? undefined : parsed(args.config);
  const service = await withAdmin(socket, async (admin) => {
    await admin.change(operation, what, config);
    const end = performance.now() + SERVICE_LOAD_MS_MAX;
    for (;;) {
      const { services: list } = await admin.status();
      const found = list.find(({ name, origin }) => name === what || origin === what);
      if (operation === 'unload' || found?.state !== 'joining') return found;
      if (performance.now() > end) {
        const why = `'${found.name}' has not got its state yet`;
        throw new Failure(why, EXIT.tryAgain, 'aisctl services; it goes on');
      }
      await new Promise((done) => setTimeout(done, SERVICE_POLL_MS));
    }
  });
  if (operation !== 'unload' && service?.state !== 'running') {
    const why = service?.reason ?? 'it is gone again';
    throw new Failure(`${operation} of '${what}': ${why}`, EXIT.failed, 'aisctl services');
  }
  const done = { operation, name: service?.name ?? what, nodes: service?.nodes ?? [] };
  await print(format, done, () => `${done.name}: ${DONE[operation]}\n`);
  return EXIT.ok;
}

const DONE = { load: 'loaded', unload: 'unloaded', reload: 'reloaded' } as const;

function parsed(config: string): unknown {
  try {
    return JSON.parse(config) as unknown;
  } catch (error) {
    throw new UsageError(`--config must be JSON: ${(error as Error).message}`);
  }
}
