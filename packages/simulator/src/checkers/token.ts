/**
 * L2 and L3 (reliability §4). L2: no process stays in a configuration in which no token comes for longer than
 * token + consensus. L3: rings do not form and fall apart by themselves: once everything is healed a bounded
 * number of configurations leads to the last one, and nothing changes any more after that.
 */
import { ringIdText } from '@aisexec/totem';
import type { TokenRecord, TraceSink } from '../trace/record.ts';
import type { ViolationLog } from './violation.ts';

export interface TokenCheckerOptions {
  /** L2: the longest silence in ms, with whatever clocks and polling add. */
  readonly silenceMsMax: number;
  /** L3: configurations one process may install between the heal and the last ring. */
  readonly changesMax: number;
}

export interface TokenChecker {
  readonly record: TraceSink;
  /** From here on no configuration may change: one ring of everybody has been seen to last. */
  calm(): void;
  /** Most configurations that a process has installed since the heal. */
  readonly changes: number;
}

interface Watched {
  readonly incarnation: number;
  readonly ring: string;
  visits: number;
  /** When the visits were seen to rise last, or the process to run again. */
  since: number;
}

export function createTokenChecker(log: ViolationLog, options: TokenCheckerOptions): TokenChecker {
  const watched = new Map<number, Watched>();
  const changes = new Map<number, number>();
  let healed = false;
  let calm = false;

  const onToken = (record: TokenRecord): void => {
    const { time, node, incarnation, visits } = record;
    const ring = ringIdText(record.ringId);
    const known = watched.get(node);
    if (record.excused) watched.delete(node);
    else if (known?.incarnation !== incarnation || known.ring !== ring) {
      watched.set(node, { incarnation, ring, visits, since: time });
    } else if (known.visits !== visits) {
      known.visits = visits;
      known.since = time;
    } else if (time - known.since > options.silenceMsMax) {
      const text = `no token for ${(time - known.since).toFixed(0)} ms, and still in this configuration`;
      log.add('L2', time, node, record.ringId, text);
    }
  };

  return {
    record(record) {
      if (record.kind === 'token') onToken(record);
      else if (record.kind === 'heal') healed = true;
      else if (
        healed &&
        record.kind === 'configuration' &&
        record.configuration.type === 'regular'
      ) {
        const { time, node } = record;
        const count = (changes.get(node) ?? 0) + 1;
        changes.set(node, count);
        if (calm) {
          log.add(
            'L3',
            time,
            node,
            record.configuration.ringId,
            'a new ring though nothing happened',
          );
        } else if (count > options.changesMax) {
          const text = `${count} configurations since healing, at most ${options.changesMax}`;
          log.add('L3', time, node, record.configuration.ringId, text);
        }
      }
    },
    calm() {
      calm = true;
    },
    get changes() {
      return Math.max(0, ...changes.values());
    },
  };
}
