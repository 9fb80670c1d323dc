/**
 * A client that asks one service at random, forgets its connection now and then, and holds the service to what
 * is true whatever happens: every request is answered once, never with LIBRARY, and the replicas stay equal
 * (checked by the run). What it asks is a table per service.
 */
import { SA_AIS_ERR_LIBRARY } from '@aisexec/ais';
import type { Reply, ServiceDefinition } from '@aisexec/service';
import type { Random } from '../random.ts';
import { type Connection, openConnection } from './connection.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

const OUTSTANDING_MAX = 8;
const PAUSE_MEAN_MS = 40;
const DISCONNECT_CHANCE = 0.02;

/** One kind of request: its weight in the draw, its function, and how an argument is drawn. */
export interface RequestKind {
  readonly weight: number;
  readonly fn: string;
  /** @param handles those drawn by `open` requests of this connection, the newest last; never empty. */
  argument(random: Random, handles: readonly bigint[]): unknown;
}

export interface RequestTable {
  // biome-ignore lint/suspicious/noExplicitAny: services differ in their states
  readonly service: ServiceDefinition<any>;
  /** The first request of every connection; undefined for a service without handles. */
  readonly open?: (random: Random, handle: bigint) => unknown;
  readonly kinds: readonly RequestKind[];
  /** Watches callbacks: what is wrong with this one, given all before it on the connection. */
  readonly callbackFault?: (
    seen: Set<string>,
    name: string,
    payload: unknown,
  ) => string | undefined;
  /** What is wrong with this reply, given what earlier ones left in `memory`. */
  readonly replyFault?: (
    memory: Map<string, bigint>,
    argument: unknown,
    reply: Reply,
  ) => string | undefined;
}

export function requestWorkload(table: RequestTable): ServiceWorkload {
  return { service: table.service, create: (context) => createClient(table, context) };
}

function createClient(table: RequestTable, context: WorkloadContext): WorkloadClient {
  const { random, host } = context;
  const { name } = table.service;
  const total = table.kinds.reduce((sum, kind) => sum + kind.weight, 0);
  let connection: Connection | undefined;
  let handles: bigint[] = [];
  let memory = new Map<string, bigint>();
  let stopped = false;

  const wrong = (text: string | undefined): void => {
    if (text !== undefined) context.wrong(name, text);
  };
  const request = (on: Connection, fn: string, argument: unknown): void => {
    const remembered = memory;
    on.request(fn, argument, (reply) => {
      if (reply.rc === SA_AIS_ERR_LIBRARY) wrong(`${fn} was answered LIBRARY`);
      wrong(table.replyFault?.(remembered, argument, reply));
    });
  };
  const open = (on: Connection): void => {
    const handle = BigInt(1 + random.below(0xffff_ffff));
    handles.push(handle);
    if (table.open !== undefined) request(on, 'open', table.open(random, handle));
  };
  const connect = (): Connection => {
    const seen = new Set<string>();
    handles = [];
    memory = new Map();
    const made = openConnection(context, name, (callback, payload) =>
      wrong(table.callbackFault?.(seen, callback, payload)),
    );
    open(made);
    return made;
  };
  const drawKind = (): RequestKind => {
    let die = random.next() * total;
    for (const kind of table.kinds) {
      die -= kind.weight;
      if (die < 0) return kind;
    }
    return table.kinds[0]!;
  };
  const hangUp = (): void => {
    connection?.disconnect();
    connection = undefined;
  };

  return {
    act() {
      if (!stopped && host.view !== undefined) {
        connection ??= connect();
        if (random.chance(DISCONNECT_CHANCE)) hangUp();
        else if (connection.outstanding < OUTSTANDING_MAX) {
          const kind = drawKind();
          if (kind.fn === 'open') open(connection);
          else request(connection, kind.fn, kind.argument(random, handles));
        }
      }
      return random.exponential(PAUSE_MEAN_MS);
    },
    stop() {
      // Requests that wait for a lock may wait for ever: whoever stops hangs up.
      stopped = true;
      hangUp();
    },
    get idle() {
      return stopped && connection === undefined;
    },
  };
}
