/**
 * What clients of one executive connect to: the service host, and beside it the channel `admin`, which is
 * no replicated service but the executive's own: `status`, `inspect {service}`, `key-rotate`, `shutdown {force}`,
 * `load {service, config}`, `unload {service}`, `reload {service}`, `metrics`, `log-level {level}`, `dump`,
 * `config-reload {dry, local}`, `quorum-expected {votes}`. Here is where a client gets its role.
 */
import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import type { Reply } from '@aisexec/ipc';
import type { Backend, BackendSink } from '@aisexec/ipc/server';
import {
  type ClientRef,
  type ClientSink,
  mayAct,
  type Role,
  type Schema,
  type ServiceHost,
  s,
} from '@aisexec/service';
import type { RotationStart } from '../keys/rotation.ts';
import { askLocals, type LeaveVeto } from '../leave.ts';
import { EXPECTED_VOTES_MAX, PLUGIN_NAME_BYTES_MAX } from '../limits.ts';
import type { Operations } from '../operations/contract.ts';
import type { ExecutiveStatus } from '../status.ts';
import { type AccessRule, ADMIN_SERVICE } from './access.ts';

/** What the admin channel shows and does. */
export interface AdminSource {
  status(): ExecutiveStatus;
  /** Has the cluster change to the key in the key files. */
  rotateKey(): RotationStart;
  /** An operator's word on the expected votes, for all members. @returns why not. */
  setExpectedVotes(votes: number): string | undefined;
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
  /** What its calls need; default `user`. */
  readonly role?: Role;
  connect(sink: ClientSink): LocalConnection;
  inspect(): unknown;
}

export interface LocalConnection {
  request(request: number, fn: string, argument: unknown): void;
  disconnect(): void;
}

export interface ExecutiveClient {
  readonly service: string;
  readonly sink: BackendSink;
  readonly role: Role;
  /** A client of a replicated service. */
  readonly ref?: ClientRef;
  /** A client of a local service. Neither: of the admin channel. */
  readonly local?: { readonly service: LocalService; readonly connection: LocalConnection };
}

export interface ExecutiveBackend extends Backend<ExecutiveClient> {
  /** Those in this process that want to be asked before the executive leaves. */
  askLeave(withinMs: number): Promise<readonly LeaveVeto[]>;
  /** Ends every client that is still connected. */
  closeAll(reason: string): void;
}

export interface BackendOptions {
  readonly host: ServiceHost;
  readonly admin: AdminSource;
  readonly locals?: readonly LocalService[];
  readonly access: AccessRule;
  /** See {@link Backend.hasMet}. */
  readonly hasMet: () => boolean;
}

interface AdminCall {
  readonly role: Role;
  readonly request: Schema<unknown>;
}

const something: Schema<unknown> = { check: (_value): _value is unknown => true };
const named = s.object({ service: s.text(PLUGIN_NAME_BYTES_MAX), config: something });

/** The calls of the admin channel: what a client needs for each, and what it must send. */
export const ADMIN_CALLS: Readonly<Record<string, AdminCall>> = {
  status: { role: 'reader', request: something },
  inspect: { role: 'reader', request: named },
  'key-rotate': { role: 'operator', request: something },
  shutdown: { role: 'operator', request: something },
  load: { role: 'operator', request: named },
  unload: { role: 'operator', request: named },
  reload: { role: 'operator', request: named },
  metrics: { role: 'reader', request: something },
  'log-level': { role: 'operator', request: something },
  dump: { role: 'operator', request: something },
  'config-reload': { role: 'operator', request: something },
  'quorum-expected': { role: 'operator', request: something },
};

