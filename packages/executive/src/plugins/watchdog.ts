/**
 * Names a service that does not give the thread back. Code in an endless loop cannot be interrupted from its
 * own thread, so a second one looks at shared memory: whose code has the thread, and which turn it is. It
 * writes the log line itself, since the first thread cannot, and ends the process when that lasts (ADR 0156).
 * Whatever has the thread, it writes the flight record before a service manager ends the process (ADR 0199).
 */
import { Worker } from 'node:worker_threads';
import type { Turns } from '@aisexec/service';
import type { WatchdogConfig } from '../config/config.ts';
import { WATCHDOG_BEAT_MS, WATCHDOG_LOOK_MS } from '../limits.ts';

/** Cells of the shared memory: the id of the service that has the thread, 0 for none; the turn's number; beats of the event loop. */
export const SERVICE_CELL = 0;
export const TURN_CELL = 1;
export const BEAT_CELL = 2;
/** Not 0 while a module is imported, whose own code may take the thread. */
export const IMPORT_CELL = 3;
const CELLS = 4;
/** Among the services' names: the module that is imported. */
export const IMPORTED = 0;
/** A service's id, its name, and whether it comes from a module. */
export type Named = readonly [service: number, name: string, isStranger: boolean];

export interface WatchdogData extends WatchdogConfig {
  readonly shared: SharedArrayBuffer;
  readonly lookMs: number;
  readonly node: number;
  readonly notePath: string;
  /** The flight recorder's memory and where a record belongs; undefined: there is none. */
  readonly flight: FlightPlace | undefined;
}

export interface FlightPlace {
  readonly memory: SharedArrayBuffer;
  readonly stateDir: string;
}

export interface Watchdog extends Turns {
  /** Starts looking: where there is a service of a stranger, or a flight record to be written. */
  watch(): void;
  /** A module is being imported; undefined: it is over. */
  importing(module: string | undefined): void;
  /** What the service is called in the log; a stranger's ends the process when it does not yield. */
  name(service: number, name: string, isStranger: boolean): void;
  stop(): Promise<void>;
}

export type WatchdogOptions = Omit<WatchdogData, 'shared' | 'lookMs'>;

/** It keeps a few numbers. */
const WORKER_MEMORY = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };

export function createWatchdog(options: WatchdogOptions): Watchdog {
  const shared = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT);
  const cells = new Int32Array(shared);
  const names = new Map<number, Named>();
  let depth = 0;
  let worker: Worker | undefined;
  let beat: NodeJS.Timeout | undefined;
  const watchdog: Watchdog = {
    begin(service) {
      depth++;
      if (depth > 1) return;
      Atomics.add(cells, TURN_CELL, 1);
      Atomics.store(cells, SERVICE_CELL, service);
    },
    end() {
      depth--;
      if (depth === 0) Atomics.store(cells, SERVICE_CELL, 0);
    },
    watch() {
      if (worker !== undefined) return;
      const { node, notePath, warnMs, killMs, flight } = options;
      const data: WatchdogData = {
        ...{ shared, node, notePath, warnMs, killMs, flight },
        lookMs: Math.min(WATCHDOG_LOOK_MS, warnMs),
      };
      beat = setInterval(() => Atomics.add(cells, BEAT_CELL, 1), WATCHDOG_BEAT_MS).unref();
      worker = new Worker(new URL('./watchdog-worker.js', import.meta.url), {
        workerData: data,
        resourceLimits: WORKER_MEMORY,
      });
      worker.unref();
      // Without it the node runs as one without strangers does.
      worker.on('error', () => {});
      worker.postMessage([...names.values()]);
    },
    importing(module) {
      if (module !== undefined) watchdog.name(IMPORTED, module, true);
      Atomics.store(cells, IMPORT_CELL, module === undefined ? 0 : 1);
    },
    name(...named) {
      names.set(named[0], named);
      worker?.postMessage([named]);
    },
    async stop() {
      clearInterval(beat);
      await worker?.terminate();
    },
  };
  // A daemon's; in somebody else's process a stall is theirs.
  if (options.flight !== undefined) watchdog.watch();
  return watchdog;
}
