/**
 * The daemon's life: load, start, ready, signals, an orderly end. One event a line on standard error;
 * every class of failure has its exit code.
 */
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { View } from '@aisexec/service';
import type { ExecutiveConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { Executive } from '../executive.ts';
import { createKeyFile, KeyFileError, keyName, readKeyFile } from '../key-file.ts';
import { VETO_ASK_AGAIN_MS, VETO_DELAY_MS_MAX } from '../limits.ts';
import { logEvent } from '../log/events.ts';
import { createLog, type Log } from '../log/log.ts';
import { checkPlugins } from '../plugins/check-plugins.ts';
import { packageVersion } from '../status.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

/** `--check`: the problems to standard error, or what would be run to standard output. */
export async function check(path: string | undefined): Promise<number> {
  const { config, problems, complaint } = loadConfig(path);
  if (config === undefined) {
    complain(problems);
    return EXIT.config;
  }
  const { engine, node, nodes, quorum, totem } = config;
  let sealed = 'in the clear';
  try {
    if (totem.seal !== undefined) {
      sealed = `sealed (${totem.seal.cipher}, key ${keyName(readKeyFile(totem.seal.keyFile))})`;
    }
  } catch (error) {
    complain([(error as Error).message]);
    return EXIT.config;
  }
  const refused = await checkPlugins(config, { directory: directoryOf(path), complaint });
  if (refused.length > 0) {
    complain(refused);
    return EXIT.config;
  }
  process.stdout.write(
    `${path ?? 'defaults'}: ok: node ${node.id} (${node.name}) of ${nodes.length} at ${node.address}:${node.port}, ` +
      `engine ${engine}, ${engine === 'totem' ? `${sealed}, token ${totem.tokenMs} ms` : `group ${config.corosync.group}`}, quorum ${quorum.provider}, socket ${config.ipc.socket}, state ${config.stateDir}\n`,
  );
  return EXIT.ok;
}

/** Where modules of the configuration are looked for. */
function directoryOf(path: string | undefined): string {
  return dirname(resolve(path ?? 'defaults'));
}

/** `--keygen`: a new key file; its name to standard output. */
export function keygen(path: string): number {
  try {
    const key = createKeyFile(path);
    process.stdout.write(`${path}: key ${keyName(key)}\n`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    complain([error.message]);
    return EXIT.cannotCreate;
  }
}

/** Runs until a signal, a `shutdown` of the admin channel, or a failure ends it. */
export async function runDaemon(path: string | undefined): Promise<void> {
  const { config, problems, complaint } = loadConfig(path);
  if (config === undefined) {
    complain(problems);
    process.exitCode = EXIT.config;
    return;
  }
  const log = createLog(config.log, config.node.id);
  process.on('exit', () => log.flush());
  process.on('uncaughtException', (error) => crash(log, error));
  write(log, 'start', { version: packageVersion(), pid: process.pid, config: path ?? 'defaults' });
  let executive: Executive;
  try {
    executive = await Executive.start({
      ...{ config, directory: directoryOf(path), complaint },
      onLog: (event) => log.write(event),
    });
  } catch (error) {
    const code = exitCodeOf(error);
    write(log, 'start-refused', { message: (error as Error).message, exit: code }, 'error');
    log.flush();
    process.exit(code);
  }
  serve(executive, config, log);
}

function serve(executive: Executive, config: ExecutiveConfig, log: Log): void {
  executive.once('view', ({ ringId, members, quorate }: View) =>
    write(log, 'ready', {
      ring: ringId,
      members: members.map(({ nodeId }) => nodeId),
      quorate,
      address: executive.endpoint,
      socket: config.ipc.socket,
    }),
  );
  let exitCode: number = EXIT.ok;
  executive.once('failed', (error) => {
    exitCode = exitCodeOf(error);
  });
  executive.once('stopped', () => {
    write(log, 'stopped', { exit: exitCode });
    log.flush();
    process.exit(exitCode);
  });
  const leave = leaver(executive, log);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => leave(signal));
  }
  process.on('SIGUSR2', () => dump(executive, log));
}

/**
 * What a signal does: the first asks, and vetoes put the end off for a bounded time; the second leaves in good
 * order whatever anybody says; the third does not wait.
 */
function leaver(executive: Executive, log: Log): (signal: NodeJS.Signals) => void {
  let signals = 0;
  return (signal) => {
    write(log, 'signal', { signal });
    signals++;
    if (signals === 1) void leaveWhenAgreed(executive, log);
    else if (signals === 2) void executive.stop();
    else process.exit(EXIT.internal);
  };
}

async function leaveWhenAgreed(executive: Executive, log: Log): Promise<void> {
  const end = performance.now() + VETO_DELAY_MS_MAX;
  while ((await executive.leave()).length > 0) {
    if (performance.now() + VETO_ASK_AGAIN_MS > end) {
      write(log, 'veto-overruled', { afterMs: VETO_DELAY_MS_MAX });
      await executive.stop();
      return;
    }
    await delay(VETO_ASK_AGAIN_MS);
  }
}

/** SIGUSR2: everything that is known, a line for the executive and one for every service. */
function dump(executive: Executive, log: Log): void {
  const status = executive.status();
  write(log, 'dump-status', { ...status });
  for (const { name } of status.services) {
    write(log, 'dump-service', { service: name, state: executive.inspect(name) });
  }
}

/** Never goes on after a defect: a replica that is wrong is worse than one that is gone. */
function crash(log: Log, error: Error): never {
  write(log, 'crash', { message: error.message, stack: error.stack ?? '' }, 'error');
  log.flush();
  process.exit(EXIT.internal);
}

function write(
  log: Log,
  event: string,
  detail: Readonly<Record<string, unknown>>,
  level: 'info' | 'error' = 'info',
): void {
  log.write({ ...logEvent(event, detail), level });
}

function complain(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`aisexec: ${problem}\n`);
}
