/**
 * One executive: the engine, the service host on it, and the ways in for clients. Embeddable: several fit
 * in one process. The daemon (`bin/aisexec.ts`) is a command line around this class.
 */
import { EventEmitter } from 'node:events';
import { type Connector, localConnector } from '@aisexec/ipc';
import type { IpcServer } from '@aisexec/ipc/server';
import {
  createQuorum,
  createServiceHost,
  type QuorumFilter,
  type ServiceHost,
  type View,
} from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import { acquaintanceOf } from './acquaintance.ts';
import { type AdminSource, createBackend, type ExecutiveBackend } from './admin/backend.ts';
import { listenForClients } from './admin/listen.ts';
import { createQuorumService, quorumStatus } from './admin/quorum-service.ts';
import { type CitizenPart, createCitizenPart } from './citizen.ts';
import type { EngineName, ExecutiveConfig } from './config/config.ts';
import { lockState, type StateLock } from './drivers/state-lock.ts';
import { createTotemEngine, type Engine, type EngineFactory } from './engine.ts';
import { createCorosyncEngine } from './engines/corosync/engine.ts';
import type { RotationStart } from './keys/rotation.ts';
import { askEverybody, type LeaveVeto, vetoText } from './leave.ts';
import { type LogEvent, logEvent } from './log/events.ts';
import type { Operations, OperatorHooks } from './operations/contract.ts';
import { createOperations } from './operations/operations.ts';
import type { AnyService } from './plugins/import-plugin.ts';
import { Plugins, type PluginsOptions } from './plugins/plugins.ts';
import { stuckNotePath } from './plugins/stuck-note.ts';
import { createWatchdog, type Watchdog } from './plugins/watchdog.ts';
import { openQuorum } from './quorum.ts';
import type { ReloadResult } from './reload/agreement.ts';
import { serviceOf } from './services.ts';
import {
  createLoopMonitor,
  type ExecutiveStatus,
  type LoopMonitor,
  packageVersion,
  viewStatus,
} from './status.ts';
import {
  createTransferReport,
  type TransferReport,
  type TransferStatus,
  transferStatus,
} from './transfers.ts';

export interface ExecutiveOptions {
  readonly config: ExecutiveConfig;
  /** Services to run; default: those that the configuration names. */
  readonly services?: readonly AnyService[];
  /** Where modules of the configuration are looked for; default: the current directory. */
  readonly directory?: string;
  /** Complaints about the configuration, with file and line; what `loadConfig` gives. */
  readonly complaint?: PluginsOptions['complaint'];
  /** Default: the one that the configuration names. */
  readonly engine?: EngineFactory;
  /** false: in-process clients only, no socket. */
  readonly listen?: boolean;
  /** Every event; also emitted as `log`. Given here it hears those of the start, too. */
  readonly onLog?: (event: LogEvent) => void;
  /** What the process around this executive can do for an operator: the daemon's. */
  readonly operator?: OperatorHooks;
}

/** `view`: a synchronised membership. `failed`: it could not go on and has ended. `stopped`: after `stop`. */
export interface ExecutiveEvents {
  view: [view: View];
  log: [event: LogEvent];
  failed: [error: Error];
  stopped: [];
}

const ENGINES: Readonly<Record<EngineName, EngineFactory>> = {
  totem: createTotemEngine,
  corosync: createCorosyncEngine,
};

const NS_PER_MS = 1_000_000n;

const wallClock = (): bigint => BigInt(Date.now()) * NS_PER_MS;

/** An operator of the Corosync ring had this node killed (`corosync-cfgtool -k`). */
export class KilledError extends Error {
  override readonly name = 'KilledError';
}

export class Executive extends EventEmitter<ExecutiveEvents> {
  readonly #operations: Operations;
  readonly #onLog: ((event: LogEvent) => void) | undefined;
  readonly #version = packageVersion();
  readonly #startedAt = performance.now();
  readonly #bootTime = BigInt(Date.now()) * NS_PER_MS;
  readonly #loop: LoopMonitor = createLoopMonitor();
  readonly #watchdog: Watchdog;
  readonly #plugins: Plugins;
  /** Until the start has made the configured one. */
  #quorum: QuorumFilter = createQuorum({ provider: 'none' });
  #citizen: CitizenPart | undefined;
  #lock: StateLock | undefined;
  #engine: Engine | undefined;
  #host: ServiceHost | undefined;
  #backend: ExecutiveBackend | undefined;
  #server: IpcServer | undefined;
  #wake: NodeJS.Timeout | undefined;
  #stateCheck: NodeJS.Timeout | undefined;
  readonly #transfers: TransferReport;
  #stopping: Promise<void> | undefined;

