/** What the executive says, in the structures of the standard. */
import { SA_FALSE, SA_TRUE } from '@aisexec/ais';
import type { Reply } from '@aisexec/ipc';
import {
  type ChangeStep,
  type ClusterNode,
  type NodeChange,
  SA_CLM_NODE_LEFT,
  type ViewReport,
} from '../protocol.ts';
import { SA_CLM_AF_INET, SA_CLM_AF_INET6 } from './constants.ts';
import type {
  SaClmClusterNodeT_4,
  SaClmClusterNotificationBufferT_4,
  SaClmClusterNotificationT_4,
} from './literal-types.ts';

/** B.01 and B.04 differ in one field, which a B.01 program does not look at; it is left out there. */
export type Generation = 1 | 4;

/** The node of a reply; undefined when an executive of another version left it out. */
export function nodeOf(reply: Reply): ClusterNode | undefined {
  return reply['node'] as ClusterNode | undefined;
}

/** The view of a reply; an empty one when an executive of another version left it out. */
export function viewOf(reply: Reply): ViewReport {
  const view = reply['view'] as ViewReport | undefined;
  return view ?? { viewNumber: 0n, memberCount: 0, nodes: [] };
}

export function toClusterNode(
  node: ClusterNode,
  member: boolean,
  generation: Generation,
): SaClmClusterNodeT_4 {
  const common = {
    nodeId: node.nodeId,
    nodeAddress: {
      family: node.family === 'inet6' ? SA_CLM_AF_INET6 : SA_CLM_AF_INET,
      value: node.address,
    },
    nodeName: node.name,
    member: member ? SA_TRUE : SA_FALSE,
    bootTimestamp: node.bootTime,
    initialViewNumber: node.initialView,
  } as const;
  return generation === 1
    ? (common as SaClmClusterNodeT_4)
    : { ...common, executionEnvironment: '' };
}

/** A node that has left is no member; one that is about to leave still is. */
export function toNotifications(
  nodes: readonly NodeChange[],
  generation: Generation,
  step: ChangeStep,
): SaClmClusterNotificationT_4[] {
  const isMember = (change: number) => step !== 'completed' || change !== SA_CLM_NODE_LEFT;
  return nodes.map(({ node, change }) => ({
    clusterNode: toClusterNode(node, isMember(change), generation),
    clusterChange: change,
  }));
}

/** The buffer that a track callback is given. */
export function toBuffer(
  view: ViewReport,
  generation: Generation,
  step: ChangeStep,
): SaClmClusterNotificationBufferT_4 {
  const notification = toNotifications(view.nodes, generation, step);
  return { viewNumber: view.viewNumber, numberOfItems: notification.length, notification };
}
