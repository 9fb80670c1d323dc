/**
 * Whether the process at the other end of a cut connection still lives (ADR 0165). The kernel closes a
 * dying process's sockets after it has marked it as exiting, so the end of a killed client is known at the
 * moment its connection ends; a process id that was given away again has another start time.
 */
import { readFileSync } from 'node:fs';

/** Tells one life of a process, or of one of its threads, from another; undefined when it is dead, dying, or cannot be seen. */
export type ProcessStart = (pid: number, thread?: number) => string | undefined;

/** PF_EXITING of linux/sched.h. */
const EXITING = 0x4;
/** Indices in /proc/PID/stat after the command's name (proc(5): fields 3, 9 and 22). */
const STATE = 0;
const FLAGS = 6;
const START = 19;

/** The start time of a live process in clock ticks since boot, from `/proc`. */
export function processStart(pid: number, thread?: number): string | undefined {
  if (pid <= 0) return undefined;
  const place = thread === undefined ? `${pid}` : `${pid}/task/${thread}`;
  let stat: string;
  try {
    stat = readFileSync(`/proc/${place}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name is in parentheses and may contain any of them.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (/[ZXx]/.test(fields[STATE] ?? 'X') || (Number(fields[FLAGS]) & EXITING) !== 0) {
    return undefined;
  }
  return fields[START];
}
