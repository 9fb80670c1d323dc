import { describe, expect, test } from '@jest/globals';
import { loadLibc } from './native.ts';
import { openSupervisor, SupervisorError } from './supervisor.ts';

const withKoffi = loadLibc().libc === undefined ? test.skip : test;

describe('a service manager', () => {
  test('is not there without NOTIFY_SOCKET, and is refused where that is no path', () => {
    expect(openSupervisor({}, 1)).toBeUndefined();
    expect(openSupervisor({ NOTIFY_SOCKET: '' }, 1)).toBeUndefined();
    for (const path of ['relative', `/${'x'.repeat(107)}`]) {
      expect(() => openSupervisor({ NOTIFY_SOCKET: path }, 1)).toThrow(SupervisorError);
    }
  });

  withKoffi('wants to be fed when it says so, to this process', () => {
    const watchdogOf = (env: Readonly<Record<string, string>>) => {
      const supervisor = openSupervisor({ NOTIFY_SOCKET: '@ais-nobody', ...env }, 42);
      supervisor?.close();
      return supervisor?.watchdogMs;
    };
    expect(watchdogOf({})).toBeUndefined();
    expect(watchdogOf({ WATCHDOG_USEC: '30000000' })).toBe(30_000);
    expect(watchdogOf({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' })).toBe(30_000);
    expect(watchdogOf({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' })).toBeUndefined();
    for (const us of ['', '0', '-1', 'soon'])
      expect(watchdogOf({ WATCHDOG_USEC: us })).toBeUndefined();
  });

  withKoffi('that has gone is told about, not thrown at', () => {
    const supervisor = openSupervisor({ NOTIFY_SOCKET: `@ais-gone-${process.pid}` }, 1);
    expect(supervisor?.say({ READY: 1 })).toMatch(/^errno \d+$/);
    supervisor?.close();
  });
});
