/** What a client is told about a view (AIS B.4 rules 1 to 4): pure functions on member tables. */
import {
  type ClusterNode,
  type NodeChange,
  SA_CLM_NODE_JOINED,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_NO_CHANGE,
  SA_CLM_NODE_RECONFIGURED,
  type SaClmClusterChangesT,
  type ViewReport,
} from '../protocol.ts';
import type { ClmState, Members, Track } from './state.ts';

/** The current view, all members unchanged; `onlyNode`: restricted to this one. */
export function currentReport(state: ClmState, onlyNode: number | undefined): ViewReport {
  const nodes: NodeChange[] = [];
  for (const node of state.members.values()) {
    if (onlyNode !== undefined && node.nodeId !== onlyNode) continue;
    nodes.push({ node, change: SA_CLM_NODE_NO_CHANGE });
  }
  return { viewNumber: state.viewNumber, memberCount: state.members.size, nodes };
}

/**
 * All nodes of two successive views, ascending by nodeid, each labelled. A node that is in both but does
 * not `stay`, since it came back as a new incarnation or out of another history, is there twice: as the
 * one that left, then as the one that joined.
 */
export function compareViews(
  before: Members,
  after: Members,
  stays: (old: ClusterNode, now: ClusterNode) => boolean,
): NodeChange[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  const changes: NodeChange[] = [];
  for (const id of ids) {
    const old = before.get(id);
    const node = after.get(id);
    if (old !== undefined && node !== undefined && stays(old, node)) {
      changes.push({
        node,
        change: equalNodes(old, node) ? SA_CLM_NODE_NO_CHANGE : SA_CLM_NODE_RECONFIGURED,
      });
      continue;
    }
    if (old !== undefined) changes.push({ node: old, change: SA_CLM_NODE_LEFT });
    if (node !== undefined) changes.push({ node, change: SA_CLM_NODE_JOINED });
  }
  return changes;
}

/**
 * What a subscription is told of a compared view; undefined when there is nothing for it: no change that
 * concerns it, and no other news.
 */
export function reportFor(
  track: Track,
  state: ClmState,
  changes: readonly NodeChange[],
  isNews: boolean,
): ViewReport | undefined {
  const { node: ownNode } = track.client;
  const concerned = track.local ? changes.filter((c) => c.node.nodeId === ownNode) : changes;
  const changed = concerned.filter((c) => c.change !== SA_CLM_NODE_NO_CHANGE);
  if (changed.length === 0 && !isNews) return undefined;
  return {
    viewNumber: state.viewNumber,
    memberCount: state.members.size,
    nodes: track.mode === 'changes' ? concerned : changed,
  };
}

/** What a subscription is told of a change to one member that is only planned, or given up. */
export function plannedReport(
  track: Track,
  state: ClmState,
  target: ClusterNode,
  label: SaClmClusterChangesT,
): ViewReport {
  const planned: NodeChange = { node: target, change: label };
  const { viewNumber, nodes } = currentReport(state, track.local ? target.nodeId : undefined);
  return {
    viewNumber,
    memberCount: state.members.size,
    nodes:
      track.mode === 'changes-only'
        ? [planned]
        : nodes.map((entry) => (entry.node.nodeId === target.nodeId ? planned : entry)),
  };
}

/** Members as a table, ascending. */
export function toMembers(nodes: readonly ClusterNode[]): Members {
  return new Map([...nodes].sort((a, b) => a.nodeId - b.nodeId).map((n) => [n.nodeId, n]));
}

function equalNodes(a: ClusterNode, b: ClusterNode): boolean {
  return (
    a.name === b.name &&
    a.family === b.family &&
    a.address === b.address &&
    a.initialView === b.initialView
  );
}
