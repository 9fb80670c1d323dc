/**
 * What a row of the conformance table stands on: the literal layer, a creator that holds the resource open
 * on its node, a client under test on its own, and a world that is either a cluster in this process or
 * real daemons. A case leaves no trace behind, and proves it.
 */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_TIME_END,
} from '@aisexec/ais';
import type { ConnectOptions } from '@aisexec/ipc';
import { createSaLck } from '../client/literal.ts';
import type {
  SaLckCallbacksT,
  SaLckHandleT,
  SaLckLockIdT,
  SaLckResourceHandleT,
} from '../client/literal-types.ts';
import {
  SA_LCK_RESOURCE_CREATE as CREATE,
  SA_LCK_EX_LOCK_MODE as EX,
  type SaLckLockModeT,
} from '../protocol.ts';

/** What a process does when it is killed. */
export type VictimState = 'holding' | 'waiting' | 'in-callback';

/** Where rows run: in this process, or on real executives. */
export interface ConformanceWorld {
  connect(node: number): ConnectOptions;
  /** A process on `node` that has opened `resource` and got into this state; `kill` is a SIGKILL. */
  victim(
    node: number,
    resource: string,
    state: VictimState,
  ): Promise<{ kill(): void | Promise<void> }>;
  /** Takes the quorum away from `node`; `rejoin` gives it back and resolves when all are together. */
  isolate(node: number): void | Promise<void>;
  rejoin(): void | Promise<void>;
  /** The executive of `node` ends with all connections to it, and comes back. */
  endExecutive(node: number): void | Promise<void>;
}

/** On which nodes the creator of the resource and the client under test are. */
export interface Placement {
  readonly creator: number;
  readonly client: number;
}

/** A callback that ran: its name, then its arguments. */
export type Call = readonly [name: string, ...args: unknown[]];

export const END = SA_TIME_END;
export const version = (majorVersion: number) => ({
  releaseCode: 'B',
  majorVersion,
  minorVersion: 1,
});

const GONE_ATTEMPTS_MAX = 2_000;

export class Case {
  readonly sa = createSaLck();
  readonly world: ConformanceWorld;
  readonly placement: Placement;
  /** Callbacks of {@link handle} that were dispatched and not yet taken. */
  readonly calls: Call[] = [];
  /** The client under test, with all callbacks; of B.03.01. */
  handle = 0n as SaLckHandleT;
  /** Its open of the resource. */
  resource = 0n as SaLckResourceHandleT;
  /** The creator's handle, without callbacks, and its open. */
  creator = 0n as SaLckHandleT;
  theirs = 0n as SaLckResourceHandleT;
  readonly #prefix: string;
  readonly #handles: SaLckHandleT[] = [];
  readonly #names = new Set<string>();

  private constructor(world: ConformanceWorld, placement: Placement, prefix: string) {
    this.world = world;
    this.placement = placement;
    this.#prefix = prefix;
  }

  /** @param prefix keeps the names of one case apart from those of all others. */
  static async start(world: ConformanceWorld, placement: Placement, prefix: string): Promise<Case> {
    const started = new Case(world, placement, prefix);
    started.creator = await started.initialize({ node: placement.creator });
    started.theirs = await started.open(started.creator);
    started.handle = await started.initialize({ callbacks: started.noting() });
    started.resource = await started.open(started.handle);
    return started;
  }

  /** A name of this case's own; the one that is open already without argument. */
  name(suffix = 'r'): string {
    const name = `${this.#prefix} ${suffix}`;
    this.#names.add(name);
    return name;
  }

  /** A name whose length or characters matter; the case sees to its end like to all others. */
  track(name: string): string {
    this.#names.add(name);
    return name;
  }

