/**
 * One executive: the engine, the service host on it, and the ways in for clients. Embeddable: several fit
 * in one process. The daemon (`bin/aisexec.ts`) is a command line around this class.
 */
import { EventEmitter } from 'node:events';
import { type Connector, localConnector } from '@aisexec/ipc';
import { createIpcServer, type IpcServer } from '@aisexec/ipc/server';
import {
  createQuorum,
  createServiceHost,
  type QuorumFilter,
  type ServiceHost,
  type View,
} from '@aisexec/service';
import { ringIdText } from '@aisexec/totem';
import { type AccessRule, admission, createAccessRule, namesPeople } from './admin/access.ts';
import { type AdminSource, createBackend, type ExecutiveBackend } from './admin/backend.ts';
import { type CitizenPart, createCitizenPart } from './citizen.ts';
import type { EngineName, ExecutiveConfig } from './config/config.ts';
import { loadPeerCredentials } from './drivers/native.ts';
import { lockState, type StateLock } from './drivers/state-lock.ts';
import { createTotemEngine, type Engine, type EngineFactory } from './engine.ts';
import { createCorosyncEngine } from './engines/corosync/engine.ts';
import type { RotationStart } from './keys/rotation.ts';
import { askEverybody, type LeaveVeto, vetoText } from './leave.ts';
import { CPG_OUTBOUND_BYTES_MAX, CPG_OUTBOUND_FRAMES_MAX } from './limits.ts';
import { type LogEvent, logEvent } from './log/events.ts';
import type { AnyService } from './plugins/import-plugin.ts';
import { Plugins, type PluginsOptions } from './plugins/plugins.ts';
import { stuckNotePath } from './plugins/stuck-note.ts';
import { createWatchdog, type Watchdog } from './plugins/watchdog.ts';
import { serviceOf } from './services.ts';
import {
  createLoopMonitor,
  type ExecutiveStatus,
  type LoopMonitor,
  packageVersion,
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

/** An operator of the Corosync ring had this node killed (`corosync-cfgtool -k`). */
export class KilledError extends Error {
  override readonly name = 'KilledError';
}

/** The allow list needs the kernel's word on who connects, and it cannot be had. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

export class Executive extends EventEmitter<ExecutiveEvents> {
  readonly config: ExecutiveConfig;
  readonly #onLog: ((event: LogEvent) => void) | undefined;
  readonly #startedAt = performance.now();
  readonly #bootTime = BigInt(Date.now()) * NS_PER_MS;
  readonly #loop: LoopMonitor = createLoopMonitor();
  readonly #watchdog: Watchdog;
  readonly #plugins: Plugins;
  readonly #access: AccessRule;
  #quorum: QuorumFilter;
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
    this.config = config;
    this.#onLog = onLog;
    this.#access = createAccessRule(config.ipc, process.getuid?.() ?? -1);
    const notePath = stuckNotePath(config.stateDir, config.node.id);
    this.#watchdog = createWatchdog({ ...config.watchdog, node: config.node.id, notePath });
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
    const { provider, expectedVotes, twoNode, votes } = config.quorum;
    this.#quorum = createQuorum(
      provider === 'votequorum'
        ? { provider, expectedVotes, twoNode, votes }
        : { provider: 'none' },
    );
  }

  /**
   * Starts an executive and resolves when clients can connect; the first `view` follows.
   * @throws StateInUseError, StableStoreError, KeyFileError, TransportError, SocketPathError, CredentialsError
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
    });
    this.#engine = engine;
    if (engine.quorum !== undefined && config.quorum.provider === 'corosync') {
      this.#quorum = engine.quorum;
    }
    if (config.citizen) this.#joinCorosync(engine);
    const builtin = options.services ?? config.services.map((name) => serviceOf(config, name));
    const loaded = await this.#plugins.prepare(config.plugins, builtin);
    const host = this.#createHost(engine, [...builtin, ...loaded]);
    this.#host = host;
    this.#plugins.attach(host);
    const { cpg } = this.#citizen ?? {};
    this.#backend = createBackend({
      host,
      admin: this.#admin(),
      locals: cpg === undefined ? [] : [cpg],
      access: this.#access,
    });
    if (options.listen !== false) this.#server = await this.#listen(this.#backend);
    engine.start();
  }

  #joinCorosync({ messaging }: Engine): void {
    const { config } = this;
    const citizen = createCitizenPart({
      config,
      messaging,
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
      wallClock: () => BigInt(Date.now()) * NS_PER_MS,
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

  async #listen(backend: ExecutiveBackend): Promise<IpcServer> {
    const { ipc } = this.config;
    const peers = loadPeerCredentials();
    if (peers.read === undefined) {
      if (namesPeople(ipc)) {
        throw new CredentialsError(
          `ipc.allow and ipc.access need to know who connects, but ${peers.missing}: install koffi, or replace ` +
            'them by ipc.mode and the group of the socket',
        );
      }
      this.#log('no-peer-credentials', { reason: peers.missing, guard: 'mode of the socket' });
    }
    return createIpcServer({
      path: ipc.socket,
      mode: ipc.mode,
      backend,
      access: admission(this.#access),
      // The ring does not slow down for one process group's client (nor does Corosync): it may lag further.
      limits: {
        graceMs: ipc.graceMs,
        ...(this.config.citizen
          ? { outboundBytesMax: CPG_OUTBOUND_BYTES_MAX, outboundFramesMax: CPG_OUTBOUND_FRAMES_MAX }
          : {}),
      },
      onEvent: ({ event, detail }) => this.#log(event, detail),
      ...(peers.read === undefined ? {} : { credentials: peers.read }),
    });
  }

  #admin(): AdminSource {
    return {
      status: () => this.status(),
      load: (what, config) => this.#plugins.load(what, config),
      unload: (name) => Promise.resolve(this.#plugins.unload(name)),
      reload: (name) => this.#plugins.reload(name),
      rotateKey: () => this.#rotateKey(),
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
    const view = this.view;
    const ring = this.#engine?.ring;
    const { quorate, votes, needed } = this.#quorum.state;
    return {
      version: packageVersion(),
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
      view:
        view === undefined
          ? null
          : {
              ring: ringIdText(view.ringId),
              quorate: view.quorate,
              members: view.members.map(({ nodeId, name }) => ({ id: nodeId, name })),
            },
      quorum: { provider: this.#quorum.name, quorate, votes, needed },
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
    const vetoes = await askEverybody(this.#host, this.#server);
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
    this.#host?.leave();
    await this.#server?.close();
    this.#backend?.closeAll('the executive leaves');
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
    this.#onLog?.(line);
    this.emit('log', line);
  }
}
