/**
 * The engine `corosync`: group messaging on the Corosync that runs on this machine anyway. Keeps the
 * connection: opens it, notices when Corosync is gone or stands still, makes this node a view of its own
 * at once, and comes back with growing pauses. What the protocol is, the core says (core/core.ts).
 */
import type { QuorumFilter } from '@aisexec/service';
import type { RingId, RingState } from '@aisexec/totem';
import { openStableStore } from '../../drivers/stable-store.ts';
import type { Engine, EngineOptions } from '../../engine.ts';
import {
  COROSYNC_FULL_MS_MAX,
  COROSYNC_FULL_MS_MIN,
  COROSYNC_OPEN_MS_MAX,
  COROSYNC_RETRY_MS_MAX,
  COROSYNC_RETRY_MS_MIN,
  COROSYNC_TICK_MS,
} from '../../limits.ts';
import { type Connect, type Connection, createConnect } from './connection.ts';
import { CpgCore } from './core/core.ts';
import { CorosyncError } from './errors.ts';
import { loadLibraries } from './libraries.ts';
import { createPoller } from './poller.ts';

/** @throws CorosyncError, StableStoreError: why this node cannot start. */
export async function createCorosyncEngine(options: EngineOptions): Promise<Engine> {
  const libraries = loadLibraries();
  const connect = createConnect(libraries, createPoller(libraries.koffi));
  const shell = new Shell(options, connect);
  await shell.open();
  return shell;
}

const STANDS_STILL = new CorosyncError(
  'unavailable',
  'Corosync runs on this machine, but stands still: look at it, or restart it (systemctl restart corosync)',
);

/** Rejects when an attempt has had its time. */
function standsStill(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(STANDS_STILL), COROSYNC_OPEN_MS_MAX).unref();
  });
}

const NO_RING: RingId = { rep: 0, seq: 0 };

/** @internal exported for tests, with a connection of theirs. */
export class Shell implements Engine {
  readonly name = 'corosync';
  readonly messaging: CpgCore;
  readonly quorum: QuorumFilter;
  readonly #options: EngineOptions;
  readonly #connect: Connect;
  readonly #counters = { connects: 0, losses: 0, stalls: 0, refusals: 0 };
  #connection: Connection | undefined;
  /** A first connection that did not come in time. */
  #opening: Promise<void> | undefined;
  #started = false;
  #ended = false;
  #pumping = false;
  #retryMs = COROSYNC_RETRY_MS_MIN;
  #fullMs = COROSYNC_FULL_MS_MIN;
  #retry: NodeJS.Timeout | undefined;
  #full: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  /** Since when an answer of Corosync is awaited. */
  #askedAt: number | undefined;

