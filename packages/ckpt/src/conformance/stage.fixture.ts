/**
 * What the rows of the conformance table act on: checkpoints that a client of one node ("far") made and a
 * client of another ("near") has open in different ways, names of their own, and time. The same rows run
 * over clusters in this process and over real executives.
 */
import { SA_DISPATCH_ALL, SA_TIME_END, SA_TIME_ONE_SECOND } from '@aisexec/ais';
import type { ConnectOptions } from '@aisexec/ipc';
import { type Answer, ok, rowsFor, type TableRow } from '../../../../test/fixtures/ais-table.ts';
import { whileRemoved } from '../../../clm/src/removal.fixture.ts';
import { createSaCkpt } from '../client/literal.ts';
import type {
  SaCkpt,
  SaCkptCallbacksT,
  SaCkptCheckpointHandleT,
  SaCkptHandleT,
  SaCkptIOVectorElementT,
  SaCkptSectionIdT,
} from '../client/literal-types.ts';
import {
  SA_CKPT_CHECKPOINT_COLLOCATED,
  SA_CKPT_CHECKPOINT_CREATE,
  SA_CKPT_CHECKPOINT_READ,
  SA_CKPT_CHECKPOINT_WRITE,
  SA_CKPT_WR_ACTIVE_REPLICA,
  SA_CKPT_WR_ALL_REPLICAS,
  type SaCkptCheckpointCreationAttributesT,
} from '../protocol.ts';

export const READ = SA_CKPT_CHECKPOINT_READ;
export const WRITE = SA_CKPT_CHECKPOINT_WRITE;
export const CREATE = SA_CKPT_CHECKPOINT_CREATE;
export const ALL = READ | WRITE | CREATE;
export const TIMEOUT = 60n * SA_TIME_ONE_SECOND;
/** No handle, and handles that never were. */
export const NO_HANDLE = 0n as SaCkptHandleT;
export const UNKNOWN = 1n as SaCkptHandleT;
export const NO_CHECKPOINT = 5n as SaCkptCheckpointHandleT;
/** A name of one byte too many. */
export const LONG = 'x'.repeat(257);
export const NEVER = { expirationTime: SA_TIME_END };
export const ATTRIBUTES: SaCkptCheckpointCreationAttributesT = {
  creationFlags: SA_CKPT_WR_ALL_REPLICAS,
  checkpointSize: 100,
  retentionDuration: 0n,
  maxSections: 3,
  maxSectionSize: 100,
  maxSectionIdSize: 4,
};
/** Collocated and asynchronous: needs an active replica. */
export const COLLOCATED = SA_CKPT_WR_ACTIVE_REPLICA | SA_CKPT_CHECKPOINT_COLLOCATED;

export const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
export const textOf = (data: Uint8Array | null | undefined): string =>
  Buffer.from(data ?? []).toString();
export const id = (text: string): SaCkptSectionIdT => ({ id: bytes(text) });
export const element = (text: string, data: string, dataOffset = 0): SaCkptIOVectorElementT => ({
  sectionId: id(text),
  dataBuffer: bytes(data),
  dataOffset,
});

export type Row = TableRow<SaCkpt, Stage>;
export const row = rowsFor<SaCkpt, Stage>();

/** How the near client has a checkpoint open; `closed` it has closed again. */
export type Kind = 'full' | 'reader' | 'writer' | 'closed' | 'single' | 'async' | 'inactive';

const FLAGS: Partial<Record<Kind, number>> = { reader: READ, writer: WRITE };
const CREATED: Partial<Record<Kind, Partial<SaCkptCheckpointCreationAttributesT>>> = {
  single: { maxSections: 1 },
  async: { creationFlags: SA_CKPT_WR_ACTIVE_REPLICA },
  inactive: { creationFlags: COLLOCATED },
};

export interface StageOptions {
  readonly near: ConnectOptions;
  /** The node of `near`. */
  readonly node: number;
  readonly far: ConnectOptions;
  /** Lets this much time pass in the cluster. */
  readonly elapse: (ms: number) => Promise<void>;
  /** Wall clock of the cluster, nanoseconds. */
  readonly now: () => bigint;
  /** Unique in the cluster. */
  readonly name: string;
}

