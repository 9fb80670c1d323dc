/** The command under the lock, in a process group of its own (ADR 0090). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, SIGNAL_BASE } from '../exit-codes.ts';
import { GROUP_POLL_MS } from '../limits.ts';
import { Failure } from '../problems.ts';
import { hasRunning } from './process-table.ts';

export class CommandGroup {
  /** Of the first process, and the number of the group. */
  readonly id: number;
  /** Exit status of the first process: 128 + n where signal n ended it. */
  readonly status: Promise<number>;

  private constructor(child: ChildProcess, id: number) {
    this.id = id;
    this.status = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? statusOfSignal(signal)));
    });
  }

  /**
   * Starts it with this process's standard streams.
   * @throws Failure 127 when the command is not found, 126 when it cannot be executed.
   */
  static async start(command: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandGroup> {
    const [file = '', ...args] = command;
    const child = spawn(file, args, { detached: true, stdio: 'inherit', env });
    if (child.pid !== undefined) return new CommandGroup(child, child.pid);
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    const isMissing = error.code === 'ENOENT';
    throw new Failure(
      isMissing ? `${file}: command not found` : `${file}: cannot be executed: ${error.code}`,
      isMissing ? EXIT.notFound : EXIT.notExecutable,
      isMissing
        ? 'its whole path, or --shell for a line of the shell'
        : 'chmod +x, or another file',
    );
  }

  /** Whether any process of the group still runs. */
  get isAlive(): boolean {
    return hasRunning(this.id);
  }

  /** To all processes of the group. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.id, signal);
    } catch {
      // Gone, or not ours any more: nothing to tell.
    }
  }

  /** Resolves when no process is left (true), or when the time is over (false). */
  async gone(withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (this.isAlive) {
      if (performance.now() >= end) return false;
      await sleep(GROUP_POLL_MS);
    }
    return true;
  }
}

export function statusOfSignal(signal: NodeJS.Signals | null): number {
  return SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]);
}
