/**
 * The life cycle that all AIS services share (AIS B.0 "Life cycle"): Initialize, SelectionObjectGet,
 * Dispatch, Finalize over one connection with a queue of callbacks. The four literal layers are thin
 * tables on top of {@link AisHandle}; the idiomatic layers read the same queue.
 */
import type { SaAisErrorT, SaDispatchFlagsT, SaVersionT } from '@aisexec/ais';
import type { CallbackEvent, Reply } from './contract.ts';

/** Stands for the C selection object: Node cannot select on a foreign descriptor portably. */
export interface SelectionObject extends AsyncIterable<void> {
  /** Resolves when at least one callback is queued or the handle is finalised. */
  ready(): Promise<void>;
  /** Whether waiting on this object keeps the process alive; default yes. */
  ref(): void;
  unref(): void;
}

/** A queued callback: runs only inside dispatch, on the dispatching call. */
export interface QueuedCallback {
  /** 0 highest to 3; first come first served within one priority. */
  readonly priority: number;
  /** What it belongs to (an open, a request), so that closing it can drop what is queued. */
  readonly owner?: unknown;
  readonly run: () => void | Promise<void>;
}

/** Why a handle is of no use any more, for people and for programs. */
export type LostListener = (reason: string, rc: SaAisErrorT) => void;

export interface AisHandle {
  /** The generation negotiated at Initialize. */
  readonly version: Readonly<SaVersionT>;
  readonly finalized: boolean;
  /**
   * OK, or what every call but Finalize answers since this node is no member of the cluster: UNAVAILABLE,
   * LIBRARY for a handle of B.01. For the functions that do not ask the executive.
   */
  readonly standing: SaAisErrorT;
  /** One call to the executive; BAD_HANDLE once finalised. */
  request(fn: string, argument: unknown): Promise<Reply>;
  /** Queue a callback; the binding calls it from `onEvent` and when an async call's reply arrives. */
  enqueue(callback: QueuedCallback): void;
  /** Drop queued callbacks of an owner that was closed. */
  dropCallbacks(owner: unknown): void;
  /** `saXxxDispatch`: ONE, ALL or BLOCKING; anything else is INVALID_PARAM. */
  dispatch(flags: SaDispatchFlagsT): Promise<SaAisErrorT>;
  selectionObject(): SelectionObject;
  /**
   * Runs once when the executive or the connection is gone (LIBRARY), or the handle stale because this node is
   * no member any more (UNAVAILABLE); not on `finalize`.
   */
  onLost(listener: LostListener): void;
  /** `saXxxFinalize`: second time BAD_HANDLE, LIBRARY for a stale handle. Drops the queue, ends BLOCKING dispatches with OK. */
  finalize(): Promise<SaAisErrorT>;
}

/** How a binding turns what the executive calls back into queued callbacks. */
export type EventTranslator = (event: CallbackEvent) => void;
