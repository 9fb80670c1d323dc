/** The second thread of the watchdog: looks, writes a log line, a note, and ends the process. */
import { appendFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { writeFlightFile } from '../log/flight-file.ts';
import { SERVICE_CELL, TURN_CELL, type WatchdogData } from './watchdog.ts';

const { shared, lookMs, node, notePath, warnMs, killMs, flight } = workerData as WatchdogData;
const cells = new Int32Array(shared);
const names = new Map<number, string>();
parentPort?.on('message', (entries: readonly (readonly [number, string])[]) => {
  for (const [id, name] of entries) names.set(id, name);
});

let turn = 0;
let since = performance.now();
let isNamed = false;
let named = 0;

setInterval(() => {
  const service = Atomics.load(cells, SERVICE_CELL);
  const current = Atomics.load(cells, TURN_CELL);
  if (service === 0 || current !== turn) {
    if (isNamed) say('warn', 'service-yielded', named, performance.now() - since);
    turn = current;
    since = performance.now();
    isNamed = false;
    return;
  }
  const ms = performance.now() - since;
  if (ms >= warnMs && !isNamed) {
    isNamed = true;
    named = service;
    say('error', 'service-stuck', service, ms);
  }
  if (ms >= killMs) end(service, ms);
}, lookMs);

function end(service: number, ms: number): void {
  say('error', 'service-stuck-end', service, ms);
  try {
    appendFileSync(notePath, `${names.get(service) ?? service}\n`);
  } catch {
    // No place for the note: the service will be loaded again.
  }
  try {
    const head = { reason: 'service-stuck-end', service: names.get(service) ?? service };
    if (flight !== undefined) writeFlightFile({ ...flight, node, time: Date.now(), head });
  } catch {
    // The log has said the most important of it.
  }
  // Nothing in this process can be ended in good order: its thread is taken.
  process.kill(process.pid, 'SIGKILL');
}

/** Straight to standard error: the logger lives on the thread that is taken. */
function say(level: string, event: string, service: number, ms: number): void {
  const time = new Date().toISOString();
  const name = names.get(service) ?? String(service);
  const line = { level, time, node, event, service: name, ms: Math.round(ms) };
  try {
    writeSync(2, `${JSON.stringify(line)}\n`);
  } catch {
    // Nobody reads.
  }
}
