/** The idiomatic layer's way in: a connection to the checkpoint service of an executive. */
import { isSaAisError, SA_AIS_ERR_TIMEOUT } from '@aisexec/ais';
import {
  type CallOptions,
  type ConnectOptions,
  connectHandle,
  deadlineOf,
  okOrThrow,
  type ReopenOptions,
  type ReopenPlan,
  type RetryOptions,
  random64,
} from '@aisexec/ipc';
import {
  CKPT_SERVICE_NAME,
  CKPT_VERSIONS,
  SA_CKPT_CHECKPOINT_COLLOCATED,
  SA_CKPT_CHECKPOINT_CREATE,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ACTIVE_REPLICA_WEAK,
  SA_CKPT_WR_ALL_REPLICAS,
  type SaCkptCheckpointCreationAttributesT,
} from '../protocol.ts';
import { Checkpoint } from './checkpoint.ts';
import { noteOpen } from './journal.ts';
import { type MapOptions, mapAttributes, ReplicatedMap } from './replicated-map.ts';
import { type ReplacedListener, Session } from './session.ts';
import { durationOf } from './times.ts';

export interface CheckpointServiceOptions extends ConnectOptions, CallOptions, ReopenOptions {
  /** How TRY_AGAIN is repeated; false: not at all. */
  readonly retry?: RetryOptions | false;
}

/** How a checkpoint is made; who opens it again with `create` must say the same, retention apart. */
export interface CheckpointAttributes {
  /** 1: the checkpoint consists of its default section. */
  readonly maxSections: number;
  readonly maxSectionBytes: number;
  /** 64 by default. */
  readonly maxSectionIdBytes?: number;
  /** What it is expected to hold: refused at once where there is no room for so much. 0 by default. */
  readonly expectedBytes?: number;
  /** How long it outlives its last close; Infinity: for ever. 0 by default. */
  readonly retentionMs?: number;
  /** `all-replicas` by default. All modes are as strong as that one here. */
  readonly mode?: 'all-replicas' | 'active-replica' | 'active-replica-weak';
  readonly collocated?: boolean;
}

export interface CheckpointOpenOptions extends CallOptions {
  /** Make the checkpoint when it does not exist; else that is NOT_EXIST. */
  readonly create?: CheckpointAttributes;
  /** true by default. */
  readonly read?: boolean;
  /** true by default. */
  readonly write?: boolean;
  /** A merge of partitions gave this checkpoint another content than this side wrote. */
  readonly onReplaced?: ReplacedListener;
}

/** A client of the checkpoint service. Closing it closes all of its checkpoints. */
export class CheckpointService implements AsyncDisposable {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** @throws SaAisError: TRY_AGAIN or TIMEOUT when no executive answers, ACCESS, NOT_SUPPORTED. */
  static async connect(options: CheckpointServiceOptions = {}): Promise<CheckpointService> {
    const call = 'saCkptInitialize';
    const { retry = {}, reopen } = options;
    let session: Session | undefined;
    const plan: ReopenPlan = {
      note: noteOpen,
      cut: () => session?.gap(),
      reopened: (reason, failed) => {
        const names = session?.endFailed(failed) ?? [];
        if (typeof reopen === 'function') reopen({ reason, failed: names });
      },
    };
    const handle = await connectHandle({
      ...{ call, retry, connect: options, deadline: deadlineOf(options, call) },
      service: CKPT_SERVICE_NAME,
      supported: CKPT_VERSIONS,
      membersOnly: true,
      version: { releaseCode: 'B', majorVersion: 2, minorVersion: 2 },
      reopen: reopen === undefined ? undefined : plan,
      onEvent: (event) => session?.onEvent(event),
    });
    session = new Session(handle, retry);
    return new CheckpointService(session);
  }

  /** @throws SaAisError: NOT_EXIST without `create`, EXIST when it has other attributes … */
  async open(name: string, options: CheckpointOpenOptions = {}): Promise<Checkpoint> {
    const call = 'saCkptCheckpointOpen';
    const { create, read = true, write = true, onReplaced } = options;
    const openFlags =
      (read ? SA_CKPT_CHECKPOINT_READ : 0) |
      (write ? SA_CKPT_CHECKPOINT_WRITE : 0) |
      (create === undefined ? 0 : SA_CKPT_CHECKPOINT_CREATE);
    const attributes = create === undefined ? null : creationAttributes(create);
    const handle = random64();
    const deadline = deadlineOf(options, call);
    const session = this.#session;
    if (onReplaced !== undefined) session.listen(handle, onReplaced);
    try {
      const ask = session.asker(deadline);
      okOrThrow(await ask('open', { handle, name, openFlags, attributes }), call);
    } catch (error) {
      session.forget(handle);
      // After a time-out or an abort it may still succeed: nobody waits for it, so it must not last.
      const refused = isSaAisError(error) && error.code !== SA_AIS_ERR_TIMEOUT;
      if (!refused) session.release(handle);
      throw error;
    }
    return new Checkpoint(session, handle, name);
  }

  /** Opens a map that every node has a copy of, and makes it where there is none. */
  async map<T>(name: string, options: MapOptions<T> = {}): Promise<ReplicatedMap<T>> {
    const { signal, timeoutMs, codec } = options;
    const bounds = { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
    const checkpoint = await this.open(name, { ...bounds, create: mapAttributes(options) });
    return new ReplicatedMap(checkpoint, codec);
  }

  /** Takes the name away; who has the checkpoint open keeps it. */
  async unlink(name: string, options: CallOptions = {}): Promise<void> {
    await this.#session.call('saCkptCheckpointUnlink', options, (ask) => ask('unlink', { name }));
  }

  /** Closes all checkpoints and ends the connection. Idempotent. */
  async close(): Promise<void> {
    this.#session.endWatches();
    await this.#session.handle.finalize();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether this connection keeps the process alive; it does at first. */
  ref(): void {
    this.#session.handle.selectionObject().ref();
  }

  unref(): void {
    this.#session.handle.selectionObject().unref();
  }
}

const MODES = {
  'all-replicas': SA_CKPT_WR_ALL_REPLICAS,
  'active-replica': SA_CKPT_WR_ACTIVE_REPLICA,
  'active-replica-weak': SA_CKPT_WR_ACTIVE_REPLICA_WEAK,
} as const;

function creationAttributes(create: CheckpointAttributes): SaCkptCheckpointCreationAttributesT {
  const { mode = 'all-replicas', collocated = false } = create;
  return {
    creationFlags: MODES[mode] | (collocated ? SA_CKPT_CHECKPOINT_COLLOCATED : 0),
    checkpointSize: create.expectedBytes ?? 0,
    retentionDuration: durationOf('retentionMs', create.retentionMs ?? 0),
    maxSections: create.maxSections,
    maxSectionSize: create.maxSectionBytes,
    maxSectionIdSize: create.maxSectionIdBytes ?? 64,
  };
}
