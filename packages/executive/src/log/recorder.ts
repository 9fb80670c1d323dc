/**
 * The flight recorder: the last events of every level, whatever the log shows, in memory that is allocated once
 * and never grows. A line of JSON each, oldest overwritten. The memory is shared, so that the watchdog's thread
 * can write it out when the first thread is taken (corosync-blackbox is the precedent).
 */
import { FLIGHT_BYTES, FLIGHT_LINE_BYTES_MAX } from '../limits.ts';
import type { LogEvent } from './events.ts';

/** Two cells before the lines: where the next line goes, and where the last lap ended. */
const HEAD_BYTES = 8;
const NEXT = 0;
const LAP_END = 1;
const NEWLINE = 0x0a;

export interface FlightRecorder {
  readonly memory: SharedArrayBuffer;
  /** @param time milliseconds since 1970. */
  record(event: LogEvent, time: number): void;
}

export function createFlightRecorder(bytes: number = FLIGHT_BYTES): FlightRecorder {
  const memory = new SharedArrayBuffer(HEAD_BYTES + bytes);
  const cells = new Int32Array(memory, 0, 2);
  const arena = Buffer.from(memory, HEAD_BYTES, bytes);
  const line = Buffer.alloc(FLIGHT_LINE_BYTES_MAX);
  return {
    memory,
    record({ level, event, detail }, time) {
      const length = line.write(textOf(level, event, detail, time, line.length - 1), 'utf8');
      line[length] = NEWLINE;
      let next = cells[NEXT]!;
      if (next + length + 1 > arena.length) {
        cells[LAP_END] = next;
        next = 0;
      }
      arena.set(line.subarray(0, length + 1), next);
      cells[NEXT] = next + length + 1;
    },
  };
}

function textOf(
  level: string,
  event: string,
  detail: Readonly<Record<string, unknown>>,
  time: number,
  bytesMax: number,
): string {
  const text = JSON.stringify({ level, time: new Date(time).toISOString(), event, ...detail });
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.byteLength(text);
  return JSON.stringify({ level, time: new Date(time).toISOString(), event, cut: bytes });
}

/** The lines from the oldest to the newest. A line that was half overwritten is left out. */
export function recordedLines(memory: SharedArrayBuffer): string {
  const cells = new Int32Array(memory, 0, 2);
  const arena = Buffer.from(memory, HEAD_BYTES);
  const next = cells[NEXT]!;
  const newer = arena.toString('utf8', 0, next);
  const end = cells[LAP_END]!;
  // What the newest line has cut into ends at the first newline behind it.
  const start = end > next ? arena.indexOf(NEWLINE, next) + 1 : end;
  return (start > 0 && start < end ? arena.toString('utf8', start, end) : '') + newer;
}
