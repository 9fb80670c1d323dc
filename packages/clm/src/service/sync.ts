/** CLM's state in chunks, and one state out of several histories. */
import { type Infer, type StatePart, s } from '@aisexec/service';
import { trackMode } from '../protocol.ts';
import { CLM_MEMBERS_MAX, CLM_TRACKS_PER_CHUNK_MAX } from './limits.ts';
import { type ClmState, clientKey, createState, type LostHistory, type Track } from './state.ts';

const NAME_BYTES_MAX = 256;
const ADDRESS_BYTES_MAX = 64;

const node = s.object({
  nodeId: s.u32,
  name: s.text(NAME_BYTES_MAX),
  family: s.oneOf('inet', 'inet6'),
  address: s.text(ADDRESS_BYTES_MAX),
  bootTime: s.i64,
  initialView: s.u64,
});
const track = s.object({
  node: s.u32,
  connection: s.count,
  mode: trackMode,
  local: s.bool,
  subscription: s.u32,
});
export const clmChunk = s.object({
  viewNumber: s.u64,
  members: s.list(node, CLM_MEMBERS_MAX),
  tracks: s.list(track, CLM_TRACKS_PER_CHUNK_MAX),
});
export type ClmChunk = Infer<typeof clmChunk>;

/** The members first, then the subscriptions in portions. */
export function* save(state: ClmState): Iterable<ClmChunk> {
  const { viewNumber } = state;
  yield { viewNumber, members: [...state.members.values()], tracks: [] };
  const tracks = [...state.tracks.values()].map(({ client, mode, local, subscription }) => ({
    node: client.node,
    connection: client.connection,
    mode,
    local,
    subscription,
  }));
  for (let i = 0; i < tracks.length; i += CLM_TRACKS_PER_CHUNK_MAX) {
    yield { viewNumber, members: [], tracks: tracks.slice(i, i + CLM_TRACKS_PER_CHUNK_MAX) };
  }
}

export function load(state: ClmState, chunk: ClmChunk): void {
  state.viewNumber = chunk.viewNumber;
  for (const member of chunk.members) state.members.set(member.nodeId, { ...member });
  for (const { node: nodeId, connection, mode, local, subscription } of chunk.tracks) {
    const client = { node: nodeId, connection };
    state.tracks.set(clientKey(client), { client, mode, local, subscription, since: null });
  }
}

/**
 * The winner's members; the others join them in the view that follows, whose number is above every
 * number seen in any history. Each history brings the subscriptions of its own living nodes; those of
 * the losers remember which members their clients were told of.
 */
export function merge(parts: readonly StatePart<ClmState>[]): ClmState {
  const merged = createState();
  const winner = parts[0];
  if (winner !== undefined) merged.members = winner.state.members;
  for (const part of parts) {
    if (part.state.viewNumber > merged.viewNumber) merged.viewNumber = part.state.viewNumber;
    const since: LostHistory | null =
      part === winner
        ? null
        : { members: [...part.state.members.values()], coming: [...part.members] };
    for (const [key, known] of [...part.state.tracks].sort(byKey)) {
      if (part.members.includes(known.client.node)) merged.tracks.set(key, { ...known, since });
    }
  }
  return merged;
}

function byKey([a]: readonly [string, Track], [b]: readonly [string, Track]): number {
  return a < b ? -1 : 1;
}
