/** A new view: who is a member now, its number, and who must be told (AIS B.4 rules 2 to 4). */
import type { ExecContext, NodeInfo, View } from '@aisexec/service';
import { CHANGED, type ChangedEvent, type ClusterNode, type NodeChange } from '../protocol.ts';
import { compareViews, reportFor, toMembers } from './changes.ts';
import type { ClmState, LostHistory, Members } from './state.ts';

/** `confchg` of the service. The view number rises only when the membership has really changed. */
export function onView(state: ClmState, view: View, ctx: ExecContext): void {
  dropTracksOfLostNodes(state, view);
  const before = state.members;
  const viewNumber = state.viewNumber + 1n;
  const after = toMembers(view.members.map((info) => memberOf(info, before, view, viewNumber)));
  let changes: readonly NodeChange[] = [];
  if (!sameMembership(before, after)) {
    state.viewNumber = viewNumber;
    state.members = after;
    changes = compareViews(before, after, (old, now) => old.initialView === now.initialView);
  }
  for (const track of state.tracks.values()) {
    const seen = track.since === null ? changes : changesSince(track.since, state.members);
    const report = reportFor(track, state, seen);
    if (report === undefined) continue;
    const event: ChangedEvent = { ...report, subscription: track.subscription };
    ctx.callback(track.client, CHANGED, event);
  }
  forgetSince(state);
}

/** For clients of a history that lost: those who came along with them stay, whoever else is here joined. */
function changesSince(since: LostHistory, now: Members): NodeChange[] {
  return compareViews(toMembers(since.members), now, (old) => since.coming.includes(old.nodeId));
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
  return {
    nodeId: info.nodeId,
    name: info.name,
    family: info.address.family,
    address: info.address.text,
    bootTime: info.bootTime,
    initialView: stays ? known.initialView : viewNumber,
  };
}

function sameMembership(before: Members, after: Members): boolean {
  if (before.size !== after.size) return false;
  for (const node of after.values()) {
    const known = before.get(node.nodeId);
    if (known === undefined || known.initialView !== node.initialView) return false;
    if (known.name !== node.name || known.address !== node.address) return false;
  }
  return true;
}

/**
 * Their clients are gone. What a merge brought in with `since` belongs to living clients of nodes that
 * came along, even when the node is also named as left: then it is the new incarnation's.
 */
function dropTracksOfLostNodes(state: ClmState, view: View): void {
  const present = new Set(view.members.map((member) => member.nodeId));
  for (const [key, { client, since }] of state.tracks) {
    const isLost = !present.has(client.node) || (since === null && view.left.includes(client.node));
    if (isLost) state.tracks.delete(key);
  }
}

function forgetSince(state: ClmState): void {
  for (const [key, track] of state.tracks) {
    if (track.since !== null) state.tracks.set(key, { ...track, since: null });
  }
}
