/** What the executive tells: one event, one line, a stable name, its details as plain values. */
import { EVENTS } from './event-table.ts';
import type { LogLevel } from './levels.ts';

export interface LogEvent {
  readonly level: LogLevel;
  /** Stable kebab-case name; the list is in `event-table.ts`. */
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A trace event of one of the parts as a line of the log: its level, and ring ids as texts. */
export function logEvent(event: string, detail: Readonly<Record<string, unknown>> = {}): LogEvent {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(detail)) {
    // `level`, `time`, `event` and `node` are the line's own.
    const name = key === 'level' || key === 'time' || key === 'event' ? `${key}_` : key;
    plain[name === 'ringId' ? 'ring' : name] = plainValue(value);
  }
  return { level: EVENTS.get(event)?.level ?? 'debug', event, detail: plain };
}

/** JSON-safe: ring ids as `rep.seq`, 64-bit integers as decimal texts; never the bytes of anybody. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return value.message;
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const { rep, seq } = value as { rep?: unknown; seq?: unknown };
  if (typeof rep === 'number' && typeof seq === 'number') return `${rep}.${seq}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}
