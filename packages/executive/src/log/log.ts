/**
 * The daemon's log on standard error: JSON lines for machines, human lines on a terminal. Written
 * without blocking the event loop (a stuck reader must not stop the token) and flushed at exit.
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
  /** What is written so far is out when this returns. */
  flush(): void;
}

const STDERR = 2;

export function createLog(config: LogConfig, node: number): Log {
  const out = destination({ dest: STDERR, sync: false, maxLength: LOG_BYTES_MAX });
  // A closed or full standard error is no reason to stop serving.
  out.on('error', () => {});
  const isHuman =
    config.format === 'human' || (config.format === 'auto' && process.stderr.isTTY === true);
  const stream: DestinationStream = isHuman ? humanStream(out) : out;
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
    flush() {
      try {
        out.flushSync();
      } catch {
        // Nobody reads any more, or nothing was opened yet.
      }
    },
  };
}

function humanStream(out: DestinationStream): DestinationStream {
  const colour = process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined;
  return { write: (line) => out.write(`${humanLine(line.trimEnd(), colour)}\n`) };
}
