/** Types of the literal layer: AIS names, structures and callbacks of both generations (AIS B.4). */
import type {
  Handle,
  SaAisErrorT,
  SaBoolT,
  SaInvocationT,
  SaTimeT,
  SaVersionT,
} from '@aisexec/ais';
import type { ConnectOptions, SelectionObject } from '@aisexec/ipc';
import type { SaClmClusterChangesT } from '../protocol.ts';
import type { SaClmChangeStepT, SaClmNodeAddressFamilyT, SaClmResponseT } from './constants.ts';

export type SaClmHandleT = Handle<'SaClmHandleT'>;
/** A u32; `SA_CLM_LOCAL_NODE_ID` is the node of the caller. */
export type SaClmNodeIdT = number;

/** The value is text, e.g. `192.0.2.7`. */
export interface SaClmNodeAddressT {
  readonly family: SaClmNodeAddressFamilyT;
  readonly value: string;
}

export interface SaClmClusterNodeT {
  readonly nodeId: SaClmNodeIdT;
  readonly nodeAddress: SaClmNodeAddressT;
  readonly nodeName: string;
  readonly member: SaBoolT;
  readonly bootTimestamp: SaTimeT;
  readonly initialViewNumber: bigint;
}

export interface SaClmClusterNodeT_4 extends SaClmClusterNodeT {
  /** Name of the PLM execution environment; always empty: there is no PLM. */
  readonly executionEnvironment: string;
}

export interface SaClmClusterNotificationT<Node = SaClmClusterNodeT> {
  readonly clusterNode: Node;
  readonly clusterChange: SaClmClusterChangesT;
}
export type SaClmClusterNotificationT_4 = SaClmClusterNotificationT<SaClmClusterNodeT_4>;

/**
 * In-out. `notification` null: an array is made. An array: at most `numberOfItems` entries are written
 * into it; when that is too few the call returns NO_SPACE and `numberOfItems` says what is needed.
 */
export interface SaClmClusterNotificationBufferT<Node = SaClmClusterNodeT> {
  viewNumber: bigint;
  numberOfItems: number;
  notification: SaClmClusterNotificationT<Node>[] | null;
}
export type SaClmClusterNotificationBufferT_4 =
  SaClmClusterNotificationBufferT<SaClmClusterNodeT_4>;

type Callback<Arguments extends unknown[]> =
  | ((...args: Arguments) => void | Promise<void>)
  | null
  | undefined;

/** Callbacks of a B.01 handle; they run in `saClmDispatch` only. `clusterNode` is null unless OK. */
export interface SaClmCallbacksT {
  readonly saClmClusterTrackCallback?: Callback<
    [
      notificationBuffer: SaClmClusterNotificationBufferT,
      numberOfMembers: number,
      error: SaAisErrorT,
    ]
  >;
  readonly saClmClusterNodeGetCallback?: Callback<
    [invocation: SaInvocationT, clusterNode: SaClmClusterNodeT | null, error: SaAisErrorT]
  >;
}

/** Callbacks of a B.04 handle. An `invocation` other than 0 is to be answered by `saClmResponse_4`. */
export interface SaClmCallbacksT_4 {
  readonly saClmClusterTrackCallback?: Callback<
    [
      notificationBuffer: SaClmClusterNotificationBufferT_4,
      numberOfMembers: number,
      invocation: SaInvocationT,
      rootCauseEntity: string | null,
      correlationIds: null,
      step: SaClmChangeStepT,
      timeSupervision: SaTimeT,
      error: SaAisErrorT,
    ]
  >;
  readonly saClmClusterNodeGetCallback?: Callback<
    [invocation: SaInvocationT, clusterNode: SaClmClusterNodeT_4 | null, error: SaAisErrorT]
  >;
}

export interface Rc {
  readonly rc: SaAisErrorT;
}
type Initialized = Promise<Rc & { readonly clmHandle?: SaClmHandleT }>;

/** The literal layer; see {@link createSaClm}. In-parameters in the order of the C functions. */
export interface SaClm {
  /** @param connect not of the standard: where the executive is. */
  saClmInitialize(
    clmCallbacks: SaClmCallbacksT | null | undefined,
    version: SaVersionT | null | undefined,
    connect?: ConnectOptions,
  ): Initialized;
  saClmInitialize_4(
    clmCallbacks: SaClmCallbacksT_4 | null | undefined,
    version: SaVersionT | null | undefined,
    connect?: ConnectOptions,
  ): Initialized;
  saClmSelectionObjectGet(
    clmHandle: SaClmHandleT,
  ): Promise<Rc & { readonly selectionObject?: SelectionObject }>;
  saClmDispatch(clmHandle: SaClmHandleT, dispatchFlags: number): Promise<Rc>;
  saClmFinalize(clmHandle: SaClmHandleT): Promise<Rc>;
  saClmClusterTrack(
    clmHandle: SaClmHandleT,
    trackFlags: number,
    notificationBuffer: SaClmClusterNotificationBufferT | null | undefined,
  ): Promise<Rc>;
  saClmClusterTrack_4(
    clmHandle: SaClmHandleT,
    trackFlags: number,
    notificationBuffer: SaClmClusterNotificationBufferT_4 | null | undefined,
  ): Promise<Rc>;
  saClmClusterTrackStop(clmHandle: SaClmHandleT): Promise<Rc>;
  saClmClusterNotificationFree(
    clmHandle: SaClmHandleT,
    notification: readonly SaClmClusterNotificationT[] | null | undefined,
  ): Promise<Rc>;
  saClmClusterNotificationFree_4(
    clmHandle: SaClmHandleT,
    notification: readonly SaClmClusterNotificationT_4[] | null | undefined,
  ): Promise<Rc>;
  saClmClusterNodeGet(
    clmHandle: SaClmHandleT,
    nodeId: SaClmNodeIdT,
    timeout: SaTimeT,
  ): Promise<Rc & { readonly clusterNode?: SaClmClusterNodeT }>;
  saClmClusterNodeGet_4(
    clmHandle: SaClmHandleT,
    nodeId: SaClmNodeIdT,
    timeout: SaTimeT,
  ): Promise<Rc & { readonly clusterNode?: SaClmClusterNodeT_4 }>;
  saClmClusterNodeGetAsync(
    clmHandle: SaClmHandleT,
    invocation: SaInvocationT,
    nodeId: SaClmNodeIdT,
  ): Promise<Rc>;
  saClmResponse_4(
    clmHandle: SaClmHandleT,
    invocation: SaInvocationT,
    response: SaClmResponseT,
  ): Promise<Rc>;
}