export class Stage {
  readonly sa: SaCkpt = createSaCkpt();
  readonly #options: StageOptions;
  readonly #handles: SaCkptHandleT[] = [];
  readonly #callbacks: unknown[][] = [];
  #near: Promise<SaCkptHandleT> | undefined;
  #far: Promise<SaCkptHandleT> | undefined;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  get connect(): ConnectOptions {
    return this.#options.near;
  }

  /** A checkpoint name that only this row uses. */
  get checkpoint(): string {
    return this.#options.name;
  }

  now(): bigint {
    return this.#options.now();
  }

  /** Runs something while the near client's node is no member. */
  removed<T>(run: () => T | Promise<T>): Promise<T> {
    return whileRemoved(this.#options.near, this.#options.node, run);
  }

  elapse(ms: number): Promise<void> {
    return this.#options.elapse(ms);
  }

  async initialize(callbacks: SaCkptCallbacksT | null = {}, majorVersion = 2) {
    return this.#initialize(this.#options.near, callbacks, majorVersion);
  }

  /** The near client, with callbacks. */
  near(): Promise<SaCkptHandleT> {
    const record: SaCkptCallbacksT = {
      saCkptCheckpointOpenCallback: (...args) => void this.#callbacks.push(args),
      saCkptCheckpointSynchronizeCallback: (...args) => void this.#callbacks.push(args),
    };
    this.#near ??= this.#initialize(this.#options.near, record, 2);
    return this.#near;
  }

  far(): Promise<SaCkptHandleT> {
    this.#far ??= this.#initialize(this.#options.far, {}, 2);
    return this.#far;
  }

  async open(
    handle: SaCkptHandleT,
    attributes: Partial<SaCkptCheckpointCreationAttributesT> | null,
    flags: number,
  ): Promise<SaCkptCheckpointHandleT> {
    const given = attributes === null ? null : { ...ATTRIBUTES, ...attributes };
    const name = this.checkpoint;
    const opened = await this.sa.saCkptCheckpointOpen(handle, name, given, flags, TIMEOUT);
    return ok(opened).checkpointHandle as SaCkptCheckpointHandleT;
  }

  /** Makes it far, with a section `s` that holds `data` where it may have one, and opens it near. */
  async use(kind: Kind): Promise<SaCkptCheckpointHandleT> {
    const far = await this.open(await this.far(), CREATED[kind] ?? {}, ALL);
    if (kind !== 'single' && kind !== 'inactive') {
      const attributes = { sectionId: id('s'), ...NEVER };
      ok(await this.sa.saCkptSectionCreate(far, attributes, bytes('data')));
    }
    const near = await this.open(await this.near(), null, FLAGS[kind] ?? READ | WRITE);
    if (kind === 'closed') ok(await this.sa.saCkptCheckpointClose(near));
    return near;
  }

  /** Dispatches the near client until a callback came; its arguments. */
  async callback(): Promise<unknown[]> {
    const handle = await this.near();
    const { selectionObject } = ok(await this.sa.saCkptSelectionObjectGet(handle));
    while (this.#callbacks.length === 0) {
      await selectionObject?.ready();
      ok(await this.sa.saCkptDispatch(handle, SA_DISPATCH_ALL));
    }
    return this.#callbacks.shift() ?? [];
  }

  /** Callbacks that ran and were not taken. */
  get callbacks(): number {
    return this.#callbacks.length;
  }

  async read(checkpoint: SaCkptCheckpointHandleT, section: string | null = 's'): Promise<string> {
    const sectionId = section === null ? { id: null } : id(section);
    const item: SaCkptIOVectorElementT = { sectionId, dataBuffer: null, dataOffset: 0 };
    ok(await this.sa.saCkptCheckpointRead(checkpoint, [item]));
    return textOf(item.dataBuffer);
  }

  /** Gives everything back, so that rows can share a cluster. */
  async dispose(): Promise<void> {
    for (const handle of this.#handles) {
      await this.sa.saCkptCheckpointUnlink(handle, this.checkpoint);
      await this.sa.saCkptFinalize(handle);
    }
  }

  async #initialize(
    connect: ConnectOptions,
    callbacks: SaCkptCallbacksT | null,
    majorVersion: number,
  ): Promise<SaCkptHandleT> {
    const version = { releaseCode: 'B', majorVersion, minorVersion: 1 };
    const opened = ok(await this.sa.saCkptInitialize(callbacks, version, connect));
    const handle = opened.ckptHandle as SaCkptHandleT;
    this.#handles.push(handle);
    return handle;
  }
}

export type OnCheckpoint = (
  sa: SaCkpt,
  checkpoint: SaCkptCheckpointHandleT,
  stage: Stage,
) => Answer;

/** A row about a checkpoint that the near client has, or had, open. */
export const on =
  (kind: Kind, call: OnCheckpoint): Row['run'] =>
  async (stage) =>
    call(stage.sa, await stage.use(kind), stage);
