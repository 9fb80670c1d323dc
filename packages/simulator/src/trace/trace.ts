/**
 * The trace of a run: hashes every record incrementally and hands it to the sinks. Same seed and options,
 * same hash, in every process and on every machine.
 */
import type { RingId } from '@aisexec/totem';
import { createHash, type RunningHash } from '../hash.ts';
import { labelHash } from '../random.ts';
import type { TokenRecord, TraceDetail, TraceKind, TraceSink } from './record.ts';

export interface Trace {
  readonly emit: TraceSink;
  readonly records: number;
  /** 16 hex digits over all records so far. */
  hash(): string;
}

const KIND_CODES = {
  start: 1,
  fail: 2,
  send: 3,
  order: 4,
  receive: 5,
  deliver: 6,
  configuration: 7,
  note: 8,
  fault: 9,
  heal: 10,
  wrong: 11,
  state: 12,
  end: 13,
  quorum: 14,
  token: 15,
} as const satisfies Record<TraceKind, number>;

export function createTrace(sinks: readonly TraceSink[]): Trace {
  const hash = createHash();
  const hasher = createRecordHasher(hash);
  let records = 0;
  return {
    emit: (record) => {
      records += 1;
      hasher(record);
      for (const sink of sinks) sink(record);
    },
    get records() {
      return records;
    },
    hash: () => hash.digest(),
  };
}

function createRecordHasher(hash: RunningHash): TraceSink {
  const names = new Map<string, number>();
  const name = (text: string): void => {
    let code = names.get(text);
    if (code === undefined) {
      code = labelHash(text);
      if (names.size < 4096) names.set(text, code);
    }
    hash.word(code);
  };
  const ring = (ringId: RingId): void => {
    hash.word(ringId.rep);
    hash.float(ringId.seq);
  };
  const list = (numbers: readonly number[]): void => {
    hash.word(numbers.length);
    for (const entry of numbers) hash.float(entry);
  };
  const look = ({ ringId, visits, excused }: TokenRecord): void => {
    ring(ringId);
    hash.float(visits);
    hash.word(excused ? 1 : 0);
  };
  const detail = (fields: TraceDetail | undefined): void => {
    if (fields === undefined) return;
    for (const key in fields) {
      const value = fields[key]!;
      name(key);
      if (typeof value === 'number') hash.float(value);
      else if (typeof value === 'string') name(value);
      else list(value);
    }
  };
  return (record) => {
    hash.word(KIND_CODES[record.kind]);
    hash.float(record.time);
    hash.word((record.node << 16) | record.incarnation);
    switch (record.kind) {
      case 'send':
        hash.float(record.message);
        hash.word(record.hash);
        hash.word(record.safe ? 1 : 0);
        break;
      case 'order':
      case 'receive':
        ring(record.ringId);
        hash.word(record.seq);
        hash.float(record.message);
        break;
      case 'deliver':
        ring(record.ringId);
        hash.float(record.message);
        hash.word(record.hash);
        hash.word((record.source << 1) | (record.safe ? 1 : 0));
        break;
      case 'configuration': {
        const { type, ringId, members, left, joined } = record.configuration;
        hash.word(type === 'regular' ? 1 : 2);
        ring(ringId);
        list(members);
        list(left);
        list(joined);
        break;
      }
      case 'note':
      case 'fault':
        name(record.event);
        detail(record.detail);
        break;
      case 'fail':
        name(record.reason);
        break;
      case 'wrong':
        name(record.property);
        name(record.text);
        break;
      case 'quorum':
        ring(record.ringId);
        list([...record.members, record.quorate ? 1 : 0]);
        break;
      case 'token':
        look(record);
        break;
      case 'state':
        ring(record.ringId);
        name(record.service);
        name(record.place);
        name(record.hash);
        break;
      default:
        break;
    }
  };
}
