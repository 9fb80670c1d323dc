/** The admin channel of an executive, as docs/reference/ipc.md describes it. */
import {
  isSaAisError,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SaAisError,
} from '@aisexec/ais';
import { type ClientConnection, type Reply, socketConnector } from '@aisexec/ipc';
import { EXIT } from './exit-codes.ts';
import { ADMIN_REPLY_MS_MAX, RELOAD_REPLY_MS_MAX, SERVICE_LOAD_MS_MAX } from './limits.ts';
import { Failure } from './problems.ts';

/** What `status` answers, as far as `aisctl` shows it in text; JSON output passes on all of it. */
export interface AdminStatus extends Readonly<Record<string, unknown>> {
  readonly version: string;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly cluster: string;
  readonly engine: string;
  readonly node: { readonly id: number; readonly name: string; readonly address: string };
  readonly ring: {
    readonly state: string;
    readonly id: string;
    readonly members: readonly number[];
    readonly links?: readonly {
      readonly peer: number;
      readonly link: number;
      readonly state: string;
      readonly used: boolean;
      readonly rttMs: number;
    }[];
  };
  readonly view: {
    readonly ring: string;
    readonly quorate: boolean;
    readonly members: readonly { readonly id: number; readonly name: string }[];
  } | null;
  readonly quorum: {
    readonly provider: string;
    readonly quorate: boolean;
    readonly votes: number;
    readonly needed: number;
    readonly expected: number;
    readonly flags: readonly string[];
    readonly nodes: readonly {
      readonly nodeId: number;
      readonly votes: number;
      readonly expected: number;
      readonly flags: readonly string[];
    }[];
  };
  readonly keys: KeyStatus | null;
  readonly services: readonly {
    readonly id: number;
    readonly name: string;
    readonly version: string;
    readonly state: string;
    readonly reason: string;
    readonly nodes: readonly number[];
    readonly origin: string;
  }[];
  readonly transfers: readonly {
    readonly service: string;
    readonly bytesTotal: number;
    readonly bytesDone: number;
    readonly piecesTotal: number;
    readonly piecesDone: number;
    readonly elapsedMs: number;
    readonly bytesPerSecond: number;
    readonly remainingMs: number | null;
    readonly waiting: boolean;
  }[];
  readonly eventLoop: { readonly meanMs: number; readonly p99Ms: number; readonly maxMs: number };
}

/** The keys of a sealed ring, as `status` has them. Keys are `id:fingerprint`. */
export interface KeyStatus {
  readonly sending: string;
  readonly next: string | null;
  readonly previous: string | null;
  readonly state: 'idle' | 'loading' | 'changing';
  readonly waitingFor: readonly number[];
  readonly last: {
    readonly rotation: number;
    readonly key: string;
    readonly outcome: 'done' | 'failed';
    readonly node?: number;
    readonly reason?: string;
  } | null;
}

/** How a reload of the configuration ended: nothing was changed anywhere unless it was `applied`. */
export interface ReloadResult {
  readonly outcome: 'applied' | 'dry' | 'refused';
  readonly reasons: readonly string[];
  readonly nodes: readonly {
    readonly node: number;
    /** `key: old -> new`. */
    readonly changed: readonly string[];
    readonly refused: readonly string[];
  }[];
}

/** Who does not want the executive to leave: a client's process, or without `pid` the service itself. */
interface LeaveVeto {
  readonly service: string;
  readonly pid?: number;
  readonly reason: string;
}

export interface Inspection {
  /** Of the replicated state, 16 hex digits; equal on all members. */
  readonly hash: string;
  readonly state: unknown;
}

export class Admin implements AsyncDisposable {
  readonly #connection: ClientConnection;
  readonly #socket: string;

  private constructor(connection: ClientConnection, socket: string) {
    this.#connection = connection;
    this.#socket = socket;
  }

  /** @throws SaAisError: TRY_AGAIN when no executive answers, ACCESS for whom it does not serve. */
  static async connect(socket: string): Promise<Admin> {
    return new Admin(await socketConnector(socket).connect('admin'), socket);
  }

