/** The executive's condition as plain data: what `status` of the admin channel answers and SIGUSR2 logs. */
import { readFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { QuorumNode, View } from '@aisexec/service';
import { type LinkStatus, type RingState, ringIdText } from '@aisexec/totem';
import type { RotationStatus } from './keys/rotation.ts';
import type { ListedService } from './plugins/plugins.ts';
import type { TransferStatus } from './transfers.ts';

/** JSON-safe: ring ids are `rep.seq`, counters are numbers. */
export interface ExecutiveStatus {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly cluster: string;
  /** What orders the messages: `totem`, the built-in ring, or `corosync`. */
  readonly engine: string;
  readonly node: { readonly id: number; readonly name: string; readonly address: string };
  readonly socket: string | null;
  readonly ring: {
    readonly state: RingState;
    readonly id: string;
    readonly members: readonly number[];
    /** Where peers have several links: each of them; else empty. */
    readonly links: readonly LinkStatus[];
  };
  /** The membership in which services act; null before the first and while synchronisation runs. */
  readonly view: {
    readonly ring: string;
    readonly quorate: boolean;
    readonly members: readonly { readonly id: number; readonly name: string }[];
  } | null;
  readonly quorum: {
    readonly provider: string;
    readonly quorate: boolean;
    readonly votes: number;
    readonly needed: number;
    readonly expected: number;
    readonly flags: readonly string[];
    readonly nodes: readonly QuorumNode[];
  };
  /** The keys of a sealed ring by id and fingerprint; null: the ring is in the clear. */
  readonly keys: RotationStatus | null;
  readonly services: readonly ListedService[];
  /** State that is still fetched in the background; empty: everything is here. */
  readonly transfers: readonly TransferStatus[];
  readonly eventLoop: LoopDelay;
  /** By part: ring, groups, udp, links, seal, host, ipc. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function viewStatus(view: View | undefined): ExecutiveStatus['view'] {
  if (view === undefined) return null;
  return {
    ring: ringIdText(view.ringId),
    quorate: view.quorate,
    members: view.members.map(({ nodeId, name }) => ({ id: nodeId, name })),
  };
}

/** How late the event loop is, over the life of the executive: local pauses look like a slow network. */
export interface LoopDelay {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const RESOLUTION_MS = 20;

export interface LoopMonitor {
  delay(): LoopDelay;
  stop(): void;
}

export function createLoopMonitor(): LoopMonitor {
  const histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // The histogram has the whole interval between two samples: what exceeds the resolution is the delay.
  const late = (nanoseconds: number) =>
    Number.isFinite(nanoseconds)
      ? Math.max(0, Math.round(nanoseconds / 1e4 - RESOLUTION_MS * 100) / 100)
      : 0;
  return {
    delay: () => ({
      meanMs: late(histogram.mean),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    }),
    stop: () => void histogram.disable(),
  };
}

/** The version of this package. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}
