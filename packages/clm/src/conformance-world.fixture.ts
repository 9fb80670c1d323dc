/** Where the conformance table is run: a cluster of three, in process or of real daemons, seen from one node. */
import {
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  type SaAisErrorT,
  type SaInvocationT,
  type SaVersionT,
} from '@aisexec/ais';
import type { ConnectOptions } from '@aisexec/ipc';
import { clmAdminOperation, NodeAdmin } from './client/admin.ts';
import { createSaClm } from './client/literal.ts';
import type {
  SaClm,
  SaClmCallbacksT,
  SaClmCallbacksT_4,
  SaClmClusterNotificationBufferT,
  SaClmHandleT,
} from './client/literal-types.ts';

/** What a cluster must offer. */
export interface WorldOptions {
  /** `home` is where the clients are, the others are two more members. */
  readonly home: number;
  readonly other: number;
  readonly third: number;
  readonly connect: (node: number, uid?: number) => ConnectOptions;
  /** Lets time pass where it does not pass by itself. */
  readonly elapse: (ms: number) => void;
  /** Lets a little happen. */
  readonly tick: () => Promise<void>;
}

export interface Subscriber {
  readonly handle: SaClmHandleT;
  /** `validate O-` and the like, nodes by their roles, as the callbacks ran. */
  readonly log: string[];
  /** The arguments of the callbacks. */
  readonly calls: unknown[][];
  /** The invocation that awaits a response. */
  asked: SaInvocationT;
}

/** Operations on a node. */
export const [UNLOCK, LOCK, SHUTDOWN] = [1, 2, 3];
/** A handle that never was. */
export const FORGED = 0x1234_5678_9abc_def0n as SaClmHandleT;

const STEPS = ['', 'validate', 'start', 'aborted', 'completed'];
const LABELS = ['', '', '+', '-', '~', 'u', 's'];
const TICKS_MAX = 3_000;

