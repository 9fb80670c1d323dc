/** A new view: who is a member now, and what becomes of clients and operations of nodes that are gone. */
import type { ExecContext, NodeInfo, View } from '@aisexec/service';
import type { ClusterNode } from '../protocol.ts';
import { toMembers } from './changes.ts';
import { installMembers, toClusterNode } from './membership.ts';
import { abortLost, operationsAfterView } from './operations.ts';
import {
  type ClmState,
  clientKey,
  dropTrack,
  isLocked,
  type Members,
  nextViewNumber,
} from './state.ts';

/** `confchg` of the service. Members are the executives of the view that are not locked. */
export function onView(state: ClmState, view: View, ctx: ExecContext): void {
  forgetLostClients(state, view);
  const { members } = state;
  const viewNumber = nextViewNumber(state);
  const admitted = view.members.filter(({ nodeId }) => !isLocked(state, nodeId));
  const after = admitted.map((info) => memberOf(info, members, view, viewNumber));
  installMembers(state, toMembers(after), ctx, null);
  abortLost(state, ctx);
  forgetSince(state);
  operationsAfterView(state, ctx);
}

/** Who stays keeps the view in which it joined; who came, or came back, joins in this one. */
function memberOf(
  info: NodeInfo,
  before: Members,
  { joined, left }: View,
  viewNumber: bigint,
): ClusterNode {
  const known = before.get(info.nodeId);
  const stays =
    known !== undefined &&
    known.bootTime === info.bootTime &&
    !left.includes(info.nodeId) &&
    !joined.includes(info.nodeId);
  return toClusterNode(info, stays ? known.initialView : viewNumber);
}

/**
 * Clients of nodes that left. What a merge brought in with `since` belongs to living clients of nodes
 * that came along, even when the node is also named as left: then it is the new incarnation's.
 */
function forgetLostClients(state: ClmState, view: View): void {
  const present = new Set(view.members.map((member) => member.nodeId));
  for (const { client, since } of [...state.tracks.values()]) {
    const isLost = !present.has(client.node) || (since === null && view.left.includes(client.node));
    if (isLost) dropTrack(state, client);
  }
  for (const operation of state.operations.values()) {
    operation.callers = operation.callers.filter(
      ({ node }) => present.has(node) && !view.left.includes(node),
    );
  }
}

function forgetSince(state: ClmState): void {
  for (const track of [...state.tracks.values()]) {
    if (track.since !== null) state.tracks.set(clientKey(track.client), { ...track, since: null });
  }
}
