/** A service replica under test: requests go through the library handler and, if multicast, the exec handler. */
import type { SaTimeT } from '@aisexec/ais';
import type { ClientRef, ExecContext, LibContext, Reply, View } from '@aisexec/service';
import type {
  LocalRequests,
  OrderedRequests,
  SaCkptCheckpointCreationAttributesT,
} from '../protocol.ts';
import { SA_CKPT_WR_ALL_REPLICAS } from '../protocol.ts';
import { type CkptState, checkState, ckptService } from './index.ts';

export const SECOND = 1_000_000_000n;
export const CREATE = 4;
export const READ = 1;
export const WRITE = 2;
export const ALL = CREATE | READ | WRITE;

export function attributes(
  changes: Partial<SaCkptCheckpointCreationAttributesT> = {},
): SaCkptCheckpointCreationAttributesT {
  return {
    creationFlags: SA_CKPT_WR_ALL_REPLICAS,
    checkpointSize: 1000,
    retentionDuration: 0n,
    maxSections: 10,
    maxSectionSize: 1_000_000,
    maxSectionIdSize: 16,
    ...changes,
  };
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function text(data: Uint8Array): string {
  return String.fromCharCode(...data);
}

export interface Callback {
  readonly client: ClientRef;
  readonly name: string;
  readonly payload: unknown;
}

export function viewOf(nodes: readonly number[], left: readonly number[] = [], seq = 4): View {
  return {
    ringId: { rep: nodes[0] ?? 1, seq },
    members: nodes.map((nodeId) => ({
      nodeId,
      name: `node${nodeId}`,
      address: { family: 'inet', text: `10.0.0.${nodeId}` },
      bootTime: 0n,
    })),
    joined: [],
    left,
    quorate: true,
  };
}

export class FakeReplica {
  state: CkptState;
  now: SaTimeT = 1_000n * SECOND;
  view: View;
  readonly callbacks: Callback[] = [];
  #order = 0n;
  #replies: Reply[] = [];

  constructor(state: CkptState = ckptService.init(), view: View = viewOf([1, 2, 3])) {
    this.state = state;
    this.view = view;
  }

  /** One request of a client, through library and exec handler; checks the state's invariants. */
  call<K extends keyof OrderedRequests | keyof LocalRequests>(
    client: ClientRef,
    fn: K,
    request: (OrderedRequests & LocalRequests)[K],
  ): Reply {
    const handler = ckptService.lib[fn];
    if (handler === undefined) throw new Error(`no function ${fn}`);
    must(handler.request.check(request), `${fn}: the request does not fit its schema`);
    let reply: Reply | undefined;
    const sent: { exec: string; message: unknown }[] = [];
    const ctx: LibContext = {
      nodeId: client.node,
      client,
      view: this.view,
      now: this.now,
      uid: 0,
      version: 1,
      steady: 0n,
      uniqueId: () => 1n,

      fetchFirst: () => true,
      multicast: (exec, message) => sent.push({ exec, message }),
      callback: () => {},
    };
    reply = handler.handle(this.state, request, ctx);
    for (const { exec, message } of sent) reply = this.apply(client, exec, message);
    this.#check();
    if (reply === undefined) throw new Error(`${fn} was not answered`);
    return reply;
  }

  apply(client: ClientRef, exec: string, message: unknown): Reply | undefined {
    this.#replies = [];
    ckptService.exec[exec]?.apply(this.state, message, { ...client, request: 1 }, this.context());
    must(this.#replies.length === 1, `${exec}: ${this.#replies.length} replies`);
    return this.#replies[0];
  }

  context(): ExecContext {
    this.#order++;
    return {
      view: this.view,
      order: (BigInt(this.view.ringId.seq) << 32n) | this.#order,
      time: this.now,
      version: 1,
      steady: 0n,
      reply: (_source, reply) => this.#replies.push(reply),
      replyWhenCertain: (_source, reply) => this.#replies.push(reply),
      callback: (client, name, payload) => this.callbacks.push({ client, name, payload }),
    };
  }

  /** Lets time pass and serves what is due, as the host does. */
  advance(ns: bigint): void {
    this.now += ns;
    const due = ckptService.deadline?.(this.state) ?? null;
    if (due !== null && due <= this.now) ckptService.expire?.(this.state, this.context());
    this.#check();
  }

  /** A view change on the state as it is, or on a merged one. */
  change(view: View, state: CkptState = this.state): void {
    const before = this.state;
    this.state = state;
    this.view = view;
    if (state !== before) ckptService.replaced?.(before, state, this.context());
    ckptService.confchg?.(state, view, this.context());
    this.#check();
  }

  /** A replica that got everything by synchronisation. */
  copy(): CkptState {
    const fresh = ckptService.init();
    for (const chunk of ckptService.sync.save(this.state, 1)) {
      must(ckptService.sync.chunk.check(chunk), 'a chunk does not fit its schema');
      ckptService.sync.load(fresh, chunk);
    }
    return fresh;
  }

  #check(): void {
    const problem = checkState(this.state);
    must(problem === null, `invariant: ${problem}`);
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
