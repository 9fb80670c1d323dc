/**
 * What the executive measures for its metrics beside the counters of its parts: token rotation, synchronisation,
 * the event loop. Observing is a few comparisons; everything else is done when somebody asks.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { LogEvent } from '../log/events.ts';
import type { ExecutiveStatus } from '../status.ts';
import { expositionText } from './exposition.ts';
import { familiesOf, type LoopSeconds } from './families.ts';
import { createHistogram } from './histogram.ts';

export interface Collector {
  /** The ring restarted its token timer: it has accepted a token. @param now milliseconds, monotonic. */
  token(now: number): void;
  /** The ring is not operational: the next token begins a new rotation. */
  noToken(): void;
  /** @param now milliseconds, monotonic. */
  event(event: LogEvent, now: number): void;
  /** @param atSeconds since 1970. */
  reloaded(success: boolean, atSeconds: number): void;
  /** All of it in Prometheus' text format. */
  text(status: ExecutiveStatus): string;
  stop(): void;
}

const ROTATION_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const SYNC_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];
const LOOP_RESOLUTION_MS = 10;

export function createCollector(): Collector {
  const rotation = createHistogram(ROTATION_SECONDS);
  const sync = createHistogram(SYNC_SECONDS);
  const loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  const events: Record<string, number> = { trace: 0, debug: 0, info: 0, warn: 0, error: 0 };
  let tokenAt: number | undefined;
  let syncAt: number | undefined;
  let reload: { readonly success: boolean; readonly atSeconds: number } | undefined;

  return {
    token(now) {
      if (tokenAt !== undefined) rotation.observe((now - tokenAt) / 1000);
      tokenAt = now;
    },
    noToken() {
      tokenAt = undefined;
    },
    event({ level, event }, now) {
      events[level] = (events[level] ?? 0) + 1;
      if (event === 'sync-start') syncAt ??= now;
      else if (event === 'view' && syncAt !== undefined) {
        sync.observe((now - syncAt) / 1000);
        syncAt = undefined;
      }
    },
    reloaded(success, atSeconds) {
      reload = { success, atSeconds };
    },
    text(status) {
      const loopDelay = loopSeconds(loop);
      loop.reset();
      const { user, system } = process.cpuUsage();
      return expositionText(
        familiesOf(status, {
          ...{ loopDelay, reload, events },
          tokenRotation: rotation.value(),
          syncDuration: sync.value(),
          memory: process.memoryUsage(),
          cpuSeconds: (user + system) / 1e6,
        }),
      );
    },
    stop: () => void loop.disable(),
  };
}

/** The histogram has the whole interval between two samples: what exceeds the resolution is the delay. */
function loopSeconds(loop: IntervalHistogram): LoopSeconds {
  const late = (nanoseconds: number) =>
    Number.isFinite(nanoseconds)
      ? Math.max(0, Math.round(nanoseconds / 1e3 - LOOP_RESOLUTION_MS * 1000) / 1e6)
      : 0;
  return {
    mean: late(loop.mean),
    p50: late(loop.percentile(50)),
    p99: late(loop.percentile(99)),
    // Without a sample the maximum is 0.
    max: late(loop.max),
  };
}
