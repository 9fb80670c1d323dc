/** Administration of nodes (AIS B.4 rules 5 and 6): lock, unlock, shutdown. For root and the executive's own user. */
import {
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_OK,
  SaAisError,
  type SaAisErrorT,
} from '@aisexec/ais';
import {
  type CallOptions,
  type ConnectOptions,
  deadlineOf,
  okOrThrow,
  openHandle,
  type Reply,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { type AdminOperation, CLM_SERVICE, type NodeAdminState } from '../protocol.ts';
import {
  SA_CLM_ADMIN_LOCK,
  SA_CLM_ADMIN_RESET,
  SA_CLM_ADMIN_SHUTDOWN,
  SA_CLM_ADMIN_UNLOCK,
  type SaClmAdminOperationIdT,
} from './constants.ts';
import { CLM_SUPERVISION_MS_DEFAULT } from './limits.ts';
import { VERSIONS } from './open.ts';

export interface RemovalOptions extends CallOptions {
  /** How long each step waits for responses; 10 s unless given, an hour at most. */
  readonly supervisionMs?: number;
}

/**
 * Administration over a connection to any executive of the cluster, whether its node is a member or not.
 * `timeoutMs` and `signal` end the waiting, never the operation.
 */
export class NodeAdmin {
  readonly #ask: (fn: string, argument: unknown) => Promise<Reply>;
  readonly #retry: RetryOptions | false;

  /** @internal */
  constructor(ask: (fn: string, argument: unknown) => Promise<Reply>, retry: RetryOptions | false) {
    this.#ask = ask;
    this.#retry = retry;
  }

  /** A connection for administration alone: where the node is locked there is no other. */
  static async connect(
    options: ConnectOptions & CallOptions & { readonly retry?: RetryOptions | false } = {},
  ): Promise<NodeAdmin & AsyncDisposable> {
    const { retry = {} } = options;
    const deadline = deadlineOf(options, CALL);
    const version = { ...VERSIONS[4] };
    const open = () =>
      openHandle({ service: CLM_SERVICE, supported: [VERSIONS[4]], version, connect: options });
    const { rc, handle, cause } = await withRetry(open, deadline, retry);
    if (handle === undefined) throw cause instanceof SaAisError ? cause : new SaAisError(rc, CALL);
    const admin = new NodeAdmin((fn, argument) => handle.request(fn, argument), retry);
    const close = async () => void (await handle.finalize());
    return Object.assign(admin, { [Symbol.asyncDispose]: close });
  }

  /**
   * Removes the node from the membership: after VALIDATE, and START for as long as `supervisionMs`.
   * @throws SaAisError FAILED_OPERATION: somebody objected; NO_OP: it is locked; NOT_EXIST: no such node;
   * BUSY: it is being removed; ACCESS: not for this user.
   */
  lock(nodeId: number, options: RemovalOptions = {}): Promise<void> {
    return this.#operate('lock', nodeId, options);
  }

  /** Readmits the node, or ends its shutdown. @throws SaAisError NO_OP: it is not locked; NOT_EXIST; BUSY. */
  unlock(nodeId: number, options: CallOptions = {}): Promise<void> {
    return this.#operate('unlock', nodeId, options);
  }

  /** Like {@link lock}, but waits for the answer of everybody who was told to START. */
  shutdown(nodeId: number, options: RemovalOptions = {}): Promise<void> {
    return this.#operate('shutdown', nodeId, options);
  }

  /** The nodes that are here or were administered, ascending, with their states. */
  async nodes(options: CallOptions = {}): Promise<readonly NodeAdminState[]> {
    const reply = await this.#call('adminStates', {}, options);
    return okOrThrow(reply, CALL)['nodes'] as readonly NodeAdminState[];
  }

  /** One operation by its number in the standard. @returns its result code. */
  async operate(
    nodeId: number,
    operationId: SaClmAdminOperationIdT,
    options: RemovalOptions = {},
  ): Promise<SaAisErrorT> {
    if (operationId === SA_CLM_ADMIN_RESET) return SA_AIS_ERR_NOT_SUPPORTED;
    const operation = OPERATIONS[operationId];
    if (operation === undefined) return SA_AIS_ERR_INVALID_PARAM;
    const supervisionMs = options.supervisionMs ?? CLM_SUPERVISION_MS_DEFAULT;
    const request = { operation, nodeId, supervisionMs: Math.ceil(supervisionMs) };
    return (await this.#call('administer', request, options)).rc;
  }

  async #operate(name: AdminOperation, nodeId: number, options: RemovalOptions): Promise<void> {
    const rc = await this.operate(nodeId, IDS[name], options);
    if (rc !== SA_AIS_OK) throw new SaAisError(rc, CALL, `${name} of node ${nodeId}`);
  }

  #call(fn: string, argument: unknown, options: CallOptions): Promise<Reply> {
    const deadline = deadlineOf(options, CALL);
    return withRetry(() => deadline.race(this.#ask(fn, argument)), deadline, this.#retry);
  }
}

/** Not of the standard, which has this in IMM: one administrative operation over a connection of its own. */
export async function clmAdminOperation(
  nodeId: number,
  operationId: SaClmAdminOperationIdT,
  options: ConnectOptions & RemovalOptions = {},
): Promise<{ readonly rc: SaAisErrorT }> {
  try {
    await using admin = await NodeAdmin.connect({ ...options, retry: false });
    return { rc: await admin.operate(nodeId, operationId, options) };
  } catch (error) {
    if (error instanceof SaAisError) return { rc: error.code };
    throw error;
  }
}

const CALL = 'clmAdminOperation';
const IDS: Readonly<Record<AdminOperation, SaClmAdminOperationIdT>> = {
  unlock: SA_CLM_ADMIN_UNLOCK,
  lock: SA_CLM_ADMIN_LOCK,
  shutdown: SA_CLM_ADMIN_SHUTDOWN,
};
const OPERATIONS: Readonly<Record<number, AdminOperation>> = {
  [SA_CLM_ADMIN_UNLOCK]: 'unlock',
  [SA_CLM_ADMIN_LOCK]: 'lock',
  [SA_CLM_ADMIN_SHUTDOWN]: 'shutdown',
};
