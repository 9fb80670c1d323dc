/** Installs a set of members: its number, and who must be told (AIS B.4 rules 2 to 4). */
import type { ExecContext, NodeInfo } from '@aisexec/service';
import { CHANGED, type ChangedEvent, type ClusterNode, type NodeChange } from '../protocol.ts';
import { compareViews, reportFor, toMembers } from './changes.ts';
import {
  type ClmState,
  dropTrack,
  isAdmitted,
  type LostHistory,
  type Members,
  nextViewNumber,
} from './state.ts';

/**
 * The members are these from now on. The view number rises when that is a change, and after a merge with
 * a history that has seen as high a number, though none of its nodes may be admitted. Subscribers
 * whose node is no member, or was one by another admission, hear of it and are forgotten.
 */
export function installMembers(
  state: ClmState,
  after: Members,
  ctx: ExecContext,
  cause: string | null,
): void {
  let changes: readonly NodeChange[] = [];
  const before = state.members;
  const isOvertaken = state.lostViewNumber > 0n && state.lostViewNumber >= state.viewNumber;
  if (isOvertaken || !sameMembership(before, after)) {
    state.viewNumber = nextViewNumber(state);
    state.members = after;
    changes = compareViews(before, after, (old, now) => old.initialView === now.initialView);
  }
  for (const track of [...state.tracks.values()]) {
    const { client, since, subscription } = track;
    const seen = since === null ? changes : changesSince(since, state.members);
    // After a merge the node may be a member by a later admission: for this client that is no other.
    const evicted = !isAdmitted(state, client.node, track.admission);
    const isNews = evicted || (isOvertaken && !track.local);
    const report = reportFor(track, state, seen, isNews);
    if (report !== undefined) {
      const event: ChangedEvent = { ...report, ...COMPLETED, subscription, cause, evicted };
      ctx.callback(client, CHANGED, event);
    }
    if (evicted) dropTrack(state, client);
  }
  state.lostViewNumber = 0n;
}

const COMPLETED = { step: 'completed', invocation: 0n, timeSupervision: null } as const;

/** An executive as a member since the view `initialView`. */
export function toClusterNode(info: NodeInfo, initialView: bigint): ClusterNode {
  return {
    nodeId: info.nodeId,
    name: info.name,
    family: info.address.family,
    address: info.address.text,
    bootTime: info.bootTime,
    initialView,
  };
}

/** For clients of a history that lost: those who came along with them stay, whoever else is here joined. */
function changesSince(since: LostHistory, now: Members): NodeChange[] {
  return compareViews(toMembers(since.members), now, (old) => since.coming.includes(old.nodeId));
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
