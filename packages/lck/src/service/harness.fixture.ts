/**
 * The lock service without a host: one replica, a made-up total order, and everything that clients
 * are told. For the tests of the pure service; clusters are tested on the host's own test kit.
 */
import type { ClientRef, ExecContext, Reply, Source, View } from '@aisexec/service';
import {
  type LockRequest,
  SA_LCK_EX_LOCK_MODE,
  SA_LCK_PR_LOCK_MODE,
  type SaLckLockModeT,
} from '../protocol.ts';
import { createLib, exec } from './handlers.ts';
import { lckService } from './index.ts';
import type { LckState } from './state.ts';
import type { LckChunk } from './sync.ts';

const lib = createLib({});

export const PR = SA_LCK_PR_LOCK_MODE;
export const EX = SA_LCK_EX_LOCK_MODE;

export interface Told {
  readonly client: string;
  readonly name: string;
  readonly payload: unknown;
}

export function viewOf(
  nodes: readonly number[],
  quorate: boolean,
  change: { joined?: readonly number[]; left?: readonly number[] } = {},
): View {
  return {
    ringId: { rep: nodes[0] ?? 0, seq: 4 },
    members: nodes.map((nodeId) => ({
      nodeId,
      name: `node-${nodeId}`,
      address: { family: 'inet', text: '127.0.0.1' },
      bootTime: 0n,
    })),
    joined: change.joined ?? [],
    left: change.left ?? [],
    quorate,
  };
}

/** Unique over all harnesses of a test: requests move from one to another in a merge. */
let requests = 0;

export type Harness = ReturnType<typeof createHarness>;

export function createHarness(nodes: readonly number[] = [1, 2, 3], quorate = true) {
  let state = lckService.init();
  let view = viewOf(nodes, quorate);
  let order = 1n << 32n;
  let version = lckService.version ?? 1;
  const replies = new Map<number, Reply>();
  const told: Told[] = [];

  const ctx = (): ExecContext => ({
    view,
    order: ++order,
    time: 0n,
    version,
    steady: 0n,
    reply(source, reply) {
      if (replies.has(source.request)) throw new Error(`two replies to ${source.request}`);
      replies.set(source.request, reply);
    },
    replyWhenCertain(source, reply) {
      this.reply(source, reply);
    },
    callback: (client, name, payload) =>
      void told.push({ client: `${client.node}.${client.connection}`, name, payload }),
  });

  /** Sends a request through library and exec handler. @returns its number. */
  const send = (client: ClientRef, fn: keyof typeof lib, argument: unknown): number => {
    const request = ++requests;
    const source: Source = { ...client, request };
    const handler = lib[fn];
    if (!handler.request.check(argument)) throw new Error(`not a ${fn} request`);
    // biome-ignore lint/suspicious/noExplicitAny: handlers of one table differ in their types
    const reply = (handler.handle as any)(state, argument, {
      uid: 0,
      multicast(name: keyof typeof exec, message: unknown) {
        // biome-ignore lint/suspicious/noExplicitAny: as above
        (exec[name].apply as any)(state, message, source, ctx());
      },
    }) as Reply | undefined;
    if (reply !== undefined) replies.set(request, reply);
    return request;
  };

  return {
    send,
    ctx,
    get state() {
      return state;
    },
    set state(next: LckState) {
      state = next;
    },
    /** Which all members know from now on. */
    set version(next: number) {
      version = next;
    },
    reply: (request: number) => replies.get(request),
    rc: (request: number) => replies.get(request)?.rc,
    status: (request: number) => replies.get(request)?.['lockStatus'],
    token: (request: number) => replies.get(request)?.['fencingToken'] as bigint,
    /** What clients were called back, since the last call. */
    told: () => told.splice(0),
    setView(next: View) {
      view = next;
      lckService.confchg?.(state, view, ctx());
    },
    clientGone: (client: ClientRef) => lckService.clientGone?.(state, client, ctx()),
    open: (client: ClientRef, handle: bigint, name = 'r', notify = false) =>
      send(client, 'open', { handle, name, create: true, notify }),
    lock: (
      client: ClientRef,
      handle: bigint,
      lockId: bigint,
      mode: SaLckLockModeT,
      more: Partial<LockRequest> = {},
    ) =>
      send(client, 'lock', {
        handle,
        lockId,
        mode,
        flags: 0,
        waiterSignal: 0n,
        detect: true,
        ...more,
      }),
    unlock: (client: ClientRef, lockId: bigint) => send(client, 'unlock', { lockId }),
    close: (client: ClientRef, handle: bigint) => send(client, 'close', { handle }),
  };
}

/** A replica's state as another node gets it: through chunks, checked by their schema. */
export function transfer(state: LckState): LckState {
  const copy = lckService.init();
  const { save, load, chunk } = lckService.sync;
  for (const part of save(state, 1)) {
    const received: unknown = structuredClone(part);
    if (!chunk.check(received)) throw new Error(`no chunk of kind ${part.kind}`);
    load(copy, received as LckChunk);
  }
  return copy;
}
