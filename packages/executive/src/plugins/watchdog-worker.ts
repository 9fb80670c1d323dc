/** The second thread of the watchdog: looks, writes log lines, notes and flight records, and ends the process. */
import { appendFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { WATCHDOG_RECORD_PART } from '../limits.ts';
import { writeFlightFile } from '../log/flight-file.ts';
import {
  BEAT_CELL,
  IMPORT_CELL,
  IMPORTED,
  type Named,
  SERVICE_CELL,
  TURN_CELL,
  type WatchdogData,
} from './watchdog.ts';

const { shared, lookMs, node, notePath, warnMs, killMs, flight } = workerData as WatchdogData;
const cells = new Int32Array(shared);
const names = new Map<number, Named>();
parentPort?.on('message', (entries: readonly Named[]) => {
  for (const named of entries) names.set(named[0], named);
});

const nameOf = (service: number): string => names.get(service)?.[1] ?? String(service);
const isStranger = (service: number): boolean => names.get(service)?.[2] === true;
let turn = 0;
let since = performance.now();
let isNamed = false;
let named = 0;
const loop = {
  beat: -1,
  lookedAt: performance.now(),
  stalledMs: 0,
  isNamed: false,
  isRecorded: false,
};

setInterval(() => {
  const now = performance.now();
  lookAtService(now);
  lookAtLoop(now);
}, lookMs);

function lookAtService(now: number): void {
  const service = Atomics.load(cells, SERVICE_CELL);
  const current = Atomics.load(cells, TURN_CELL);
  const ms = Math.round(now - since);
  if (service === 0 || current !== turn) {
    if (isNamed) say('warn', 'service-yielded', { service: nameOf(named), ms });
    turn = current;
    since = now;
    isNamed = false;
    return;
  }
  if (ms >= warnMs && !isNamed) {
    isNamed = true;
    named = service;
    say('error', 'service-stuck', { service: nameOf(service), ms });
  }
  // What takes one of our own so long is work, and the service manager's to judge.
  if (ms >= killMs && isStranger(service)) end(nameOf(service), ms);
}

/** The event loop, whatever has the thread: our own code, a service's many short turns, a module that is imported. */
function lookAtLoop(now: number): void {
  // A process that is paused pauses this thread, too: a look counts for a look's time.
  const passed = Math.min(now - loop.lookedAt, 2 * lookMs);
  const beat = Atomics.load(cells, BEAT_CELL);
  loop.lookedAt = now;
  if (beat !== loop.beat) {
    if (loop.isNamed) say('warn', 'loop-resumed', { ms: Math.round(loop.stalledMs) });
    Object.assign(loop, { beat, stalledMs: 0, isNamed: false, isRecorded: false });
    return;
  }
  loop.stalledMs += passed;
  const ms = Math.round(loop.stalledMs);
  if (ms >= warnMs && !loop.isNamed && !isNamed) {
    loop.isNamed = true;
    say('warn', 'loop-stalled', { ms });
  }
  if (ms >= killMs / WATCHDOG_RECORD_PART && !loop.isRecorded) {
    loop.isRecorded = true;
    record({ reason: 'loop-stalled', ms });
  }
  if (ms >= killMs && Atomics.load(cells, IMPORT_CELL) !== 0) end(nameOf(IMPORTED), ms);
}

function end(service: string, ms: number): void {
  say('error', 'service-stuck-end', { service, ms });
  try {
    appendFileSync(notePath, `${service}\n`);
  } catch {
    // No place for the note: the service will be loaded again.
  }
  record({ reason: 'service-stuck-end', service });
  // Nothing in this process can be ended in good order: its thread is taken.
  process.kill(process.pid, 'SIGKILL');
}

function record(head: { readonly reason: string; readonly [key: string]: unknown }): void {
  if (flight === undefined) return;
  const { reason } = head;
  try {
    const path = writeFlightFile({ ...flight, node, time: Date.now(), head });
    say('warn', 'flight-record', { path, reason });
  } catch (error) {
    say('error', 'flight-record-failed', { message: (error as Error).message });
  }
}

/** Straight to standard error: the logger lives on the thread that is taken. */
function say(level: string, event: string, detail: Readonly<Record<string, unknown>>): void {
  const line = { level, time: new Date().toISOString(), node, event, ...detail };
  try {
    writeSync(2, `${JSON.stringify(line)}\n`);
  } catch {
    // Nobody reads.
  }
}
