/**
 * The life cycle that every AIS service shares (AIS B.0 "Life cycle"): {@link openHandle} is the common
 * part of `saXxxInitialize`, {@link createAisHandle} the object behind the handle. Callbacks wait in the
 * handle and run only inside `dispatch`. AIS conditions are result codes; nothing here throws one.
 */
import {
  isSaAisError,
  negotiateVersion,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  type SaAisErrorT,
  type SaDispatchFlagsT,
  type SaVersionT,
  type SupportedVersions,
} from '@aisexec/ais';
import { HANDLE_QUEUE_MAX } from '../limits.ts';
import { CallbackQueue } from './callback-queue.ts';
import type { CallbackEvent, ClientConnection, ConnectOptions, Reply } from './contract.ts';
import type { AisHandle, QueuedCallback, SelectionObject } from './handle-contract.ts';
import { type ReopenPlan, reopeningConnector } from './reopen.ts';
import { SelectionSource } from './selection-object.ts';
import { socketConnector } from './socket.ts';

export interface OpenHandleOptions {
  /** Short name of the service, e.g. `lck`. */
  readonly service: string;
  /** The generations this binding speaks, ascending. */
  readonly supported: SupportedVersions;
  /** The caller's in-out argument; null or undefined is INVALID_PARAM. */
  readonly version: SaVersionT | null | undefined;
  readonly connect?: ConnectOptions | undefined;
  /** Opens again what was open after a restart of the executive. */
  readonly reopen?: ReopenPlan | undefined;
  /** A callback of the executive: usually ends in `handle.enqueue`. */
  readonly onEvent?: (event: CallbackEvent, handle: AisHandle) => void;
}

export interface OpenHandleResult {
  readonly rc: SaAisErrorT;
  /** Present exactly when `rc` is OK. */
  readonly handle?: AisHandle;
  /** Why `rc` is not OK, for people; absent when the arguments say it. */
  readonly cause?: unknown;
}

/**
 * What all `saXxxInitialize` have in common. `version` is overwritten whenever there is one.
 * @throws TypeError only for a `version` that is no SaVersionT at all.
 */
export async function openHandle(options: OpenHandleOptions): Promise<OpenHandleResult> {
  const { service, supported, version, connect = {}, onEvent, reopen } = options;
  if (version === null || version === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
  checkVersion(version);
  const negotiated = negotiateVersion(version, supported);
  if (negotiated.version === undefined) return { rc: negotiated.rc };
  try {
    const plain = connect.connector ?? socketConnector(connect.socket, connect);
    const connector = reopen === undefined ? plain : reopeningConnector(plain, reopen);
    const connection = await connector.connect(service);
    const handle = createAisHandle({ version: negotiated.version, connection });
    connection.onCallback((event) => {
      if (!handle.finalized) onEvent?.(event, handle);
    });
    return { rc: SA_AIS_OK, handle };
  } catch (cause) {
    return { rc: isSaAisError(cause) ? cause.code : SA_AIS_ERR_LIBRARY, cause };
  }
}

function checkVersion(version: SaVersionT): void {
  const valid =
    typeof version === 'object' &&
    typeof version.releaseCode === 'string' &&
    typeof version.majorVersion === 'number' &&
    typeof version.minorVersion === 'number';
  if (!valid) {
    throw new TypeError('version must be { releaseCode: string, majorVersion, minorVersion }');
  }
}

export interface AisHandleOptions {
  readonly version: Readonly<SaVersionT>;
  readonly connection: ClientConnection;
  /** Callbacks that may wait before the executive is asked to hold; {@link HANDLE_QUEUE_MAX}. */
  readonly queueMax?: number;
}

/** The object behind one AIS handle, over a connection that is its own. */
export function createAisHandle(options: AisHandleOptions): AisHandle {
  return new ConnectionHandle(options);
}

class ConnectionHandle implements AisHandle {
  readonly version: Readonly<SaVersionT>;
  readonly #connection: ClientConnection;
  readonly #queueMax: number;
  readonly #queue = new CallbackQueue();
  readonly #selection: SelectionSource;
  readonly #lostListeners: ((reason: string) => void)[] = [];
  #lostReason: string | undefined;
  #finalized = false;
  #holding = false;

  constructor({ version, connection, queueMax = HANDLE_QUEUE_MAX }: AisHandleOptions) {
    this.version = { ...version };
    this.#connection = connection;
    this.#queueMax = queueMax;
    this.#selection = new SelectionSource(connection);
    connection.onLost((reason) => this.#lose(reason));
  }

  get finalized(): boolean {
    return this.#finalized;
  }

  request(fn: string, argument: unknown): Promise<Reply> {
    if (this.#finalized || this.#lostReason !== undefined) {
      return Promise.resolve({ rc: SA_AIS_ERR_BAD_HANDLE });
    }
    return this.#connection.request(fn, argument);
  }

  enqueue(callback: QueuedCallback): void {
    if (this.#finalized || this.#lostReason !== undefined) return;
    this.#queue.push(callback);
    if (!this.#holding && this.#queue.size >= this.#queueMax) {
      this.#holding = true;
      this.#connection.hold(true);
    }
    this.#selection.queued();
  }

  dropCallbacks(owner: unknown): void {
    this.#queue.drop(owner);
    this.#drained();
  }

  async dispatch(flags: SaDispatchFlagsT): Promise<SaAisErrorT> {
    if (this.#finalized) return SA_AIS_ERR_BAD_HANDLE;
    if (flags !== SA_DISPATCH_ONE && flags !== SA_DISPATCH_ALL && flags !== SA_DISPATCH_BLOCKING) {
      return SA_AIS_ERR_INVALID_PARAM;
    }
    do {
      if (flags === SA_DISPATCH_BLOCKING) await this.#selection.ready();
      const upTo = this.#queue.lastSeq;
      while (!this.#finalized && this.#lostReason === undefined) {
        const callback = this.#queue.takeUpTo(upTo);
        if (callback === undefined) break;
        this.#drained();
        // An exception of the application's own callback is the application's: it rejects this call.
        await callback.run();
        if (flags === SA_DISPATCH_ONE) break;
      }
      if (this.#finalized) return SA_AIS_OK;
      if (this.#lostReason !== undefined) return SA_AIS_ERR_BAD_HANDLE;
    } while (flags === SA_DISPATCH_BLOCKING);
    return SA_AIS_OK;
  }

  selectionObject(): SelectionObject {
    return this.#selection.object;
  }

  onLost(listener: (reason: string) => void): void {
    const reason = this.#lostReason;
    if (reason === undefined) this.#lostListeners.push(listener);
    else queueMicrotask(() => listener(reason));
  }

  async finalize(): Promise<SaAisErrorT> {
    if (this.#finalized) return SA_AIS_ERR_BAD_HANDLE;
    this.#finalized = true;
    this.#queue.clear();
    this.#selection.end();
    await this.#connection.close();
    return SA_AIS_OK;
  }

  /** After callbacks left the queue: wake nobody for nothing, let the executive go on at half. */
  #drained(): void {
    this.#selection.taken(this.#queue.size);
    if (this.#holding && this.#queue.size * 2 <= this.#queueMax) {
      this.#holding = false;
      this.#connection.hold(false);
    }
  }

  #lose(reason: string): void {
    if (this.#finalized || this.#lostReason !== undefined) return;
    this.#lostReason = reason;
    this.#queue.clear();
    this.#selection.end(true);
    for (const listener of this.#lostListeners.splice(0)) listener(reason);
  }
}
