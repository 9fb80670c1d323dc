/**
 * The daemon's life: load, start, ready, signals, an orderly end. One event a line on standard error;
 * every class of failure has its exit code.
 */
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { View } from '@aisexec/service';
import { loadConfig } from '../config/load.ts';
import { openSupervisor, type Supervisor } from '../drivers/supervisor.ts';
import { Executive } from '../executive.ts';
import { createKeyFile, KeyFileError, keyName, readKeyFile } from '../key-file.ts';
import { VETO_ASK_AGAIN_MS, VETO_DELAY_MS_MAX } from '../limits.ts';
import type { OperatorHooks } from '../operations/contract.ts';
import { checkPlugins } from '../plugins/check-plugins.ts';
import { type ExecutiveStatus, packageVersion } from '../status.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { createJournal, type Journal } from './journal.ts';
import { type Supervision, supervise } from './supervise.ts';

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
      `engine ${engine}, ${engine === 'totem' ? `${sealed}, token ${tokenText(totem)}` : `group ${config.corosync.group}`}, quorum ${quorum.provider}, socket ${config.ipc.socket}, state ${config.stateDir}\n`,
  );
  return EXIT.ok;
}

function tokenText({ tokenMs, tokenMaxMs }: { tokenMs: number; tokenMaxMs: number }): string {
  return tokenMs === tokenMaxMs ? `${tokenMs} ms` : `${tokenMs} to ${tokenMaxMs} ms`;
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
  let status: (() => ExecutiveStatus) | undefined;
  const journal = createJournal(config, () => status?.() ?? null);
  process.on('exit', () => journal.close());
  process.on('uncaughtException', (error) => crash(journal, error));
  journal.write('start', {
    version: packageVersion(),
    pid: process.pid,
    config: path ?? 'defaults',
  });
  let executive: Executive;
  let supervisor: Supervisor | undefined;
  try {
    // Only now, with a configuration that is valid: one that is not must not be restarted for ever.
    supervisor = openSupervisor(process.env, process.pid);
    executive = await Executive.start({
      ...{ config, directory: directoryOf(path), complaint },
      onLog: journal.event,
      operator: operatorHooks(path, journal),
    });
    status = () => executive.status();
  } catch (error) {
    const code = exitCodeOf(error);
    journal.close();
    journal.write('start-refused', { message: (error as Error).message, exit: code });
    process.exit(code);
  }
  serve(executive, journal, supervise(executive, supervisor, journal));
}

function operatorHooks(path: string | undefined, journal: Journal): OperatorHooks {
  return {
    loadConfig: () => loadConfig(path),
    get logLevel() {
      return journal.level;
    },
    set logLevel(level) {
      journal.level = level;
    },
    dump: (reason) => journal.dump(reason),
    flight: journal.memory,
  };
}

function serve(executive: Executive, journal: Journal, supervision: Supervision): void {
  executive.once('view', ({ ringId, members, quorate }: View) =>
    journal.write('ready', {
      ring: ringId,
      members: members.map(({ nodeId }) => nodeId),
      quorate,
      address: executive.endpoint,
      socket: executive.config.ipc.socket,
    }),
  );
  let exitCode: number = EXIT.ok;
  executive.once('failed', (error) => {
    exitCode = exitCodeOf(error);
    journal.tryDump(error.message);
  });
  executive.once('stopped', () => {
    journal.close();
    journal.write('stopped', { exit: exitCode });
    process.exit(exitCode);
  });
  const leave = leaver(executive, journal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      supervision.stopping();
      leave(signal);
    });
  }
  // On a terminal it says that the terminal is gone; elsewhere it is the customary word for a reload.
  if (process.stderr.isTTY === true) process.on('SIGHUP', () => leave('SIGHUP'));
  else process.on('SIGHUP', () => void supervision.reloading(() => executive.reload()));
  // Taken, so that it does not start Node's inspector: a port that runs anybody's code.
  process.on('SIGUSR1', () => toggleDebug(executive, journal));
  process.on('SIGUSR2', () => dump(executive, journal));
}

/** SIGUSR1: between debug and the level of the configuration. */
function toggleDebug(executive: Executive, journal: Journal): void {
  const { level } = executive.config.log;
  const from = journal.level;
  const to = from === 'debug' ? (level === 'debug' ? 'info' : level) : 'debug';
  journal.level = to;
  journal.write('log-level', { from, to });
}

/**
 * What a signal does: the first asks, and vetoes put the end off for a bounded time; the second leaves in good
 * order whatever anybody says; the third does not wait.
 */
function leaver(executive: Executive, journal: Journal): (signal: NodeJS.Signals) => void {
  let signals = 0;
  return (signal) => {
    journal.write('signal', { signal });
    signals++;
    if (signals === 1) void leaveWhenAgreed(executive, journal);
    else if (signals === 2) void executive.stop();
    else process.exit(EXIT.internal);
  };
}

async function leaveWhenAgreed(executive: Executive, journal: Journal): Promise<void> {
  const end = performance.now() + VETO_DELAY_MS_MAX;
  while ((await executive.leave()).length > 0) {
    if (performance.now() + VETO_ASK_AGAIN_MS > end) {
      journal.write('veto-overruled', { afterMs: VETO_DELAY_MS_MAX });
      await executive.stop();
      return;
    }
    await delay(VETO_ASK_AGAIN_MS);
  }
}

/** SIGUSR2: everything that is known, a line for the executive and one for every service. */
function dump(executive: Executive, journal: Journal): void {
  const status = executive.status();
  journal.write('dump-status', { ...status });
  for (const { name } of status.services) {
    journal.write('dump-service', { service: name, state: executive.inspect(name) });
  }
}

/** Never goes on after a defect: a replica that is wrong is worse than one that is gone. */
function crash(journal: Journal, error: Error): never {
  journal.close();
  journal.write('crash', { message: error.message, stack: error.stack ?? '' });
  journal.tryDump(`crash: ${error.message}`);
  process.exit(EXIT.internal);
}

function complain(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`aisexec: ${problem}\n`);
}
