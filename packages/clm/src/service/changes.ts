/** What a client is told about a view (AIS B.4 rules 1 to 4): pure functions on member tables. */
import {
  type ClusterNode,
  type NodeChange,
  SA_CLM_NODE_JOINED,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_NO_CHANGE,
  SA_CLM_NODE_RECONFIGURED,
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

/** What a subscription is told of a compared view; undefined when there is nothing for it. */
export function reportFor(
  track: Track,
  state: ClmState,
  changes: readonly NodeChange[],
): ViewReport | undefined {
  const { node: ownNode } = track.client;
  const concerned = track.local ? changes.filter((c) => c.node.nodeId === ownNode) : changes;
  const changed = concerned.filter((c) => c.change !== SA_CLM_NODE_NO_CHANGE);
  if (changed.length === 0) return undefined;
  return {
    viewNumber: state.viewNumber,
    memberCount: state.members.size,
    nodes: track.mode === 'changes' ? concerned : changed,
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
