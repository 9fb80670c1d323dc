/**
 * The checker of extended virtual synchrony: E1 to E11 and L1 of reliability §4, online, from trace
 * records alone. Feed it every record in order; violations are in the log as soon as they are seen, those
 * that need the end of the run after the `end` record.
 */
import type { TraceRecord, TraceSink } from '../trace/record.ts';
import { onConfiguration } from './evs-configurations.ts';
import { checkEnd, isConverged, isSettled } from './evs-liveness.ts';
import { onDeliver, onOrder, onReceive, onSend } from './evs-messages.ts';
import { createEvsState } from './evs-state.ts';
import { createViolationLog, type ViolationLog } from './violation.ts';

export interface EvsChecker {
  readonly record: TraceSink;
  readonly log: ViolationLog;
  /** All live processes share one regular ring. */
  converged(): boolean;
  /** Converged, and nothing is under way. */
  settled(): boolean;
  readonly summary: {
    readonly rings: number;
    readonly configurations: number;
    readonly sent: number;
    readonly delivered: number;
  };
}

export function createEvsChecker(log: ViolationLog = createViolationLog()): EvsChecker {
  const state = createEvsState(log);
  let healTime = Number.POSITIVE_INFINITY;
  let configurations = 0;
  let delivered = 0;

  const onStart = (record: TraceRecord): void => {
    const process = state.process(record.node);
    process.incarnation = record.incarnation;
    process.up = true;
    process.phase = 'fresh';
    process.ring = undefined;
    process.transitional = [];
    process.delivered = [];
    process.prefix = 0;
    process.lastSeq = 0;
    process.undelivered.clear();
  };

  const onFail = (record: TraceRecord): void => {
    const process = state.process(record.node);
    process.up = false;
    process.fails += 1;
  };

  const record: TraceSink = (entry) => {
    switch (entry.kind) {
      case 'start':
        return onStart(entry);
      case 'fail':
        return onFail(entry);
      case 'send':
        return onSend(state, entry);
      case 'order':
        return onOrder(state, entry);
      case 'receive':
        return onReceive(state, entry);
      case 'deliver':
        delivered += 1;
        return onDeliver(state, entry);
      case 'configuration':
        configurations += 1;
        return onConfiguration(state, entry);
      case 'heal':
        healTime = entry.time;
        return undefined;
      case 'end':
        return healTime === Number.POSITIVE_INFINITY
          ? undefined
          : checkEnd(state, entry.time, healTime);
      case 'wrong':
        return log.add('W1', entry.time, entry.node, undefined, `${entry.property}: ${entry.text}`);
      case 'note':
      case 'fault':
      case 'state':
      case 'quorum':
      case 'token':
        return undefined;
      default:
        return entry satisfies never;
    }
  };

  return {
    record,
    log,
    converged: () => isConverged(state),
    settled: () => isSettled(state),
    get summary() {
      return { rings: state.rings.size, configurations, sent: state.messages.size, delivered };
    },
  };
}
