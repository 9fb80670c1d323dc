/**
 * How this service's handlers are put together. Every change is one message: the library handler checks
 * what the request alone tells and multicasts it unchanged, the exec handler of the same name checks it
 * again (a peer is not believed), applies it on every member and answers the one client.
 *
 * Library handlers look at no state before they multicast: a client may send an open and a write to
 * it without waiting in between, and only the order decides what the write finds.
 */
import {
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type ExecContext,
  type ExecHandler,
  execHandler,
  type LibContext,
  type LibHandler,
  libHandler,
  type Reply,
  type Role,
  type Source,
} from '@aisexec/service';
import {
  type LocalRequests,
  localRequest,
  type OrderedRequests,
  orderedRequest,
} from '../protocol.ts';
import type { CkptState } from './state.ts';

export interface Change<Request> {
  /** What can be refused without any state. */
  readonly check?: (request: Request) => SaAisErrorT;
  readonly apply: (state: CkptState, request: Request, source: Source, ctx: ExecContext) => Reply;
  /** What a client needs for it; default `user`. */
  readonly role?: (request: Request) => Role;
  /** Served without quorum, too: it concerns only the client's own handles (ADR 0085). */
  readonly withoutQuorum?: true;
}

export type Changes = { readonly [K in keyof OrderedRequests]?: Change<OrderedRequests[K]> };
export type Queries = {
  readonly [K in keyof LocalRequests]?: (
    state: CkptState,
    request: LocalRequests[K],
    ctx: LibContext,
  ) => Reply;
};

// biome-ignore lint/suspicious/noExplicitAny: a table of handlers with different requests
type LibTable = Record<string, LibHandler<CkptState, any>>;
// biome-ignore lint/suspicious/noExplicitAny: a table of handlers with different messages
type ExecTable = Record<string, ExecHandler<CkptState, any>>;

/** The library handlers of all changes and queries. */
export function libTable(changes: Changes, queries: Queries): LibTable {
  const table: LibTable = {};
  for (const name of keysOf(changes)) {
    const check = changes[name]?.check as ((request: unknown) => SaAisErrorT) | undefined;
    table[name] = libHandler<CkptState, unknown>({
      request: orderedRequest[name],
      flow: 'ordered',
      role: (request) => changes[name]?.role?.(request as never) ?? 'user',
      handle: (_state, request, ctx) => {
        const rc = check?.(request) ?? SA_AIS_OK;
        if (rc !== SA_AIS_OK) return { rc };
        // Safe: acknowledged means that every member of the configuration has it (ADR 0082).
        ctx.multicast(name, request, 'safe');
        return undefined;
      },
    });
  }
  for (const name of keysOf(queries)) {
    const handle = queries[name] as LibHandler<CkptState, unknown>['handle'];
    table[name] = libHandler<CkptState, unknown>({
      request: localRequest[name],
      flow: 'local',
      role: 'reader',
      handle,
    });
  }
  return table;
}

/** The exec handlers of all changes. */
export function execTable(changes: Changes): ExecTable {
  const table: ExecTable = {};
  for (const name of keysOf(changes)) {
    const { check, apply, withoutQuorum = false } = changes[name] as Change<unknown>;
    table[name] = execHandler<CkptState, unknown>({
      message: orderedRequest[name],
      apply: (state, message, source, ctx) => {
        const refused = ctx.view.quorate || withoutQuorum ? SA_AIS_OK : SA_AIS_ERR_TRY_AGAIN;
        const rc = refused === SA_AIS_OK ? (check?.(message) ?? SA_AIS_OK) : refused;
        const reply = rc === SA_AIS_OK ? apply(state, message, source, ctx) : { rc };
        // TIMEOUT says in AIS what is true then: nobody knows whether it was done.
        if (withoutQuorum) ctx.reply(source, reply);
        else ctx.replyWhenCertain(source, reply, { rc: SA_AIS_ERR_TIMEOUT });
      },
    });
  }
  return table;
}

function keysOf<T extends object>(object: T): (keyof T & string)[] {
  return Object.keys(object) as (keyof T & string)[];
}
