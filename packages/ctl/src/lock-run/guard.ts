/**
 * Ends the command's process group when aisctl itself is killed: a shell of its own waits on a pipe whose
 * other end only aisctl has, and the kernel closes it whatever happens (ADR 0090).
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** $1: tenths of a second between SIGTERM and SIGKILL. A line on the pipe: the group; a second: all is well. */
const SCRIPT = `
trap '' HUP INT QUIT TERM
read -r group || exit 0
read -r word && exit 0
kill -s TERM -- "-$group" || exit 0
kill -s CONT -- "-$group"
left=$1
while [ "$left" -gt 0 ] && kill -s 0 -- "-$group"; do
  sleep 0.1
  left=$((left - 1))
done
kill -s KILL -- "-$group"
`;

export class Guard {
  readonly #shell: ChildProcess;
  #isWatching = false;

  constructor(graceMs: number) {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'aisctl-guard', `${Math.ceil(graceMs / 100)}`], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Without a shell the command has no guard; aisctl still ends it in every other case.
    this.#shell.on('error', () => {});
    this.#shell.stdin?.on('error', () => {});
    this.#shell.unref();
  }

  watch(group: number): void {
    this.#isWatching = true;
    this.#shell.stdin?.write(`${group}\n`);
  }

  /** The group has ended, or never was. */
  dismiss(): void {
    this.#shell.stdin?.end(this.#isWatching ? 'done\n' : '');
  }
}
