/** Views as the idiomatic layer shows them. */
import {
  type ClusterNode,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_SHUTDOWN,
  SA_CLM_NODE_UNLOCK,
  type StepResponse,
  type ViewReport,
} from '../protocol.ts';

export interface Member {
  readonly nodeId: number;
  readonly name: string;
  readonly address: string;
  readonly family: 'inet' | 'inet6';
  readonly bootTime: Date;
  /** The view in which it became a member; a returning node has a new one. */
  readonly initialView: bigint;
}

export interface MembershipView {
  /** Rises with every change of membership. */
  readonly viewNumber: bigint;
  /** Ascending by nodeid. */
  readonly members: readonly Member[];
}

/** The membership has changed, or is seen for the first time. */
export interface ViewChange extends MembershipView {
  readonly step: 'completed';
  /** Not in the item before, or gone and back since. In the first item: all. */
  readonly joined: readonly Member[];
  /** In the item before and gone, or gone and back since. */
  readonly left: readonly Member[];
}

/** What the items about a removal have in common. */
export interface Removal extends MembershipView {
  /** The member that an administrator wants to remove. */
  readonly node: Member;
  /** `shutdown` waits for every answer to `start`, `leave` does not wait for ever; `unlock` ended a shutdown. */
  readonly removal: 'leave' | 'shutdown' | 'unlock';
}

/** A member is about to be removed: `validate` asks whether it may, `start` says that it will. To be answered. */
export interface RemovalStep extends Removal {
  readonly step: 'validate' | 'start';
  /** The time in which an answer counts; null: the removal waits for it. */
  readonly timeSupervisionMs: number | null;
  /**
   * `rejected` stops a removal that is being validated; `error` never stops anything.
   * @returns false when no answer is awaited any more. @throws SaAisError, e.g. UNAVAILABLE.
   */
  respond(response: StepResponse): Promise<boolean>;
}

/** A removal that was announced will not happen. */
export interface RemovalAborted extends Removal {
  readonly step: 'aborted';
}

/** What `track` yields when it is asked for steps. */
export type MembershipChange = ViewChange | RemovalStep | RemovalAborted;

const NS_PER_MS = 1_000_000n;

export function toMember(node: ClusterNode): Member {
  const { nodeId, name, address, family, initialView } = node;
  const bootTime = new Date(Number(node.bootTime / NS_PER_MS));
  return { nodeId, name, address, family, bootTime, initialView };
}

/** The members of a report that has all of them (a current view, or mode `changes`). */
export function toView(report: ViewReport): MembershipView {
  const members = report.nodes
    .filter(({ change }) => change !== SA_CLM_NODE_LEFT)
    .map(({ node }) => toMember(node));
  return { viewNumber: report.viewNumber, members };
}

/** The nodes that a report says have left, also those that are back in the same report. */
export function leftIn(report: ViewReport): readonly number[] {
  return report.nodes
    .filter(({ change }) => change === SA_CLM_NODE_LEFT)
    .map(({ node }) => node.nodeId);
}

/** The common part of a report about a removal that has not happened; it has the node and all members. */
export function toRemoval(report: ViewReport): Removal | undefined {
  const concerned = report.nodes.find(({ change }) => REMOVALS[change] !== undefined);
  const removal = REMOVALS[concerned?.change ?? 0];
  if (concerned === undefined || removal === undefined) return undefined;
  const members = report.nodes.map(({ node }) => toMember(node));
  return { viewNumber: report.viewNumber, members, node: toMember(concerned.node), removal };
}

const REMOVALS: Readonly<Record<number, Removal['removal']>> = {
  [SA_CLM_NODE_LEFT]: 'leave',
  [SA_CLM_NODE_SHUTDOWN]: 'shutdown',
  [SA_CLM_NODE_UNLOCK]: 'unlock',
};
