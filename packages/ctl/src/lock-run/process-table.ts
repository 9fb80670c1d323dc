/**
 * Whether a process of a group still runs. The kernel counts those that ended and were not reaped, too, and a
 * container's first process may reap late or never: where there is a /proc they are told apart.
 */
import { readdirSync, readFileSync } from 'node:fs';

export function hasRunning(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    // EPERM: they are there, and belong to somebody else by now.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const states = statesOf(group);
  return states === undefined || states.some((state) => state !== 'Z' && state !== 'X');
}

/** Letters of proc(5); undefined where there is no such thing. */
function statesOf(group: number): readonly string[] | undefined {
  let names: readonly string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  const stats = names.flatMap((name) => (/^\d+$/.test(name) ? statOf(name) : []));
  // This process itself is always there, unless /proc is something else or hides.
  if (stats.length === 0) return undefined;
  const states = stats.filter((stat) => stat.group === group).map((stat) => stat.state);
  // The kernel said that there is one: hidden from this user (hidepid), so it is not known.
  return states.length === 0 ? undefined : states;
}

function statOf(pid: string): readonly { readonly state: string; readonly group: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may have any character: what follows the last one counts.
    const [state = '', , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return [{ state, group: Number(group) }];
  } catch {
    return [];
  }
}
