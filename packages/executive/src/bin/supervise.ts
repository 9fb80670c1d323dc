/**
 * Tells a service manager how the executive is (sd_notify(3)): ready with the first membership, never before; fed
 * only while the ring turns, so that a daemon whose ring stands still is ended like one whose loop does.
 */
import type { View } from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import type { Supervisor } from '../drivers/supervisor.ts';
import type { Executive } from '../executive.ts';
import type { Journal } from './journal.ts';

export interface Supervision {
  stopping(): void;
  /** Runs a reload between its two announcements. */
  reloading(reload: () => Promise<unknown>): Promise<void>;
}

/** A feed is due this often in each watchdog time. */
const FEEDS_PER_WATCHDOG = 3;
const NS_PER_US = 1_000n;

export function supervise(
  executive: Executive,
  supervisor: Supervisor | undefined,
  journal: Journal,
): Supervision {
  let hasFailed = false;
  const say = (lines: Readonly<Record<string, string | number>>): void => {
    const problem = supervisor?.say(lines);
    if (problem !== undefined && !hasFailed) {
      journal.write('supervisor-failed', { message: problem });
    }
    hasFailed = problem !== undefined;
  };
  let isReady = false;
  executive.on('view', (view) => {
    const status = { STATUS: statusText(view) };
    say(isReady ? status : { READY: 1, ...status });
    isReady = true;
  });
  if (supervisor?.watchdogMs !== undefined) {
    let turns = executive.turns;
    let wasTurning = true;
    const feed = (): void => {
      const now = executive.turns;
      // An engine that cannot tell is fed by the event loop alone.
      const isTurning = now === undefined || now !== turns;
      if (isTurning) say({ WATCHDOG: 1 });
      // The service manager is about to end the process: what was before it must not be lost.
      else if (wasTurning) journal.tryDump('the ring does not turn');
      wasTurning = isTurning;
      turns = now;
    };
    setInterval(feed, supervisor.watchdogMs / FEEDS_PER_WATCHDOG).unref();
  }
  executive.once('failed', ({ message }) => say({ STATUS: `failed: ${message}`, STOPPING: 1 }));
  return {
    stopping: () => say({ STOPPING: 1 }),
    async reloading(reload) {
      say({ RELOADING: 1, MONOTONIC_USEC: monotonicUs() });
      await reload();
      say({ READY: 1 });
    },
  };
}

/** CLOCK_MONOTONIC, which systemd compares with its own. */
function monotonicUs(): string {
  return String(process.hrtime.bigint() / NS_PER_US);
}

function statusText({ ringId, members, quorate }: View): string {
  const names = members.map(({ name }) => name).join(', ');
  return `${quorate ? 'quorate' : 'NOT quorate'}: ${members.length} members (${names}), ring ${ringIdText(ringId)}`;
}
