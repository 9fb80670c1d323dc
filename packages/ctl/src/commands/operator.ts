/** `aisctl reload`, `log level`, `metrics`, `dump`: what an operator does to a daemon that goes on running. */
import { type ReloadResult, withAdmin } from '../admin.ts';
import { EXIT } from '../exit-codes.ts';
import { type Format, oneLine, print, write } from '../output.ts';
import { Failure } from '../problems.ts';

export interface ReloadArguments {
  readonly socket: string;
  readonly format: Format;
  readonly dry: boolean;
  readonly local: boolean;
}

/** Prints what changed, node by node. @throws Failure when any node refused. */
export async function reload({ socket, format, dry, local }: ReloadArguments): Promise<number> {
  const result = await withAdmin(socket, (admin) => admin.reloadConfig({ dry, local }));
  if (result.outcome === 'refused') {
    // For programs the document says it; for people the lines of the failure.
    if (format === 'json') await print(format, { ...result }, () => '');
    const reasons = result.reasons.map((reason) => `\n  ${oneLine(reason)}`).join('');
    const what = dry ? 'a reload would be refused' : 'nothing was changed, on no node';
    throw new Failure(`${what}:${reasons}`, EXIT.failed, "then 'aisctl reload --dry-run'");
  }
  await print(format, { ...result }, () => text(result));
  return EXIT.ok;
}

function text({ outcome, nodes }: ReloadResult): string {
  const lines = nodes.map(({ node, changed }) => {
    if (changed.length === 0) return `node ${node}: nothing to change\n`;
    return `node ${node}:\n${changed.map((line) => `  ${oneLine(line)}\n`).join('')}`;
  });
  return `${lines.join('')}${outcome === 'dry' ? 'nothing was changed (--dry-run)\n' : 'applied\n'}`;
}

export async function metrics(socket: string): Promise<number> {
  await write(await withAdmin(socket, (admin) => admin.metrics()));
  return EXIT.ok;
}

export async function dump(socket: string, format: Format): Promise<number> {
  const path = await withAdmin(socket, (admin) => admin.dump());
  await print(format, { path }, () => `${path}\n`);
  return EXIT.ok;
}

export async function logLevel(
  socket: string,
  format: Format,
  level: string | undefined,
): Promise<number> {
  const now = await withAdmin(socket, (admin) => admin.logLevel(level));
  await print(format, { level: now }, () => `${now}\n`);
  return EXIT.ok;
}