export class World {
  readonly sa: SaClm = createSaClm();
  readonly home: number;
  readonly other: number;
  readonly third: number;
  readonly #options: WorldOptions;
  readonly #opened: SaClmHandleT[] = [];
  readonly #operations: Promise<unknown>[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.home = options.home;
    this.other = options.other;
    this.third = options.third;
  }

  connect(node: number, uid?: number): ConnectOptions {
    return this.#options.connect(node, uid);
  }

  /** Initialize of a generation. */
  async initialize(
    generation: 1 | 4,
    callbacks: SaClmCallbacksT | SaClmCallbacksT_4 | null,
    {
      node = this.home,
      version = versionOf(generation) as SaVersionT | null,
      connect = this.connect(node),
    } = {},
  ): Promise<{ rc: SaAisErrorT; clmHandle?: SaClmHandleT }> {
    const fn = generation === 1 ? this.sa.saClmInitialize : this.sa.saClmInitialize_4;
    const answer = await fn(callbacks as SaClmCallbacksT & SaClmCallbacksT_4, version, connect);
    if (answer.clmHandle !== undefined) this.#opened.push(answer.clmHandle);
    return answer;
  }

  /** A handle that is there; without callbacks unless given. */
  async open(
    generation: 1 | 4,
    callbacks: SaClmCallbacksT | SaClmCallbacksT_4 | null = null,
    node = this.home,
  ): Promise<SaClmHandleT> {
    const { rc, clmHandle } = await this.initialize(generation, callbacks, { node });
    if (clmHandle === undefined) throw new Error(`Initialize answered ${rc}`);
    return clmHandle;
  }

  /** A handle whose node was locked and readmitted since it was opened. */
  async stale(generation: 1 | 4, callbacks: SaClmCallbacksT | null = null): Promise<SaClmHandleT> {
    const handle = await this.open(generation, callbacks);
    await this.administer(this.home, LOCK);
    await this.administer(this.home, UNLOCK);
    return handle;
  }

  /** A handle that was finalised. */
  async finalized(generation: 1 | 4): Promise<SaClmHandleT> {
    const handle = await this.open(generation);
    await this.sa.saClmFinalize(handle);
    return handle;
  }

  track(
    generation: 1 | 4,
    handle: SaClmHandleT,
    flags: number,
    buffer: SaClmClusterNotificationBufferT | null = null,
  ): Promise<{ rc: SaAisErrorT }> {
    return generation === 1
      ? this.sa.saClmClusterTrack(handle, flags, buffer)
      : this.sa.saClmClusterTrack_4(handle, flags, buffer as never);
  }

  async subscribe(generation: 1 | 4, flags: number, node = this.home): Promise<Subscriber> {
    const log: string[] = [];
    const calls: unknown[][] = [];
    const callback = (...args: unknown[]): void => {
      const [buffer, , invocation, , , step] = args;
      const name = generation === 1 ? 'changed' : STEPS[step as number];
      log.push(`${name} ${this.text(buffer as SaClmClusterNotificationBufferT)}`);
      calls.push(args);
      if (generation === 4 && invocation !== 0n) subscriber.asked = invocation as bigint;
    };
    const handle = await this.open(generation, { saClmClusterTrackCallback: callback }, node);
    const subscriber: Subscriber = { handle, log, calls, asked: 0n };
    const { rc } = await this.track(generation, handle, flags);
    if (rc !== SA_AIS_OK) throw new Error(`ClusterTrack answered ${rc}`);
    return subscriber;
  }

  /** Dispatches until so many callbacks have run. */
  async heard(subscriber: Subscriber, count: number): Promise<string> {
    await this.until(async () => {
      await this.sa.saClmDispatch(subscriber.handle, SA_DISPATCH_ALL);
      return subscriber.log.length >= count;
    });
    return subscriber.log.join(', ');
  }

  async respond(subscriber: Subscriber, response: 1 | 2 | 3): Promise<SaAisErrorT> {
    return (await this.sa.saClmResponse_4(subscriber.handle, subscriber.asked, response)).rc;
  }

  /** One administrative operation, asked for at another node than it concerns. */
  async administer(
    node: number,
    operation: number,
    { supervisionMs = 60_000, uid = undefined as number | undefined } = {},
  ): Promise<SaAisErrorT> {
    const at = this.connect(node === this.third ? this.other : this.third, uid);
    const ended = clmAdminOperation(node, operation as 1, { ...at, supervisionMs });
    this.#operations.push(ended);
    return (await ended).rc;
  }

  elapse(ms: number): void {
    this.#options.elapse(ms);
  }

  tick(): Promise<void> {
    return this.#options.tick();
  }

  async until(fits: () => Promise<boolean> | boolean): Promise<void> {
    for (let ticks = 0; ticks < TICKS_MAX; ticks++) {
      if (await fits()) return;
      await this.tick();
    }
    throw new Error('what was waited for did not come');
  }

  /** Nodes by their roles (Home, Other, Third) with what became of them. */
  text(buffer: SaClmClusterNotificationBufferT): string {
    const roles = new Map([
      [this.home, 'H'],
      [this.other, 'O'],
      [this.third, 'T'],
    ]);
    return (buffer.notification ?? [])
      .map(
        ({ clusterNode, clusterChange }) =>
          `${roles.get(clusterNode.nodeId)}${LABELS[clusterChange]}`,
      )
      .sort()
      .join(' ');
  }

  /** Finalises what a row has opened and readmits what it has locked. */
  async reset(): Promise<void> {
    for (const handle of this.#opened.splice(0)) await this.sa.saClmFinalize(handle);
    // With nobody left to be asked they end.
    await Promise.all(this.#operations.splice(0));
    await using admin = await NodeAdmin.connect(this.connect(this.other));
    await this.until(async () => {
      const nodes = await admin.nodes();
      for (const { nodeId, state } of nodes) {
        if (state !== 'unlocked') await admin.operate(nodeId, 1);
      }
      return nodes.length === 3 && nodes.every(({ member }) => member);
    });
  }
}

export function versionOf(generation: 1 | 4): SaVersionT {
  return { releaseCode: 'B', majorVersion: generation, minorVersion: 1 };
}

export function emptyBuffer(): SaClmClusterNotificationBufferT {
  return { viewNumber: 0n, numberOfItems: 0, notification: null };
}

/** One row of the table: a function of a generation, what it answers or does, and why. */
export interface Row {
  readonly fn: string;
  readonly generation: 'B.01' | 'B.04' | 'admin';
  /** A result code without its prefix, or what is seen. */
  readonly expect: string;
  readonly cause: string;
  /** Needs what the clients of a real daemon in these tests cannot have: another user. */
  readonly inProcessOnly?: true;
  readonly run: (w: World) => Promise<SaAisErrorT | string>;
}

type Run = (w: World, generation: 1 | 4) => Promise<SaAisErrorT | string>;

/** The same row for both generations; `fn4` where the function has another name in B.04. */
export function both(fn: string, fn4: string, expect: string, cause: string, run: Run): Row[] {
  return [
    { fn, generation: 'B.01', expect, cause, run: (w) => run(w, 1) },
    { fn: fn4, generation: 'B.04', expect, cause, run: (w) => run(w, 4) },
  ];
}

export function onlyB04(fn: string, expect: string, cause: string, run: Run): Row[] {
  return [{ fn, generation: 'B.04', expect, cause, run: (w) => run(w, 4) }];
}

/** What a handle answers whose node was removed since it was opened. */
export function whenStale(fn: string, fn4: string, run: Run): Row[] {
  const cause = 'the node was locked and readmitted since';
  return [
    { fn, generation: 'B.01', expect: 'LIBRARY', cause, run: (w) => run(w, 1) },
    { fn: fn4, generation: 'B.04', expect: 'UNAVAILABLE', cause, run: (w) => run(w, 4) },
  ];
}
