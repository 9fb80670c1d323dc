/**
 * A flight record: the recorder's memory in a file of the state directory, readable by its owner only. Written
 * without waiting for anything, since it is written while a process dies; the newest few are kept.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLIGHT_FILES_MAX } from '../limits.ts';
import { recordedLines } from './recorder.ts';

export interface FlightFileOptions {
  readonly memory: SharedArrayBuffer;
  readonly stateDir: string;
  readonly node: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The first line: why it was written, the version, the status where it can be had. */
  readonly head: Readonly<Record<string, unknown>>;
}

/** @returns its path: `STATE_DIR/flight/NODE-TIME.jsonl`. @throws an Error of node:fs. */
export function writeFlightFile(options: FlightFileOptions): string {
  const { memory, stateDir, node, time, head } = options;
  const directory = join(stateDir, 'flight');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = new Date(time).toISOString();
  const path = join(directory, `${node}-${at.replaceAll(':', '')}.jsonl`);
  const first = JSON.stringify({ level: 'info', time: at, event: 'flight-record', node, ...head });
  writeFileSync(path, `${first}\n${recordedLines(memory)}`, { mode: 0o600 });
  removeOld(directory, node);
  return path;
}

function removeOld(directory: string, node: number): void {
  // The name carries the time: in order of their names is in order of their ages.
  const own = readdirSync(directory).filter((name) => name.startsWith(`${node}-`));
  for (const name of own.sort().slice(0, -FLIGHT_FILES_MAX)) {
    rmSync(join(directory, name), { force: true });
  }
}
