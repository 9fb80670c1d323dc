/**
 * What clients of one executive connect to: the service host, and beside it the channel `admin`, which is
 * no replicated service but the executive's own: `status`, `inspect {service}`, `shutdown`.
 */
import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import type { Reply } from '@aisexec/ipc';
import type { Backend, BackendSink } from '@aisexec/ipc/server';
import type { ClientRef, ServiceHost } from '@aisexec/service';
import type { ExecutiveStatus } from '../status.ts';

export const ADMIN_SERVICE = 'admin';

/** What the admin channel shows and does. */
export interface AdminSource {
  status(): ExecutiveStatus;
  /** Leaves in good order; the reply goes out first. */
  shutdown(): void;
}

export interface ExecutiveClient {
  readonly sink: BackendSink;
  /** Absent for a client of the admin channel. */
  readonly ref?: ClientRef;
}

export interface ExecutiveBackend extends Backend<ExecutiveClient> {
  /** Ends every client that is still connected. */
  closeAll(reason: string): void;
}

export function createBackend(host: ServiceHost, admin: AdminSource): ExecutiveBackend {
  const clients = new Set<ExecutiveClient>();
  return {
    connect(service, uid, sink) {
      if (service === ADMIN_SERVICE) {
        const client: ExecutiveClient = { sink };
        clients.add(client);
        return client;
      }
      let client: ExecutiveClient | undefined;
      const ref = host.connect(service, uid, {
        reply: (request, reply) => sink.reply(request, reply),
        callback: (name, payload, options) => sink.callback(name, payload, options),
        closed(reason) {
          if (client !== undefined) clients.delete(client);
          sink.closed(reason);
        },
      });
      if (ref === undefined) return undefined;
      client = { sink, ref };
      clients.add(client);
      return client;
    },
    request({ sink, ref }, request, fn, argument) {
      if (ref !== undefined) host.request(ref, request, fn, argument);
      else sink.reply(request, answer(host, admin, fn, argument));
    },
    disconnect(client) {
      clients.delete(client);
      if (client.ref !== undefined) host.disconnect(client.ref);
    },
    closeAll(reason) {
      for (const client of [...clients]) {
        this.disconnect(client);
        client.sink.closed(reason);
      }
    },
  };
}

function answer(host: ServiceHost, admin: AdminSource, fn: string, argument: unknown): Reply {
  switch (fn) {
    case 'status':
      return { rc: SA_AIS_OK, status: admin.status() };
    case 'inspect':
      return inspect(host, argument);
    case 'shutdown':
      admin.shutdown();
      return { rc: SA_AIS_OK };
    default:
      return { rc: SA_AIS_ERR_BAD_OPERATION };
  }
}

function inspect(host: ServiceHost, argument: unknown): Reply {
  const name = (argument as { service?: unknown } | null | undefined)?.service;
  if (typeof name !== 'string') return { rc: SA_AIS_ERR_INVALID_PARAM };
  const known = host.services.some((service) => service.name === name);
  if (!known) return { rc: SA_AIS_ERR_NOT_EXIST };
  return { rc: SA_AIS_OK, hash: host.stateHash(name), state: host.inspect(name) };
}
