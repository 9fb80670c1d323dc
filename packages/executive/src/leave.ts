/** Leaving in good order: who is asked, who may object, and for how long (ADR 0166). */
import { setTimeout as delay } from 'node:timers/promises';
import { type BackendSink, LEAVE_ANSWER_MS } from '@aisexec/ipc/server';
import type { ServiceHost } from '@aisexec/service';

/** Somebody does not want this executive to leave: a service itself, or a client of it with a pid. */
export interface LeaveVeto {
  readonly service: string;
  readonly reason: string;
  /** Of the client's process; absent where the service itself objects. */
  readonly pid?: number;
  readonly uid?: number;
}

/** Clients, all together. */
interface Clients {
  askLeave(withinMs: number): Promise<readonly LeaveVeto[]>;
}

/** Asks the services, and if none objects the clients, within a bounded time. */
export async function askEverybody(
  host: ServiceHost | undefined,
  clients: readonly (Clients | undefined)[],
): Promise<readonly LeaveVeto[]> {
  const services = host?.askLeave() ?? [];
  if (services.length > 0) return services;
  const answers = clients.map((some) => some?.askLeave(LEAVE_ANSWER_MS) ?? []);
  return (await Promise.all(answers)).flat();
}

/** Asks clients in this process. With a veto all of them are told that the executive stays. */
export async function askLocals(
  clients: Iterable<{ readonly service: string; readonly sink: Pick<BackendSink, 'leave'> }>,
  withinMs: number,
): Promise<readonly LeaveVeto[]> {
  const vetoes: LeaveVeto[] = [];
  const asked = [...clients].filter(({ sink }) => sink.leave !== undefined);
  const answers = asked.map(async ({ service, sink }) => {
    const reason = await sink.leave?.ask(withinMs);
    if (reason !== undefined) vetoes.push({ service, reason, pid: process.pid });
  });
  const done = new AbortController();
  const late = delay(withinMs, undefined, { signal: done.signal }).catch(() => {});
  await Promise.race([Promise.all(answers), late]);
  done.abort();
  if (vetoes.length > 0) for (const { sink } of asked) sink.leave?.callOff();
  // A late one changes nothing any more.
  return [...vetoes];
}

/** One line for people: `lck, client 4711: still writing`. */
export function vetoText({ service, pid, reason }: LeaveVeto): string {
  return pid === undefined ? `${service}: ${reason}` : `${service}, client ${pid}: ${reason}`;
}
