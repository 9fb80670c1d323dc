/** Types of the literal layer: the AIS names, results and callbacks (AIS-CKPT B.01.01, B.02.02). */
import type { Handle, SaAisErrorT, SaInvocationT, SaTimeT, SaVersionT } from '@aisexec/ais';
import type { ConnectOptions, SelectionObject } from '@aisexec/ipc';
import type {
  SaCkptCheckpointCreationAttributesT,
  SaCkptCheckpointDescriptorT,
  SaCkptSectionStateT,
  SaCkptSectionsChosenT,
} from '../protocol.ts';

export type SaCkptHandleT = Handle<'SaCkptHandleT'>;
export type SaCkptCheckpointHandleT = Handle<'SaCkptCheckpointHandleT'>;
export type SaCkptSectionIterationHandleT = Handle<'SaCkptSectionIterationHandleT'>;
/** Bits: `SA_CKPT_CHECKPOINT_READ`, `_WRITE`, `_CREATE`. */
export type SaCkptCheckpointOpenFlagsT = number;

/** `id` null: the default section or, where one is created, a generated id. The length is the array's. */
export interface SaCkptSectionIdT {
  readonly id: Uint8Array | null;
}
export const SA_CKPT_DEFAULT_SECTION_ID: SaCkptSectionIdT = { id: null };
export const SA_CKPT_GENERATED_SECTION_ID: SaCkptSectionIdT = { id: null };

export interface SaCkptSectionCreationAttributesT {
  /** Replaced by the id that was generated, when one was asked for. */
  sectionId: SaCkptSectionIdT | null;
  readonly expirationTime: SaTimeT;
}

export interface SaCkptSectionDescriptorT {
  readonly sectionId: SaCkptSectionIdT;
  readonly expirationTime: SaTimeT;
  readonly sectionSize: number;
  readonly sectionState: SaCkptSectionStateT;
  readonly lastUpdate: SaTimeT;
}

export interface SaCkptIOVectorElementT {
  readonly sectionId: SaCkptSectionIdT | null;
  /** Write: the data. Read: filled; null is replaced by an array of the service's with all there is. */
  dataBuffer: Uint8Array | null;
  /** By default the length of `dataBuffer`. */
  readonly dataSize?: number;
  readonly dataOffset: number;
  /** Set by a read. */
  readSize?: number;
}

type Callback<Arguments extends unknown[]> =
  | ((...args: Arguments) => void | Promise<void>)
  | null
  | undefined;

/** Callbacks of one handle; they run in `saCkptDispatch` only. A missing one is null. */
export interface SaCkptCallbacksT {
  /** `checkpointHandle` is 0n unless `error` is OK. */
  readonly saCkptCheckpointOpenCallback?: Callback<
    [invocation: SaInvocationT, checkpointHandle: SaCkptCheckpointHandleT, error: SaAisErrorT]
  >;
  readonly saCkptCheckpointSynchronizeCallback?: Callback<
    [invocation: SaInvocationT, error: SaAisErrorT]
  >;
}

export interface Rc {
  readonly rc: SaAisErrorT;
}

/** `erroneousVectorIndex` is set when one element failed. */
export interface VectorResult extends Rc {
  readonly erroneousVectorIndex?: number;
}

type Maybe<T> = T | null | undefined;

