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

/** Payload of the callback {@link CHANGED}. */
export interface ChangedEvent extends ViewReport {
  readonly subscription: number;
}
export const CHANGED = 'changed';

/** Which changes a subscription wants. */
export const trackMode = s.oneOf('changes', 'changes-only');
export type TrackMode = Infer<typeof trackMode>;

/** Local: the current view. */
export const currentRequest = s.object({ local: s.bool });
/** Ordered: subscribe, in the place of any former subscription of this client. Replies with the current view. */
export const trackRequest = s.object({
  mode: trackMode,
  local: s.bool,
  /** The client's own number for it, to tell late callbacks of a former one. */
  subscription: s.u32,
});
export type TrackRequest = Infer<typeof trackRequest>;
/** Ordered: NOT_EXIST when there is no subscription. */
export const trackStopRequest = s.object({});
/** Local: one node. {@link SA_CLM_LOCAL_NODE_ID} is this one. */
export const nodeGetRequest = s.object({ nodeId: s.u32 });

/** Names of the library functions, for the client. */
export const CLM_FUNCTIONS = ['current', 'track', 'trackStop', 'nodeGet'] as const;
export type ClmFunction = (typeof CLM_FUNCTIONS)[number];