  private constructor(options: ExecutiveOptions) {
    super();
    const { config, onLog, directory = process.cwd() } = options;
    this.#onLog = onLog;
    this.#operations = createOperations({
      ...{ config, hooks: options.operator },
      status: () => this.status(),
      socket: () => this.#server?.path,
      trace: (event, detail) => this.#log(event, detail),
    });
    const notePath = stuckNotePath(config.stateDir, config.node.id);
    const memory = options.operator?.flight;
    this.#watchdog = createWatchdog({
      ...{ ...config.watchdog, node: config.node.id, notePath },
      flight: memory === undefined ? undefined : { memory, stateDir: config.stateDir },
    });
    this.#plugins = new Plugins({
      ...{ directory, notePath, watchdog: this.#watchdog },
      builtin: (name) => serviceOf(config, name),
      complaint: options.complaint ?? ((path, text) => `${path.map(String).join('.')}: ${text}`),
      log: (event, detail) => this.#log(event, detail),
    });
    this.#transfers = createTransferReport(
      () => this.#transferStatus(),
      (event, detail) => this.#log(event, detail),
    );
  }

  /** The configuration in force; another object after a reload. */
  get config(): ExecutiveConfig {
    return this.#operations.config;
  }

  /** Rises as long as the ring turns; undefined: the engine cannot tell. */
  get turns(): number | undefined {
    return this.#engine?.turns;
  }

  /**
   * Starts an executive and resolves when clients can connect; the first `view` follows.
   * @throws StateInUseError, StableStoreError, KeyFileError, TransportError, SocketPathError, CredentialsError,
   * MetricsError
   */
  static async start(options: ExecutiveOptions): Promise<Executive> {
    const executive = new Executive(options);
    try {
      await executive.#start(options);
      return executive;
    } catch (error) {
      await executive.stop();
      throw error;
    }
  }

  async #start(options: ExecutiveOptions): Promise<void> {
    const { config } = this;
    const factory = options.engine ?? ENGINES[config.engine];
    if (options.engine === undefined || factory === createTotemEngine) {
      this.#lock = await lockState(config.stateDir, config.node.id);
    }
    const engine = await factory({
      config,
      trace: (event, detail) => this.#log(event, detail),
      failed: (error) => this.#fail(error),
      token: (now) => this.#operations.token(now),
      noToken: () => this.#operations.noToken(),
    });
    this.#engine = engine;
    this.#operations.join(engine.messaging, () => this.view?.members.map(({ nodeId }) => nodeId));
    this.#quorum = await openQuorum(config, options.directory ?? process.cwd(), engine.quorum);
    if (config.citizen) this.#joinCorosync(engine);
    const builtin = options.services ?? config.services.map((name) => serviceOf(config, name));
    const loaded = await this.#plugins.prepare(config.plugins, builtin);
    const host = this.#createHost(engine, [...builtin, ...loaded]);
    this.#host = host;
    this.#plugins.attach(host);
    const { cpg } = this.#citizen ?? {};
    const quorum = createQuorumService(config.node.id, this.#quorum, host);
    this.#backend = createBackend({
      host,
      hasMet: acquaintanceOf(host, config.nodes),
      admin: this.#admin(host),
      locals: cpg === undefined ? [quorum] : [quorum, cpg],
      access: this.#operations.access,
    });
    if (options.listen !== false) this.#server = await this.#listen(this.#backend);
    await this.#operations.serve();
    engine.start();
  }

  #joinCorosync({ messaging }: Engine): void {
    const { config } = this;
    const citizen = createCitizenPart({
      config,
      messaging,
      wallClock,
      dropped: (reason, source) => this.#log('drop-message', { reason, source }),
      killed: (source) =>
        this.#fail(
          new KilledError(`killed by an operator at node ${source} (corosync-cfgtool -k)`),
        ),
    });
    this.#citizen = citizen;
    if (citizen.quorum !== undefined) this.#quorum = citizen.quorum;
  }

  #createHost(engine: Engine, services: readonly AnyService[]): ServiceHost {
    const { id, name, address, family } = this.config.node;
    const host = createServiceHost({
      node: { nodeId: id, name, address: { family, text: address }, bootTime: this.#bootTime },
      messaging: engine.messaging,
      services,
      quorum: this.#quorum,
      participants: this.#citizen?.citizen.participants ?? [],
      wallClock,
      steadyClock: process.hrtime.bigint,
      random: Math.random,
      turns: this.#watchdog,
      effects: {
        setWake: (delayMs) => {
          clearTimeout(this.#wake);
          if (delayMs !== null) this.#wake = setTimeout(() => host.wake(), delayMs);
        },
        trace: ({ event, detail }) => {
          this.#log(event, detail);
          if (event === 'transfer-start') this.#transfers.begin();
        },
      },
    });
    const { stateCheckS } = this.config;
    if (stateCheckS !== null) {
      this.#stateCheck = setInterval(() => host.checkStates(), stateCheckS * 1000);
    }
    host.onView((view) => this.emit('view', view));
    return host;
  }

  #listen(backend: ExecutiveBackend): Promise<IpcServer> {
    return listenForClients({
      ...{ config: this.config, backend, access: this.#operations.access },
      log: (event, detail) => this.#log(event, detail),
    });
  }

  #admin(host: ServiceHost): AdminSource {
    return {
      setExpectedVotes: (votes) => host.quorum.setExpected(votes),
      status: () => this.status(),
      load: (what, config) => this.#plugins.load(what, config),
      unload: (name) => Promise.resolve(this.#plugins.unload(name)),
      reload: (name) => this.#plugins.reload(name),
      rotateKey: () => this.#rotateKey(),
      operations: this.#operations,
      shutdown: async (force) => {
        this.#log('shutdown-requested', { force });
        const vetoes = force ? [] : await this.#askLeave();
        // After the reply has left.
        if (vetoes.length === 0) setImmediate(() => void this.stop());
        return vetoes;
      },
    };
  }

  #rotateKey(): RotationStart {
    const rotation = this.#engine?.rotation;
    if (rotation === undefined) return { refused: 'this ring is not sealed (totem.key_file)' };
    // A part without quorum would lock itself out of the rest.
    if (this.view?.quorate !== true) return { refused: 'this part of the cluster has no quorum' };
    return rotation.rotate();
  }

  /** A connector for clients in this process: `LockService.connect({ connector })`. */
  connector(): Connector {
    return localConnector(() => (this.#stopping === undefined ? this.#backend : undefined));
  }

  /** The current view; undefined before the first one and while synchronisation runs. */
  get view(): View | undefined {
    return this.#host?.view;
  }

  /** Where the engine listens, like `127.0.0.1:5405`. */
  get endpoint(): string {
    return this.#engine?.endpoint ?? '';
  }

  /** A service's replicated state, for people and tools. */
  inspect(service: string): unknown {
    const { cpg } = this.#citizen ?? {};
    return cpg?.name === service ? cpg.inspect() : this.#host?.inspect(service);
  }

  status(): ExecutiveStatus {
    const { node, clusterName } = this.config;
    const ring = this.#engine?.ring;
    return {
      version: this.#version,
      pid: process.pid,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      cluster: clusterName,
      engine: this.#engine?.name ?? this.config.engine,
      node: { id: node.id, name: node.name, address: this.endpoint },
      socket: this.#server?.path ?? null,
      ring: {
        state: ring?.state ?? 'down',
        id: ring === undefined ? '' : ringIdText(ring.ringId),
        members: ring?.members ?? [],
        links: this.#engine?.links ?? [],
      },
      view: viewStatus(this.view),
      quorum: quorumStatus(this.#quorum),
      keys: this.#engine?.rotation?.status() ?? null,
      services: this.#plugins.list(),
      transfers: this.#transferStatus(),
      eventLoop: this.#loop.delay(),
      counters: {
        ...this.#engine?.stats(),
        host: this.#host?.stats() ?? {},
        ...(this.#citizen === undefined ? {} : { corosync: this.#citizen.citizen.stats() }),
        ...(this.#server === undefined ? {} : { ipc: this.#server.stats() }),
      },
    };
  }

  /** Reads the configuration again and takes it over: this node alone. */
  reload(): Promise<ReloadResult> {
    return this.#operations.reload({ dry: false, local: true });
  }

  /**
   * Asks services and clients, then stops. Clients that registered `onShutdown` may object; who does not answer
   * in `LEAVE_ANSWER_MS` agrees. @returns the vetoes; empty: it has stopped.
   */
  async leave(): Promise<readonly LeaveVeto[]> {
    const vetoes = await this.#askLeave();
    if (vetoes.length === 0) await this.stop();
    return vetoes;
  }

  async #askLeave(): Promise<readonly LeaveVeto[]> {
    if (this.#stopping !== undefined) return [];
    const vetoes = await askEverybody(this.#host, [this.#server, this.#backend]);
    if (vetoes.length > 0) this.#log('leave-vetoed', { vetoes: vetoes.map(vetoText) });
    return vetoes;
  }

  #transferStatus(): readonly TransferStatus[] {
    return (this.#host?.transfers() ?? []).map((one) => transferStatus(one, Date.now()));
  }

  /** Leaves in good order: clients are told, LEAVE is sent, files are removed. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().then(() => void this.emit('stopped'));
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    // What is queued still goes out: the engine's leave waits for it.
    this.#host?.quorum.announceLeave();
    this.#host?.leave();
    await this.#server?.close();
    this.#backend?.closeAll('the executive leaves');
    await this.#operations.stop();
    clearTimeout(this.#wake);
    clearInterval(this.#stateCheck);
    this.#transfers.stop();
    await this.#engine?.leave();
    await this.#lock?.release();
    this.#loop.stop();
    await this.#watchdog.stop();
  }

  #fail(error: Error): void {
    this.#log('failed', { message: error.message });
    const isHeard = this.emit('failed', error);
    void this.stop();
    // Nobody who listens: the process must not go on as if it were a member.
    if (!isHeard) throw error;
  }

  #log(event: string, detail?: Readonly<Record<string, unknown>>): void {
    const line = logEvent(event, detail);
    this.#operations.event(line);
    this.#onLog?.(line);
    this.emit('log', line);
  }
}