  async initialize(
    options: { node?: number; callbacks?: SaLckCallbacksT; major?: number } = {},
  ): Promise<SaLckHandleT> {
    const { node = this.placement.client, callbacks = null, major = 3 } = options;
    const connect = this.world.connect(node);
    const { rc, lckHandle } = await this.sa.saLckInitialize(callbacks, version(major), connect);
    if (lckHandle === undefined) throw new Error(`saLckInitialize: ${rc}`);
    this.#handles.push(lckHandle);
    return lckHandle;
  }

  async open(handle: SaLckHandleT, name = this.name()): Promise<SaLckResourceHandleT> {
    const opened = await this.sa.saLckResourceOpen(handle, name, CREATE, END);
    if (opened.lockResourceHandle === undefined) throw new Error(`open: ${opened.rc}`);
    return opened.lockResourceHandle;
  }

  /** A lock that must be granted. */
  async held(
    resource: SaLckResourceHandleT,
    mode: SaLckLockModeT = EX,
    flags = 0,
  ): Promise<SaLckLockIdT> {
    const { rc, lockStatus, lockId } = await this.sa.saLckResourceLock(
      resource,
      mode,
      flags,
      0n,
      END,
    );
    if (lockStatus !== 1 || lockId === undefined) throw new Error(`lock: ${rc} ${lockStatus}`);
    return lockId;
  }

  /** All callbacks, each noted in {@link calls}. */
  noting(): SaLckCallbacksT {
    const note =
      (name: string) =>
      (...args: unknown[]) =>
        void this.calls.push([name, ...args]);
    return {
      saLckResourceOpenCallback: note('open'),
      saLckLockGrantCallback: note('grant'),
      saLckLockWaiterCallback: note('waiter'),
      saLckResourceUnlockCallback: note('unlock'),
      aisexecLockLostCallback: note('lost'),
    };
  }

  /** Dispatches until a callback of this name has run, and takes it. */
  async callback(name: string, handle = this.handle): Promise<Call> {
    for (;;) {
      const index = this.calls.findIndex(([called]) => called === name);
      if (index >= 0) return this.calls.splice(index, 1)[0]!;
      const { selectionObject } = await this.sa.saLckSelectionObjectGet(handle);
      if (selectionObject === undefined) throw new Error('the handle is gone');
      await selectionObject.ready();
      const { rc } = await this.sa.saLckDispatch(handle, SA_DISPATCH_ALL);
      if (rc !== SA_AIS_OK) throw new Error(`dispatch: ${rc}`);
    }
  }

  /** Everything ordered so far has arrived and its callbacks have run: an ordered call came back. */
  async settled(handle = this.handle): Promise<readonly Call[]> {
    const { lockResourceHandle } = await this.sa.saLckResourceOpen(
      handle,
      this.name('settle'),
      CREATE,
      END,
    );
    await this.sa.saLckResourceClose(lockResourceHandle!);
    await this.sa.saLckDispatch(handle, SA_DISPATCH_ALL);
    return this.calls.splice(0);
  }

  /** Ends every client of the case. @returns names of resources that somebody still keeps alive. */
  async finish(): Promise<string[]> {
    for (const handle of this.#handles) await this.sa.saLckFinalize(handle);
    const observer = await this.initialize({ node: this.placement.creator });
    const left: string[] = [];
    for (const name of this.#names) {
      if (!(await this.#isGone(observer, name))) left.push(name);
    }
    await this.sa.saLckFinalize(observer);
    return left;
  }

  /** The end of a client is ordered a little later than the end of its connection. */
  async #isGone(observer: SaLckHandleT, name: string): Promise<boolean> {
    for (let attempt = 0; attempt < GONE_ATTEMPTS_MAX; attempt++) {
      const opened = await this.sa.saLckResourceOpen(observer, name, 0, END);
      if (opened.rc === SA_AIS_ERR_NOT_EXIST || opened.rc === SA_AIS_ERR_INVALID_PARAM) return true;
      if (opened.lockResourceHandle === undefined) return false;
      await this.sa.saLckResourceClose(opened.lockResourceHandle);
    }
    return false;
  }
}
