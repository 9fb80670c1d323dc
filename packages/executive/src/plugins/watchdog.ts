/**
 * Names a service that does not give the thread back. Code in an endless loop cannot be interrupted from its
 * own thread, so a second one looks at shared memory: whose code has the thread, and which turn it is. It
 * writes the log line itself, since the first thread cannot, and ends the process when that lasts (ADR 0156).
 */
import { Worker } from 'node:worker_threads';
import type { Turns } from '@aisexec/service';
import type { WatchdogConfig } from '../config/config.ts';
import { WATCHDOG_LOOK_MS } from '../limits.ts';

/** Cells of the shared memory: the id of the service that has the thread, 0 for none; the turn's number. */
export const SERVICE_CELL = 0;
export const TURN_CELL = 1;

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
  /** Starts looking; once there is a service of a stranger. */
  watch(): void;
  /** What the service is called in the log. */
  name(service: number, name: string): void;
  stop(): Promise<void>;
}

export type WatchdogOptions = Omit<WatchdogData, 'shared' | 'lookMs'>;

export function createWatchdog(options: WatchdogOptions): Watchdog {
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  const names = new Map<number, string>();
  let depth = 0;
  let worker: Worker | undefined;
  return {
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
      worker = new Worker(new URL('./watchdog-worker.js', import.meta.url), { workerData: data });
      worker.unref();
      // Without it the node runs as one without strangers does.
      worker.on('error', () => {});
      worker.postMessage([...names]);
    },
    name(service, name) {
      names.set(service, name);
      worker?.postMessage([[service, name]]);
    },
    async stop() {
      await worker?.terminate();
    },
  };
}
