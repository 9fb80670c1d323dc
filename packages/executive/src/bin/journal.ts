/** What the daemon tells, in both of its places: the log that people read, and the flight recorder beside it. */
import type { ExecutiveConfig } from '../config/config.ts';
import { type LogEvent, logEvent } from '../log/events.ts';
import { writeFlightFile } from '../log/flight-file.ts';
import type { LogLevel } from '../log/levels.ts';
import { createLog } from '../log/log.ts';
import { createFlightRecorder } from '../log/recorder.ts';
import { type ExecutiveStatus, packageVersion } from '../status.ts';

export interface Journal {
  /** Of the log; the recorder has every level. */
  level: LogLevel;
  readonly memory: SharedArrayBuffer;
  write(event: string, detail?: Readonly<Record<string, unknown>>): void;
  readonly event: (event: LogEvent) => void;
  /** Writes the flight record; its path. @throws an Error of node:fs. */
  dump(reason: string): string;
  /** The same where nothing may be thrown any more. */
  tryDump(reason: string): void;
  /** From here on every line is out when `write` returns: the process ends soon. */
  close(): void;
}

/** @param status for the head of a flight record; null: there is none yet. */
export function createJournal(
  { log: logConfig, node, stateDir }: ExecutiveConfig,
  status: () => ExecutiveStatus | null,
): Journal {
  const log = createLog(logConfig, node.id);
  const recorder = createFlightRecorder();
  const event = (line: LogEvent): void => {
    recorder.record(line, Date.now());
    log.write(line);
  };
  const journal: Journal = {
    memory: recorder.memory,
    get level() {
      return log.level;
    },
    set level(level) {
      log.level = level;
    },
    event,
    write: (name, detail) => event(logEvent(name, detail)),
    dump(reason) {
      const { rss, heapUsed } = process.memoryUsage();
      const head = {
        ...{ reason, version: packageVersion(), pid: process.pid, rss, heapUsed },
        status: statusNow(),
      };
      const path = writeFlightFile({
        ...{ memory: recorder.memory, stateDir, node: node.id, time: Date.now(), head },
      });
      journal.write('flight-record', { path, reason });
      return path;
    },
    tryDump(reason) {
      try {
        journal.dump(reason);
      } catch (error) {
        journal.write('flight-record-failed', { message: (error as Error).message });
      }
    },
    close: () => log.close(),
  };

  /** The process may be dying of what the status rests on. */
  function statusNow(): unknown {
    try {
      return status();
    } catch (error) {
      return (error as Error).message;
    }
  }

  return journal;
}