export function createBackend({
  host,
  admin,
  locals = [],
  access,
  hasMet,
}: BackendOptions): ExecutiveBackend {
  const clients = new Set<ExecutiveClient>();
  const added = (client: ExecutiveClient): ExecutiveClient => {
    clients.add(client);
    return client;
  };
  return {
    connect(service, uid, sink, gid = -1) {
      const role = access(service, { uid, gid });
      if (role === undefined) return undefined;
      if (service === ADMIN_SERVICE) return added({ service, sink, role });
      const local = locals.find(({ name }) => name === service);
      if (local !== undefined) {
        return added({
          service,
          sink,
          role,
          local: { service: local, connection: local.connect(sink) },
        });
      }
      let client: ExecutiveClient | undefined;
      const hostSink: ClientSink = {
        process: sink.process,
        reply: (request, reply) => sink.reply(request, reply),
        callback: (name, payload, options) => sink.callback(name, payload, options),
        ready: () => sink.ready?.(),
        closed(reason) {
          if (client !== undefined) clients.delete(client);
          sink.closed(reason);
        },
      };
      const ref = host.connect(service, uid, hostSink, role);
      if (ref === undefined) return undefined;
      client = added({ service, sink, role, ref });
      return client;
    },
    hasMet,
    isJoining: (service) =>
      host.services.some(({ name, state }) => name === service && state === 'joining'),
    request(client, request, fn, argument) {
      const { sink, ref, local, role } = client;
      const refused = ref === undefined ? refusal(role, local?.service, fn, argument) : undefined;
      if (ref !== undefined) host.request(ref, request, fn, argument);
      else if (refused !== undefined) sink.reply(request, { rc: refused });
      else if (local !== undefined) local.connection.request(request, fn, argument);
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
    isWaiting: ({ ref }) => ref !== undefined && host.isWaiting(ref),
    disconnect(client) {
      clients.delete(client);
      client.local?.connection.disconnect();
      if (client.ref !== undefined) host.disconnect(client.ref);
    },
    askLeave: (withinMs) => askLocals(clients, withinMs),
    closeAll(reason) {
      for (const client of [...clients]) {
        this.disconnect(client);
        client.sink.closed(reason);
      }
    },
  };
}

/** Why a request beside the service host, which checks its own, is not passed on. */
function refusal(role: Role, local: LocalService | undefined, fn: string, argument: unknown) {
  if (local !== undefined)
    return mayAct(role, local.role ?? 'user') ? undefined : SA_AIS_ERR_ACCESS;
  const call = Object.hasOwn(ADMIN_CALLS, fn) ? ADMIN_CALLS[fn] : undefined;
  if (call === undefined) return SA_AIS_ERR_BAD_OPERATION;
  if (!mayAct(role, call.role)) return SA_AIS_ERR_ACCESS;
  return call.request.check(argument) ? undefined : SA_AIS_ERR_INVALID_PARAM;
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
    case 'quorum-expected':
      return expectVotes(admin, argument);
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

function expectVotes(admin: AdminSource, argument: unknown): Reply {
  const votes = (argument as { votes?: unknown } | null | undefined)?.votes;
  const isCount = typeof votes === 'number' && Number.isInteger(votes) && votes > 0;
  if (!isCount || votes > EXPECTED_VOTES_MAX) return { rc: SA_AIS_ERR_INVALID_PARAM };
  const refused = admin.setExpectedVotes(votes);
  return { rc: SA_AIS_OK, ...(refused === undefined ? {} : { refused }) };
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
  const { service, config } = argument as { service: string; config?: unknown };
  const refused = await (fn === 'load' ? admin.load(service, config) : admin[fn](service));
  return refused === undefined
    ? { rc: SA_AIS_OK }
    : { rc: SA_AIS_ERR_FAILED_OPERATION, reason: refused };
}

function inspect(host: ServiceHost, locals: readonly LocalService[], argument: unknown): Reply {
  const name = (argument as { service: string }).service;
  const local = locals.find((service) => service.name === name);
  if (local !== undefined) return { rc: SA_AIS_OK, hash: '', state: local.inspect() };
  const found = () => host.services.find((service) => service.name === name);
  if (found() === undefined) return { rc: SA_AIS_ERR_NOT_EXIST };
  const state = host.inspect(name);
  // Asked afterwards: a service may throw where it is inspected, and is stopped for that.
  const service = found();
  if (service?.state === 'failed') {
    return { rc: SA_AIS_OK, refused: `service '${name}' has failed: ${service.reason}` };
  }
  return { rc: SA_AIS_OK, hash: host.digest(name), state };
}
