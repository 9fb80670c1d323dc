/**
 * What the CLM client and the CLM service say to each other: requests, replies, the one callback, and
 * the numbers of the standard (AIS B.4) that both need.
 */
import { type Infer, s } from '@aisexec/service';

export const CLM_SERVICE = 'clm';

/** "The node on which I run" (`SA_CLM_LOCAL_NODE_ID`). */
export const SA_CLM_LOCAL_NODE_ID = 0xffff_ffff;

export const SaClmClusterChangesT = {
  SA_CLM_NODE_NO_CHANGE: 1,
  SA_CLM_NODE_JOINED: 2,
  SA_CLM_NODE_LEFT: 3,
  SA_CLM_NODE_RECONFIGURED: 4,
  SA_CLM_NODE_UNLOCK: 5,
  SA_CLM_NODE_SHUTDOWN: 6,
} as const;
export type SaClmClusterChangesT = (typeof SaClmClusterChangesT)[keyof typeof SaClmClusterChangesT];
export const {
  SA_CLM_NODE_NO_CHANGE,
  SA_CLM_NODE_JOINED,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_RECONFIGURED,
  SA_CLM_NODE_UNLOCK,
  SA_CLM_NODE_SHUTDOWN,
} = SaClmClusterChangesT;

/** A member, as replicated and as sent to clients. Plain data. */
export interface ClusterNode {
  readonly nodeId: number;
  readonly name: string;
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  /** Nanoseconds since the Unix epoch. */
  readonly bootTime: bigint;
  /** The view in which this node became a member. */
  readonly initialView: bigint;
}

/** One node in a view, and what became of it since the view before. */
export interface NodeChange {
  readonly node: ClusterNode;
  readonly change: SaClmClusterChangesT;
}

/** A view as a client is told: the reply to `current` and `track`, and the callback `changed`. */
export interface ViewReport {
  readonly viewNumber: bigint;
  /** How many members the view has, whatever `nodes` is restricted to. */
  readonly memberCount: number;
  readonly nodes: readonly NodeChange[];
}

/** Where a change stands: may it happen, prepare for it, it will not happen, it has happened (AIS B.4 rule 5). */
export type ChangeStep = 'validate' | 'start' | 'aborted' | 'completed';

/** Payload of the callback {@link CHANGED}. */
export interface ChangedEvent extends ViewReport {
  readonly subscription: number;
  readonly step: ChangeStep;
  /** To be named in the response; 0: none is awaited. */
  readonly invocation: bigint;
  /** Nanoseconds in which the response is awaited; null: without a limit, or none is awaited. */
  readonly timeSupervision: bigint | null;
  /** Name of the node whose administration this is; null for what happened by itself. */
  readonly cause: string | null;
  /** The client's own node is no member any more: this is the last it hears. */
  readonly evicted: boolean;
}
export const CHANGED = 'changed';

/** Which changes a subscription wants. */
export const trackMode = s.oneOf('changes', 'changes-only');
export type TrackMode = Infer<typeof trackMode>;

/**
 * Which admission of its node a client was connected under; every request names it. After an eviction
 * the node's next admission has another number, so that a stale client stays stale (AIS B.0, UNAVAILABLE).
 */
const admission = s.u64;

/** Local: is this client's node a member? Without a number: under which admission? Replies with it. */
export const standingRequest = s.object({ admission: s.optional(admission) });
/** Local: the current view. */
export const currentRequest = s.object({ admission, local: s.bool });
/** Ordered: subscribe, in the place of any former subscription of this client. Replies with the current view. */
export const trackRequest = s.object({
  admission,
  mode: trackMode,
  local: s.bool,
  /** Ask this client before a node is removed, and tell it when the removal starts. */
  validate: s.bool,
  start: s.bool,
  /** The client's own number for it, to tell late callbacks of a former one. */
  subscription: s.u32,
});
export type TrackRequest = Infer<typeof trackRequest>;
/** Ordered: NOT_EXIST when there is no subscription. */
export const trackStopRequest = s.object({ admission });
/** Ordered: INVALID_PARAM when no such response is awaited of this client. */
export const respondRequest = s.object({
  admission,
  invocation: s.u64,
  response: s.oneOf('ok', 'rejected', 'error'),
});
export type StepResponse = Infer<typeof respondRequest>['response'];
/** Local: one node. {@link SA_CLM_LOCAL_NODE_ID} is this one. */
export const nodeGetRequest = s.object({ admission, nodeId: s.u32 });

/** Ordered, for administrators, from members and others. Answered when the operation has ended. */
export const administerRequest = s.object({
  operation: s.oneOf('unlock', 'lock', 'shutdown'),
  nodeId: s.u32,
  /** How long each step waits for responses. */
  supervisionMs: s.u32,
});
export type AdministerRequest = Infer<typeof administerRequest>;
export type AdminOperation = AdministerRequest['operation'];
/** Local: all nodes that are here or were administered, with their administrative states. */
export const adminStatesRequest = s.object({});
export type AdminState = 'unlocked' | 'locked' | 'shutting-down';
/** Reply to {@link adminStatesRequest}. */
export interface NodeAdminState {
  readonly nodeId: number;
  /** Null: its executive is not in this ring. */
  readonly name: string | null;
  readonly member: boolean;
  readonly state: AdminState;
}