/** The literal layer; see {@link createSaCkpt}. In-parameters in the order of the C functions. */
export interface SaCkpt {
  /** @param connect not of the standard: where the executive is. */
  saCkptInitialize(
    ckptCallbacks: Maybe<SaCkptCallbacksT>,
    version: Maybe<SaVersionT>,
    connect?: ConnectOptions,
  ): Promise<Rc & { readonly ckptHandle?: SaCkptHandleT }>;
  saCkptSelectionObjectGet(
    ckptHandle: SaCkptHandleT,
  ): Promise<Rc & { readonly selectionObject?: SelectionObject }>;
  saCkptDispatch(ckptHandle: SaCkptHandleT, dispatchFlags: number): Promise<Rc>;
  saCkptFinalize(ckptHandle: SaCkptHandleT): Promise<Rc>;
  saCkptCheckpointOpen(
    ckptHandle: SaCkptHandleT,
    checkpointName: Maybe<string>,
    checkpointCreationAttributes: Maybe<SaCkptCheckpointCreationAttributesT>,
    checkpointOpenFlags: SaCkptCheckpointOpenFlagsT,
    timeout: SaTimeT,
  ): Promise<Rc & { readonly checkpointHandle?: SaCkptCheckpointHandleT }>;
  saCkptCheckpointOpenAsync(
    ckptHandle: SaCkptHandleT,
    invocation: SaInvocationT,
    checkpointName: Maybe<string>,
    checkpointCreationAttributes: Maybe<SaCkptCheckpointCreationAttributesT>,
    checkpointOpenFlags: SaCkptCheckpointOpenFlagsT,
  ): Promise<Rc>;
  saCkptCheckpointClose(checkpointHandle: SaCkptCheckpointHandleT): Promise<Rc>;
  saCkptCheckpointUnlink(ckptHandle: SaCkptHandleT, checkpointName: Maybe<string>): Promise<Rc>;
  saCkptCheckpointRetentionDurationSet(
    checkpointHandle: SaCkptCheckpointHandleT,
    retentionDuration: SaTimeT,
  ): Promise<Rc>;
  saCkptActiveReplicaSet(checkpointHandle: SaCkptCheckpointHandleT): Promise<Rc>;
  saCkptCheckpointStatusGet(
    checkpointHandle: SaCkptCheckpointHandleT,
  ): Promise<Rc & { readonly checkpointStatus?: SaCkptCheckpointDescriptorT }>;
  saCkptSectionCreate(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionCreationAttributes: Maybe<SaCkptSectionCreationAttributesT>,
    initialData: Maybe<Uint8Array>,
  ): Promise<Rc & { readonly sectionId?: SaCkptSectionIdT }>;
  saCkptSectionDelete(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: Maybe<SaCkptSectionIdT>,
  ): Promise<Rc>;
  /** Nothing to free in JavaScript; checks its arguments. B.02 handles only. */
  saCkptSectionIdFree(
    checkpointHandle: SaCkptCheckpointHandleT,
    id: Maybe<Uint8Array>,
  ): Promise<Rc>;
  saCkptSectionExpirationTimeSet(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: Maybe<SaCkptSectionIdT>,
    expirationTime: SaTimeT,
  ): Promise<Rc>;
  saCkptSectionIterationInitialize(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionsChosen: SaCkptSectionsChosenT,
    expirationTime: SaTimeT,
  ): Promise<Rc & { readonly sectionIterationHandle?: SaCkptSectionIterationHandleT }>;
  saCkptSectionIterationNext(
    sectionIterationHandle: SaCkptSectionIterationHandleT,
  ): Promise<Rc & { readonly sectionDescriptor?: SaCkptSectionDescriptorT }>;
  saCkptSectionIterationFinalize(
    sectionIterationHandle: SaCkptSectionIterationHandleT,
  ): Promise<Rc>;
  /** Buffers must stay untouched until the promise resolves. */
  saCkptCheckpointWrite(
    checkpointHandle: SaCkptCheckpointHandleT,
    ioVector: Maybe<readonly SaCkptIOVectorElementT[]>,
  ): Promise<VectorResult>;
  saCkptSectionOverwrite(
    checkpointHandle: SaCkptCheckpointHandleT,
    sectionId: Maybe<SaCkptSectionIdT>,
    dataBuffer: Maybe<Uint8Array>,
  ): Promise<Rc>;
  /** Fills `dataBuffer` and `readSize` of the elements. */
  saCkptCheckpointRead(
    checkpointHandle: SaCkptCheckpointHandleT,
    ioVector: Maybe<readonly SaCkptIOVectorElementT[]>,
  ): Promise<VectorResult>;
  /** Nothing to free in JavaScript; checks its arguments. B.02 handles only. */
  saCkptIOVectorElementDataFree(
    checkpointHandle: SaCkptCheckpointHandleT,
    data: Maybe<Uint8Array>,
  ): Promise<Rc>;
  saCkptCheckpointSynchronize(
    checkpointHandle: SaCkptCheckpointHandleT,
    timeout: SaTimeT,
  ): Promise<Rc>;
  saCkptCheckpointSynchronizeAsync(
    checkpointHandle: SaCkptCheckpointHandleT,
    invocation: SaInvocationT,
  ): Promise<Rc>;
}
