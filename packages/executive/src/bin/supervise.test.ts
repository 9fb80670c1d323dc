import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Supervisor } from '../drivers/supervisor.ts';
import type { Executive } from '../executive.ts';
import type { Journal } from './journal.ts';
import { supervise } from './supervise.ts';

const WATCHDOG_MS = 3_000;
const VIEW = {
  ringId: { rep: 1, seq: 8 },
  members: [{ name: 'a' }, { name: 'b\nWATCHDOG=1' }],
  quorate: true,
};

class FakeExecutive extends EventEmitter {
  turns: number | undefined = 0;
}

let executive: FakeExecutive;
let said: Record<string, unknown>[];
let problem: string | undefined;
let written: string[];

function start() {
  const supervisor: Supervisor = {
    watchdogMs: WATCHDOG_MS,
    say(lines) {
      said.push(lines);
      return problem;
    },
    close() {},
  };
  const journal = {
    write: (event: string) => void written.push(event),
    tryDump: (reason: string) => void written.push(`dump: ${reason}`),
  } as unknown as Journal;
  return supervise(executive as unknown as Executive, supervisor, journal);
}

const feeds = () => said.filter((lines) => 'WATCHDOG' in lines).length;

beforeEach(() => {
  jest.useFakeTimers();
  executive = new FakeExecutive();
  [said, problem, written] = [[], undefined, []];
});
afterEach(() => {
  jest.useRealTimers();
});

describe('what a service manager is told', () => {
  test('is readiness with the first membership and not before, then only how it is', () => {
    start();
    expect(said).toEqual([]);
    executive.emit('view', VIEW);
    expect(said).toMatchObject([
      { READY: 1, STATUS: expect.stringContaining('quorate: 2 members') },
    ]);
    executive.emit('view', { ...VIEW, quorate: false });
    expect(said[1]).toEqual({ STATUS: expect.stringContaining('NOT quorate') });
  });

  test('is a feed as long as the ring turns, and none when it stands still', () => {
    start();
    for (let i = 0; i < 9; i++) {
      executive.turns = (executive.turns ?? 0) + 1;
      jest.advanceTimersByTime(WATCHDOG_MS / 3);
    }
    expect(feeds()).toBe(9);
    jest.advanceTimersByTime(10 * WATCHDOG_MS);
    expect(feeds()).toBe(9);
    // Once, before the service manager ends the process.
    expect(written).toEqual(['dump: the ring does not turn']);
  });

  test('is a feed by the event loop alone where the engine cannot tell', () => {
    executive.turns = undefined;
    start();
    jest.advanceTimersByTime(WATCHDOG_MS);
    expect(feeds()).toBe(3);
  });

  test('frames a reload and says that it stops', async () => {
    const supervision = start();
    let during = 0;
    await supervision.reloading(async () => {
      during = said.length;
    });
    supervision.stopping();
    expect(during).toBe(1);
    expect(said).toEqual([
      { RELOADING: 1, MONOTONIC_USEC: expect.stringMatching(/^\d+$/) },
      { READY: 1 },
      { STOPPING: 1 },
    ]);
  });

  test('that cannot be said is in the log once, until it can be said again', () => {
    start();
    problem = 'errno 111';
    executive.emit('view', VIEW);
    executive.emit('view', VIEW);
    expect(written).toEqual(['supervisor-failed']);
    problem = undefined;
    executive.emit('view', VIEW);
    problem = 'errno 111';
    executive.emit('view', VIEW);
    expect(written).toHaveLength(2);
  });
});
