/** Types of the literal layer: the AIS names, results and callbacks (AIS B.1). */
import type {
  Handle,
  SaAisErrorT,
  SaInvocationT,
  SaLimitValueT,
  SaTimeT,
  SaVersionT,
} from '@aisexec/ais';
import type { ConnectOptions, SelectionObject } from '@aisexec/ipc';
import type { RevocationReason, SaLckLockModeT, SaLckLockStatusT } from '../protocol.ts';

export type SaLckHandleT = Handle<'SaLckHandleT'>;
export type SaLckResourceHandleT = Handle<'SaLckResourceHandleT'>;
export type SaLckLockIdT = Handle<'SaLckLockIdT'>;
export type SaLckWaiterSignalT = bigint;
/** Bits: `SA_LCK_RESOURCE_CREATE`. */
export type SaLckResourceOpenFlagsT = number;
/** Bits: `SA_LCK_LOCK_NO_QUEUE`, `SA_LCK_LOCK_ORPHAN`. */
export type SaLckLockFlagsT = number;
/** Bits: `SA_LCK_OPT_ORPHAN_LOCKS`, `SA_LCK_OPT_DEADLOCK_DETECTION`. */
export type SaLckOptionsT = number;
/** `SA_LCK_MAX_NUM_LOCKS_ID`. */
export type SaLckLimitIdT = number;

type Callback<Arguments extends unknown[]> =
  | ((...args: Arguments) => void | Promise<void>)
  | null
  | undefined;

/** Callbacks of one handle; they run in `saLckDispatch` only. A missing one is null. */
export interface SaLckCallbacksT {
  readonly saLckResourceOpenCallback?: Callback<
    [invocation: SaInvocationT, lockResourceHandle: SaLckResourceHandleT, error: SaAisErrorT]
  >;
  /** `fencingToken` is 0n unless the status is GRANTED; `lockStatus` is 0 unless `error` is OK. */
  readonly saLckLockGrantCallback?: Callback<
    [
      invocation: SaInvocationT,
      lockStatus: SaLckLockStatusT | 0,
      error: SaAisErrorT,
      fencingToken: bigint,
    ]
  >;
  readonly saLckLockWaiterCallback?: Callback<
    [
      waiterSignal: SaLckWaiterSignalT,
      lockId: SaLckLockIdT,
      modeHeld: SaLckLockModeT,
      modeRequested: SaLckLockModeT,
    ]
  >;
  readonly saLckResourceUnlockCallback?: Callback<[invocation: SaInvocationT, error: SaAisErrorT]>;
  /** Not of the standard: a granted lock must not be relied on any more. */
  readonly aisexecLockLostCallback?: Callback<[lockId: SaLckLockIdT, reason: RevocationReason]>;
}

export interface Rc {
  readonly rc: SaAisErrorT;
}

export interface ResourceLockResult extends Rc {
  /** Set as soon as the parameters were good. */
  readonly lockId?: SaLckLockIdT;
  /** Set when `rc` is OK. */
  readonly lockStatus?: SaLckLockStatusT;
  /** Set when the status is GRANTED: rises with every exclusive grant of the resource. */
  readonly fencingToken?: bigint;
}

/** The literal layer; see {@link createSaLck}. In-parameters in the order of the C functions. */
export interface SaLck {
  /** @param connect not of the standard: where the executive is. */
  saLckInitialize(
    lckCallbacks: SaLckCallbacksT | null | undefined,
    version: SaVersionT | null | undefined,
    connect?: ConnectOptions,
  ): Promise<Rc & { readonly lckHandle?: SaLckHandleT }>;
  saLckSelectionObjectGet(
    lckHandle: SaLckHandleT,
  ): Promise<Rc & { readonly selectionObject?: SelectionObject }>;
  saLckOptionCheck(lckHandle: SaLckHandleT): Promise<Rc & { readonly lckOptions?: SaLckOptionsT }>;
  saLckDispatch(lckHandle: SaLckHandleT, dispatchFlags: number): Promise<Rc>;
  saLckFinalize(lckHandle: SaLckHandleT): Promise<Rc>;
  saLckResourceOpen(
    lckHandle: SaLckHandleT,
    lockResourceName: string | null | undefined,
    resourceFlags: SaLckResourceOpenFlagsT,
    timeout: SaTimeT,
  ): Promise<Rc & { readonly lockResourceHandle?: SaLckResourceHandleT }>;
  saLckResourceOpenAsync(
    lckHandle: SaLckHandleT,
    invocation: SaInvocationT,
    lockResourceName: string | null | undefined,
    resourceFlags: SaLckResourceOpenFlagsT,
  ): Promise<Rc>;
  saLckResourceClose(lockResourceHandle: SaLckResourceHandleT): Promise<Rc>;
  /** @param out not of the standard: gets `lockId` before the call waits, to cancel it by unlocking. */
  saLckResourceLock(
    lockResourceHandle: SaLckResourceHandleT,
    lockMode: SaLckLockModeT,
    lockFlags: SaLckLockFlagsT,
    waiterSignal: SaLckWaiterSignalT,
    timeout: SaTimeT,
    out?: { lockId?: SaLckLockIdT },
  ): Promise<ResourceLockResult>;
  saLckResourceLockAsync(
    lockResourceHandle: SaLckResourceHandleT,
    invocation: SaInvocationT,
    lockMode: SaLckLockModeT,
    lockFlags: SaLckLockFlagsT,
    waiterSignal: SaLckWaiterSignalT,
  ): Promise<Rc & { readonly lockId?: SaLckLockIdT }>;
  saLckResourceUnlock(lockId: SaLckLockIdT, timeout: SaTimeT): Promise<Rc>;
  saLckResourceUnlockAsync(invocation: SaInvocationT, lockId: SaLckLockIdT): Promise<Rc>;
  saLckLockPurge(lockResourceHandle: SaLckResourceHandleT): Promise<Rc>;
  saLckLimitGet(
    lckHandle: SaLckHandleT,
    limitId: SaLckLimitIdT,
  ): Promise<Rc & { readonly limitValue?: SaLimitValueT }>;
}