  constructor(options: EngineOptions, connect: Connect) {
    this.#options = options;
    this.#connect = connect;
    const { node, quorum, stateDir } = options.config;
    const store = openStableStore(stateDir, node.id);
    this.messaging = new CpgCore({
      nodeId: node.id,
      highest: store.ringSeq,
      quorum: quorum.provider === 'corosync',
      effects: {
        send: (frame) => this.#connection?.send(frame) ?? false,
        wake: () => this.#wake(),
        store: (ringId) => store.save(ringId),
        rejoin: (reason) => setImmediate(() => this.#isolate(new Error(reason))),
        occupied: (pid) => this.#occupied(pid),
        trace: options.trace,
      },
    });
    this.quorum = createCorosyncQuorum(this.messaging);
  }

  get endpoint(): string {
    return `corosync:${this.#options.config.corosync.group}`;
  }

  get ring() {
    const { view } = this.messaging;
    const state: RingState = this.#ended ? 'left' : this.messaging.state;
    return { state, ringId: view?.ringId ?? NO_RING, members: view?.members ?? [] };
  }

  /** The first connection. @throws CorosyncError when Corosync is not there and is not to be waited for. */
  async open(): Promise<void> {
    const opening = this.#open();
    try {
      await Promise.race([opening, standsStill()]);
    } catch (error) {
      if (!this.#mayWait(error)) throw error;
      this.#unreachable(error as CorosyncError);
      // It may still come: then the start, or the wait, goes on with it.
      if (error === STANDS_STILL) this.#opening = opening;
    }
  }

  start(): void {
    this.#started = true;
    this.#ticker = setInterval(() => this.#guard(() => this.#tick()), COROSYNC_TICK_MS);
    if (this.#opening !== undefined) void this.#again();
    else if (this.#connection === undefined) this.#later();
    else this.#guard(() => this.#listen());
  }

  async leave(): Promise<void> {
    this.#end();
    const connection = this.#connection;
    this.#connection = undefined;
    // A Corosync that stands still is not waited for.
    const patience = new Promise((resolve) => setTimeout(resolve, COROSYNC_TICK_MS).unref());
    await Promise.race([connection?.close(), patience]);
  }

  stats() {
    return { corosync: this.#counters, groups: this.messaging.stats() };
  }

  async #open(): Promise<void> {
    const { node, quorum, corosync } = this.#options.config;
    const connection = await this.#connect({
      group: corosync.group,
      nodeId: node.id,
      quorum: quorum.provider === 'corosync',
      events: {
        received: (member, bytes) => this.#guard(() => this.messaging.received(member, bytes)),
        changed: (members, left) => this.#guard(() => this.messaging.changed(members, left)),
        ring: (ringSeq) => this.#guard(() => this.messaging.ring(ringSeq)),
        quorum: (state) => this.#guard(() => this.messaging.quorumChanged(state)),
        dispatched: () => this.#guard(() => this.#pump()),
        lost: (error) => this.#guard(() => this.#isolate(error)),
      },
    });
    this.#counters.connects++;
    if (this.#ended) void connection.close();
    else this.#connection = connection;
  }

  #listen(): void {
    this.#askedAt = undefined;
    const { group } = this.#options.config.corosync;
    this.#options.trace('corosync-connected', { group, token: this.#connection!.tokenMs });
    this.messaging.connected(process.pid);
    this.#connection!.listen();
  }

  /** Corosync is gone, or the others went on: a view of its own at once, then back. */
  #isolate(error: Error): void {
    const connection = this.#connection;
    if (this.#ended || connection === undefined) return;
    this.#connection = undefined;
    this.#counters.losses++;
    this.#options.trace('corosync-lost', { reason: error.message });
    this.messaging.disconnected();
    // Stopped or slow to let go: the next attempt waits for it. Two of one process would be two members.
    void connection.close().then(() => this.#later());
  }

  #later(): void {
    if (this.#ended || !this.#started) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#again(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, COROSYNC_RETRY_MS_MAX);
  }

  async #again(): Promise<void> {
    const opening = this.#opening ?? this.#open();
    this.#opening = undefined;
    try {
      await opening;
      if (!this.#ended) this.#guard(() => this.#listen());
    } catch (error) {
      if (this.#ended) return;
      // Once it worked, everything but another process in our place may pass.
      if (error instanceof CorosyncError && error.problem !== 'mismatch') {
        this.#unreachable(error);
        this.#later();
      } else this.#fail(error);
    }
  }

  #mayWait(error: unknown): boolean {
    if (!(error instanceof CorosyncError) || !this.#options.config.corosync.retry) return false;
    return error.problem === 'unavailable' || error.problem === 'denied';
  }

  #unreachable(error: CorosyncError): void {
    this.#counters.refusals++;
    this.#options.trace('corosync-unreachable', { reason: error.message, retryMs: this.#retryMs });
  }

  #occupied(pid: number): void {
    const { node, corosync } = this.#options.config;
    this.#fail(
      new CorosyncError(
        'occupied',
        `process ${pid} of node ${node.id} is in the group '${corosync.group}' already: another executive, ` +
          'or a program that uses this name; stop it, or choose another corosync.group on all nodes',
      ),
    );
  }

  /** A sign of life to the others, and a question to Corosync: is it alive at all? */
  #tick(): void {
    const connection = this.#connection;
    if (connection === undefined || this.messaging.state === 'down') return;
    const now = performance.now();
    if (this.#askedAt === undefined) {
      this.#askedAt = now;
      void connection.probe().then(
        () => this.#answered(connection),
        () => this.#answered(connection),
      );
    } else if (now - this.#askedAt > connection.tokenMs / 2) {
      this.#counters.stalls++;
      const ms = Math.round(now - this.#askedAt);
      this.#isolate(new Error(`Corosync stands still: no answer for ${ms} ms`));
      return;
    }
    // Whom the others leave out again and again comes back less and less often: each time they wait.
    if (this.messaging.state === 'operational') this.#retryMs = COROSYNC_RETRY_MS_MIN;
    this.messaging.tick();
  }

  #answered(connection: Connection): void {
    if (connection === this.#connection) this.#askedAt = undefined;
  }

  #wake(): void {
    if (this.#pumping || this.#ended) return;
    this.#pumping = true;
    setImmediate(() => this.#guard(() => this.#pump()));
  }

  #pump(): void {
    this.#pumping = false;
    if (this.#ended) return;
    if (!this.messaging.pump()) {
      this.#fullMs = COROSYNC_FULL_MS_MIN;
    } else if (this.#full === undefined && this.#connection !== undefined) {
      this.#full = setTimeout(() => {
        this.#full = undefined;
        this.#guard(() => this.#pump());
      }, this.#fullMs);
      this.#fullMs = Math.min(this.#fullMs * 2, COROSYNC_FULL_MS_MAX);
    }
  }

  #guard(run: () => void): void {
    if (this.#ended) return;
    try {
      run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    // Not from inside a call of C.
    setImmediate(() =>
      this.#options.failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#full);
    clearInterval(this.#ticker);
  }
}

/** The word of Corosync's quorum service on a view: what all its members were told of the ring below it. */
function createCorosyncQuorum(core: CpgCore): QuorumFilter {
  const now = () => core.quorum;
  return {
    name: 'corosync',
    update: now,
    get state() {
      return now();
    },
  };
}
