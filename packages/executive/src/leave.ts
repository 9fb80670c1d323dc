/** Leaving in good order: who is asked, who may object, and for how long (ADR 0166). */
import { type IpcServer, LEAVE_ANSWER_MS } from '@aisexec/ipc/server';
import type { ServiceHost } from '@aisexec/service';

/** Somebody does not want this executive to leave: a service itself, or a client of it with a pid. */
export interface LeaveVeto {
  readonly service: string;
  readonly reason: string;
  /** Of the client's process; absent where the service itself objects. */
  readonly pid?: number;
  readonly uid?: number;
}

/** Asks the services, and if none objects the clients, within a bounded time. */
export async function askEverybody(
  host: ServiceHost | undefined,
  server: IpcServer | undefined,
): Promise<readonly LeaveVeto[]> {
  const services = host?.askLeave() ?? [];
  if (services.length > 0) return services;
  return (await server?.askLeave(LEAVE_ANSWER_MS)) ?? [];
}

/** One line for people: `lck, client 4711: still writing`. */
export function vetoText({ service, pid, reason }: LeaveVeto): string {
  return pid === undefined ? `${service}: ${reason}` : `${service}, client ${pid}: ${reason}`;
}
