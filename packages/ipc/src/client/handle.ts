/**
 * The life cycle that every AIS service shares (AIS B.0 "Life cycle"): {@link openHandle} is the common
 * part of `saXxxInitialize`, {@link createAisHandle} the object behind the handle. Callbacks wait in the
 * handle and run only inside `dispatch`. AIS conditions are result codes; nothing here throws one.
 */
import {
  isSaAisError,
  negotiateVersion,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  type SaAisErrorT,
  type SaDispatchFlagsT,
  type SaVersionT,
  STALE_CALLBACK,
  STANDING_REQUEST,
  type SupportedVersions,
} from '@aisexec/ais';
import { HANDLE_QUEUE_MAX } from '../limits.ts';
import { CallbackQueue } from './callback-queue.ts';
import type { CallbackEvent, ClientConnection, ConnectOptions, Reply } from './contract.ts';
import type {
  AisHandle,
  LostListener,
  QueuedCallback,
  SelectionObject,
} from './handle-contract.ts';
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
  /** The service is for members of the cluster only: Initialize asks, and the handle may become stale. */
  readonly membersOnly?: boolean;
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
  const { service, supported, version, connect = {} } = options;
  const { membersOnly = false, onEvent, reopen } = options;
  if (version === null || version === undefined) return { rc: SA_AIS_ERR_INVALID_PARAM };
  checkVersion(version);
  const negotiated = negotiateVersion(version, supported);
  if (negotiated.version === undefined) return { rc: negotiated.rc };
  try {
    const plain = connect.connector ?? socketConnector(connect.socket, connect);
    const connector = reopen === undefined ? plain : reopeningConnector(plain, reopen);
    const { onShutdown } = connect;
    const connection = await connector.connect(service, { onShutdown });
    const handle = new ConnectionHandle({ version: negotiated.version, connection, membersOnly });
    connection.onCallback((event) => {
      if (membersOnly && event.name === STALE_CALLBACK) handle.expire();
      else if (!handle.finalized) onEvent?.(event, handle);
    });
    const rc = membersOnly ? await standingOf(handle) : SA_AIS_OK;
    if (rc === SA_AIS_OK) return { rc, handle };
    await connection.close();
    return { rc };
  } catch (cause) {
    return { rc: isSaAisError(cause) ? cause.code : SA_AIS_ERR_LIBRARY, cause };
  }
}

/** OK, the code of a non-member, or TRY_AGAIN when the executive went before it answered. */
async function standingOf(handle: AisHandle): Promise<SaAisErrorT> {
  const { rc } = await handle.request(STANDING_REQUEST, null);
  // An executive of an earlier version knows no such request, and no such clients.
  if (rc === SA_AIS_OK || rc === SA_AIS_ERR_BAD_OPERATION) return SA_AIS_OK;
  return rc === SA_AIS_ERR_UNAVAILABLE || handle.standing !== SA_AIS_OK ? rc : SA_AIS_ERR_TRY_AGAIN;
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
  /** UNAVAILABLE makes the handle stale for good (AIS B.0). */
  readonly membersOnly?: boolean;
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
  readonly #membersOnly: boolean;
  readonly #lostListeners: LostListener[] = [];
  /** Why it is of no use any more, and what calls answer since. */
  #lost:
    | { readonly reason: string; readonly rc: SaAisErrorT; readonly answer: SaAisErrorT }
    | undefined;
  #finalized = false;
  #holding = false;

  constructor(options: AisHandleOptions) {
    const { version, connection, membersOnly = false, queueMax = HANDLE_QUEUE_MAX } = options;
    this.version = { ...version };
    this.#membersOnly = membersOnly;
    this.#connection = connection;
    this.#queueMax = queueMax;
    this.#selection = new SelectionSource(connection);
    connection.onLost((reason) => this.#lose(reason, SA_AIS_ERR_LIBRARY, SA_AIS_ERR_BAD_HANDLE));
  }

  get finalized(): boolean {
    return this.#finalized;
  }

  get standing(): SaAisErrorT {
    return this.#lost?.rc === SA_AIS_ERR_UNAVAILABLE ? this.#lost.answer : SA_AIS_OK;
  }

  request(fn: string, argument: unknown): Promise<Reply> {
    const rc = this.#finalized ? SA_AIS_ERR_BAD_HANDLE : this.#lost?.answer;
    if (rc !== undefined) return Promise.resolve({ rc });
    const pending = this.#connection.request(fn, argument);
    const isTranslated = this.#membersOnly && this.#staleCode !== SA_AIS_ERR_UNAVAILABLE;
    return isTranslated ? pending.then((reply) => this.#translate(reply)) : pending;
  }

  #translate(reply: Reply): Reply {
    if (reply.rc !== SA_AIS_ERR_UNAVAILABLE) return reply;
    this.expire();
    return { rc: this.#staleCode };
  }

  /** This node is no member any more (AIS B.0): stale for ever, whatever becomes of the node. */
  expire(): void {
    this.#lose('this node is no member of the cluster', SA_AIS_ERR_UNAVAILABLE, this.#staleCode);
  }

  /** The first generation of a service knows no UNAVAILABLE (ADR 0120). */
  get #staleCode(): SaAisErrorT {
    return this.version.majorVersion < 2 ? SA_AIS_ERR_LIBRARY : SA_AIS_ERR_UNAVAILABLE;
  }

  enqueue(callback: QueuedCallback): void {
    if (this.#finalized || this.#lost !== undefined) return;
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
      while (!this.#finalized && this.#lost === undefined) {
        const callback = this.#queue.takeUpTo(upTo);
        if (callback === undefined) break;
        this.#drained();
        // An exception of the application's own callback is the application's: it rejects this call.
        const running = callback.run();
        if (running !== undefined) await running;
        if (flags === SA_DISPATCH_ONE) break;
      }
      if (this.#finalized) return SA_AIS_OK;
      if (this.#lost !== undefined) return this.#lost.answer;
    } while (flags === SA_DISPATCH_BLOCKING);
    return SA_AIS_OK;
  }

  selectionObject(): SelectionObject {
    return this.#selection.object;
  }

  onLost(listener: LostListener): void {
    const lost = this.#lost;
    if (lost === undefined) this.#lostListeners.push(listener);
    else queueMicrotask(() => listener(lost.reason, lost.rc));
  }

  async finalize(): Promise<SaAisErrorT> {
    if (this.#finalized) return SA_AIS_ERR_BAD_HANDLE;
    this.#finalized = true;
    this.#queue.clear();
    this.#selection.end();
    await this.#connection.close();
    return this.standing === SA_AIS_OK ? SA_AIS_OK : SA_AIS_ERR_LIBRARY;
  }

  /** After callbacks left the queue: wake nobody for nothing, let the executive go on at half. */
  #drained(): void {
    this.#selection.taken(this.#queue.size);
    if (this.#holding && this.#queue.size * 2 <= this.#queueMax) {
      this.#holding = false;
      this.#connection.hold(false);
    }
  }

  #lose(reason: string, rc: SaAisErrorT, answer: SaAisErrorT): void {
    if (this.#finalized || this.#lost !== undefined) return;
    this.#lost = { reason, rc, answer };
    this.#queue.clear();
    this.#selection.end(true);
    for (const listener of this.#lostListeners.splice(0)) listener(reason, rc);
  }
}