  async status(): Promise<AdminStatus> {
    return (await this.#ask('status', null))['status'] as AdminStatus;
  }

  /** @throws Failure for a service that does not run there, or has failed. */
  async inspect(service: string): Promise<Inspection> {
    try {
      const { hash, state } = granted(await this.#ask('inspect', { service }));
      return { hash: String(hash), state };
    } catch (error) {
      if (!isSaAisError(error, SA_AIS_ERR_NOT_EXIST)) throw error;
      const names = (await this.status()).services.map(({ name }) => name).join(', ');
      throw new Failure(`no service '${service}' runs here`, EXIT.failed, `one of: ${names}`);
    }
  }

  /** Starts a change to the key of the key files. @throws Failure when none can be started. */
  async rotateKey(): Promise<{ readonly rotation: number; readonly key: string }> {
    const { rotation, key, refused } = await this.#ask('key-rotate', null);
    if (typeof refused === 'string') {
      throw new Failure(refused, EXIT.failed, "'aisctl key status'; docs/security.md");
    }
    return { rotation: Number(rotation), key: String(key) };
  }

  /** Sets the expected votes of the whole cluster. @throws Failure with the reason when they cannot be set. */
  async setExpectedVotes(votes: number): Promise<void> {
    const { refused } = await this.#ask('quorum-expected', { votes });
    if (typeof refused === 'string') {
      throw new Failure(`${votes} expected votes: ${refused}`, EXIT.failed, "'aisctl quorum'");
    }
  }

  /**
   * Has the executive leave, after everybody was asked or by force; resolves with true when it is gone, with
   * false when it takes longer. @throws Failure with the vetoes.
   */
  async shutdown(force: boolean, withinMs: number): Promise<boolean> {
    const gone = new Promise<true>((resolve) => this.#connection.onLost(() => resolve(true)));
    const asked = this.#connection.request('shutdown', { force });
    const reply = await within(withinMs, asked, (): Reply => ({ rc: SA_AIS_ERR_TRY_AGAIN }));
    if (reply.rc === SA_AIS_ERR_FAILED_OPERATION) {
      const vetoes = (reply['vetoes'] as readonly LeaveVeto[]).map(
        ({ service, pid, reason }) =>
          `${pid === undefined ? `service ${service}` : `process ${pid} (${service})`}: ${reason}`,
      );
      const why = `the executive stays: ${vetoes.join('; ')}`;
      throw new Failure(why, EXIT.failed, "'aisctl shutdown --force' leaves all the same");
    }
    // LIBRARY: it was gone before it could answer.
    if (reply.rc !== SA_AIS_OK && reply.rc !== SA_AIS_ERR_LIBRARY) {
      throw new SaAisError(reply.rc, 'shutdown');
    }
    return within(withinMs, gone, () => false);
  }

  /** All metrics in Prometheus' text format. */
  async metrics(): Promise<string> {
    return String((await this.#ask('metrics', null))['text']);
  }

  /** Sets the level of the log, where one is given. @returns the level in force. @throws Failure */
  async logLevel(level: string | undefined): Promise<string> {
    return String(granted(await this.#ask('log-level', { level }))['level']);
  }

  /** Has the executive write its flight record. @returns its path on that host. @throws Failure */
  async dump(): Promise<string> {
    return String(granted(await this.#ask('dump', null))['path']);
  }

  /** Has the nodes read their configurations again. */
  async reloadConfig(options: {
    readonly dry: boolean;
    readonly local: boolean;
  }): Promise<ReloadResult> {
    const reply = await this.#ask('config-reload', options, RELOAD_REPLY_MS_MAX);
    const { outcome, reasons, nodes } = reply as unknown as ReloadResult;
    return { outcome, reasons, nodes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  /**
   * Loads, unloads or reloads a service.
   * @param config its own section, for a module that is loaded. @throws Failure with the reason.
   */
  async change(fn: 'load' | 'unload' | 'reload', service: string, config?: unknown): Promise<void> {
    const argument = { service, ...(config === undefined ? {} : { config }) };
    const reply = await within(
      SERVICE_LOAD_MS_MAX,
      this.#connection.request(fn, argument),
      (): Reply => ({ rc: SA_AIS_ERR_TIMEOUT }),
    );
    if (reply.rc === SA_AIS_ERR_FAILED_OPERATION) {
      const why = String(reply['reason']);
      throw new Failure(`${fn} of '${service}': ${why}`, EXIT.failed, 'aisctl services');
    }
    if (reply.rc !== SA_AIS_OK) throw new SaAisError(reply.rc, fn);
  }

  async #ask(fn: string, argument: unknown, withinMs = ADMIN_REPLY_MS_MAX): Promise<Reply> {
    const silent = (): Reply => {
      throw new SaAisError(
        SA_AIS_ERR_TRY_AGAIN,
        'connect',
        `the executive on ${this.#socket} does not answer`,
      );
    };
    const reply = await within(withinMs, this.#connection.request(fn, argument), silent);
    if (reply.rc !== SA_AIS_OK) throw new SaAisError(reply.rc, fn);
    return reply;
  }
}

function granted(reply: Reply): Reply {
  const { refused } = reply;
  if (typeof refused === 'string') throw new Failure(refused, EXIT.failed);
  return reply;
}

async function within<T, U>(ms: number, promise: Promise<T>, otherwise: () => U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const first = await Promise.race([promise.then((value) => ({ value })), late]);
  clearTimeout(timer);
  return first === undefined ? otherwise() : first.value;
}

/** One connection, one use. */
export async function withAdmin<T>(socket: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  await using admin = await Admin.connect(socket);
  return await use(admin);
}
