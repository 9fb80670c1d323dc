/**
 * The daemon's log on standard error: JSON lines for machines, human lines on a terminal. Written
 * without blocking the event loop (a stuck reader must not stop the token) until the end is near: a line that a
 * thread of libuv still had to write would die with the process.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { LogConfig } from '../config/config.ts';
import { LOG_BYTES_MAX } from '../limits.ts';
import type { LogEvent } from './events.ts';
import { humanLine } from './human.ts';
import type { LogLevel } from './levels.ts';

export interface Log {
  write(event: LogEvent): void;
  /** Lines below it are left out; may change at any time. */
  level: LogLevel;
  /** From here on every line is out when `write` returns: the process ends soon. */
  close(): void;
}

const STDERR = 2;

export function createLog(config: LogConfig, node: number): Log {
  const out = destination({ dest: STDERR, sync: false, maxLength: LOG_BYTES_MAX });
  // A closed or full standard error is no reason to stop serving.
  out.on('error', () => {});
  const isHuman =
    config.format === 'human' || (config.format === 'auto' && process.stderr.isTTY === true);
  let last: DestinationStream | undefined;
  const either: DestinationStream = { write: (line) => (last ?? out).write(line) };
  const stream: DestinationStream = isHuman ? humanStream(either) : either;
  const logger: Logger = pino(
    {
      level: config.level,
      base: { node },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    get level() {
      return logger.level as LogLevel;
    },
    set level(level) {
      logger.level = level;
    },
    write({ level, event, detail }) {
      if (logger.isLevelEnabled(level)) logger[level]({ event, ...detail });
    },
    close() {
      if (last !== undefined) return;
      try {
        out.flushSync();
      } catch {
        // Nobody reads any more, or nothing was opened yet.
      }
      const direct = destination({ dest: STDERR, sync: true });
      direct.on('error', () => {});
      last = direct;
    },
  };
}

function humanStream(out: DestinationStream): DestinationStream {
  const colour = process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined;
  return { write: (line) => out.write(`${humanLine(line.trimEnd(), colour)}\n`) };
}
