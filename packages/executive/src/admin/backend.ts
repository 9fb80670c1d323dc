/**
 * What clients of one executive connect to: the service host, and beside it the channel `admin`, which is
 * no replicated service but the executive's own: `status`, `inspect {service}`, `key-rotate`, `shutdown {force}`,
 * `load {service, config}`, `unload {service}`, `reload {service}`, `metrics`, `log-level {level}`, `dump`,
 * `config-reload {dry, local}`.
 */
import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import type { Reply } from '@aisexec/ipc';
import type { Backend, BackendSink } from '@aisexec/ipc/server';
import type { ClientRef, ClientSink, ServiceHost } from '@aisexec/service';
import type { RotationStart } from '../keys/rotation.ts';
import type { LeaveVeto } from '../leave.ts';
import type { Operations } from '../operations/contract.ts';
import type { ExecutiveStatus } from '../status.ts';

export const ADMIN_SERVICE = 'admin';

/** What the admin channel shows and does. */
export interface AdminSource {
  status(): ExecutiveStatus;
  /** Has the cluster change to the key in the key files. */
  rotateKey(): RotationStart;
  readonly operations: Pick<Operations, 'metrics' | 'logLevel' | 'dump' | 'reload'>;
  /** Leaves in good order when nobody objects, or by force; the reply goes out first. @returns the vetoes. */
  shutdown(force: boolean): Promise<readonly LeaveVeto[]>;
  /** Each resolves with what went wrong, undefined when nothing did. */
  load(what: string, config: unknown): Promise<string | undefined>;
  unload(name: string): Promise<string | undefined>;
  reload(name: string): Promise<string | undefined>;
}

/** A service beside the replicated ones, with clients of its own: CPG. */
export interface LocalService {
  readonly name: string;
  connect(sink: ClientSink): LocalConnection;
  inspect(): unknown;
}

export interface LocalConnection {
  request(request: number, fn: string, argument: unknown): void;
  disconnect(): void;
}

export interface ExecutiveClient {
  readonly sink: BackendSink;
  /** A client of a replicated service. */
  readonly ref?: ClientRef;
  /** A client of a local service. Neither: of the admin channel. */
  readonly local?: LocalConnection;
}

export interface ExecutiveBackend extends Backend<ExecutiveClient> {
  /** Ends every client that is still connected. */
  closeAll(reason: string): void;
}

export function createBackend(
  host: ServiceHost,
  admin: AdminSource,
  locals: readonly LocalService[] = [],
): ExecutiveBackend {
  const clients = new Set<ExecutiveClient>();
  const added = (client: ExecutiveClient): ExecutiveClient => {
    clients.add(client);
    return client;
  };
  return {
    connect(service, uid, sink) {
      if (service === ADMIN_SERVICE) return added({ sink });
      const local = locals.find(({ name }) => name === service);
      if (local !== undefined) return added({ sink, local: local.connect(sink) });
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
      client = added({ sink, ref });
      return client;
    },
    isJoining: (service) =>
      host.services.some(({ name, state }) => name === service && state === 'joining'),
    request(client, request, fn, argument) {
      const { sink, ref, local } = client;
      if (ref !== undefined) host.request(ref, request, fn, argument);
      else if (local !== undefined) local.request(request, fn, argument);
      else if (fn === 'load' || fn === 'unload' || fn === 'reload') {
        void change(admin, fn, argument).then((reply) => {
          if (clients.has(client)) sink.reply(request, reply);
        });
      } else if (fn === 'config-reload') {
        void reloadConfig(admin, argument).then((reply) => {
          if (clients.has(client)) sink.reply(request, reply);
        });
      } else if (fn === 'shutdown') {
        void shutdown(admin, argument).then((reply) => {
          if (clients.has(client)) sink.reply(request, reply);
        });
      } else sink.reply(request, answer(host, admin, locals, fn, argument));
    },
    disconnect(client) {
      clients.delete(client);
      client.local?.disconnect();
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

function answer(
  host: ServiceHost,
  admin: AdminSource,
  locals: readonly LocalService[],
  fn: string,
  argument: unknown,
): Reply {
  switch (fn) {
    case 'status':
      return { rc: SA_AIS_OK, status: admin.status() };
    case 'inspect':
      return inspect(host, locals, argument);
    case 'key-rotate':
      return { rc: SA_AIS_OK, ...admin.rotateKey() };
    case 'metrics':
      return { rc: SA_AIS_OK, text: admin.operations.metrics() };
    case 'log-level': {
      const { level } = (argument ?? {}) as { level?: unknown };
      return { rc: SA_AIS_OK, ...admin.operations.logLevel(level) };
    }
    case 'dump':
      return { rc: SA_AIS_OK, ...admin.operations.dump() };
    default:
      return { rc: SA_AIS_ERR_BAD_OPERATION };
  }
}

async function reloadConfig(admin: AdminSource, argument: unknown): Promise<Reply> {
  const { dry, local } = (argument ?? {}) as { dry?: unknown; local?: unknown };
  const result = await admin.operations.reload({ dry: dry === true, local: local === true });
  return { rc: SA_AIS_OK, ...result };
}

async function shutdown(admin: AdminSource, argument: unknown): Promise<Reply> {
  const force = (argument as { force?: unknown } | null | undefined)?.force === true;
  const vetoes = await admin.shutdown(force);
  return vetoes.length === 0 ? { rc: SA_AIS_OK } : { rc: SA_AIS_ERR_FAILED_OPERATION, vetoes };
}

async function change(
  admin: AdminSource,
  fn: 'load' | 'unload' | 'reload',
  argument: unknown,
): Promise<Reply> {
  const { service, config } = (argument ?? {}) as { service?: unknown; config?: unknown };
  if (typeof service !== 'string') return { rc: SA_AIS_ERR_INVALID_PARAM };
  const refused = await (fn === 'load' ? admin.load(service, config) : admin[fn](service));
  return refused === undefined
    ? { rc: SA_AIS_OK }
    : { rc: SA_AIS_ERR_FAILED_OPERATION, reason: refused };
}

function inspect(host: ServiceHost, locals: readonly LocalService[], argument: unknown): Reply {
  const name = (argument as { service?: unknown } | null | undefined)?.service;
  if (typeof name !== 'string') return { rc: SA_AIS_ERR_INVALID_PARAM };
  const local = locals.find((service) => service.name === name);
  if (local !== undefined) return { rc: SA_AIS_OK, hash: '', state: local.inspect() };
  const known = host.services.some((service) => service.name === name);
  if (!known) return { rc: SA_AIS_ERR_NOT_EXIST };
  return { rc: SA_AIS_OK, hash: host.digest(name), state: host.inspect(name) };
}
