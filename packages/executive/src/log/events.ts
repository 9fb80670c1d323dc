/** What the executive tells: one event, one line, a stable name, its details as plain values. */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogEvent {
  readonly level: LogLevel;
  /** Stable kebab-case name; the list is in docs/reference/config.md. */
  readonly event: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Events of the ring, the service host and the IPC server that are worth more, or less, than `debug`. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  'enter-gather': 'info',
  'enter-operational': 'info',
  'token-loss': 'warn',
  failed: 'error',
  'failed-to-receive': 'warn',
  'pause-noticed': 'warn',
  suspicion: 'info',
  'plain-datagrams': 'info',
  'link-down': 'warn',
  'link-up': 'info',
  'corosync-connected': 'info',
  'corosync-lost': 'warn',
  'corosync-unreachable': 'warn',
  'member-silent': 'warn',
  'silent-members': 'warn',
  'foreign-message': 'warn',
  'unsealed-ring': 'warn',
  'sealed-ring': 'info',
  'packet-refused': 'warn',
  'key-file-differs': 'warn',
  'key-loaded': 'info',
  'key-changed': 'info',
  'key-rotated': 'info',
  'key-rotation-failed': 'warn',
  'key-store-failed': 'error',
  leave: 'info',
  'shutdown-requested': 'info',
  'leave-vetoed': 'warn',
  view: 'info',
  'sync-abort': 'info',
  'service-failed': 'error',
  'service-refused': 'error',
  'service-loading': 'info',
  'service-running': 'info',
  'service-unloaded': 'info',
  'service-reloaded': 'info',
  'state-diverged': 'error',
  'state-mismatch': 'error',
  'state-lost': 'error',
  'transfer-start': 'info',
  'transfer-progress': 'info',
  'transfer-done': 'info',
  'client-malformed': 'warn',
  'client-slow': 'warn',
  'client-refused': 'info',
  'ipc-error': 'warn',
};

/** A trace event of one of the parts as a line of the log: its level, and ring ids as texts. */
export function logEvent(event: string, detail: Readonly<Record<string, unknown>> = {}): LogEvent {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(detail)) {
    // `level`, `time`, `event` and `node` are the line's own.
    const name = key === 'level' || key === 'time' || key === 'event' ? `${key}_` : key;
    plain[name === 'ringId' ? 'ring' : name] = plainValue(value);
  }
  return { level: LEVELS[event] ?? 'debug', event, detail: plain };
}

/** JSON-safe: ring ids as `rep.seq`, 64-bit integers as decimal texts. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null) return value;
  const { rep, seq } = value as { rep?: unknown; seq?: unknown };
  if (typeof rep === 'number' && typeof seq === 'number') return `${rep}.${seq}`;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}
