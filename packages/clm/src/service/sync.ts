/** CLM's state in chunks, and one state out of several histories. */
import { type Infer, type StatePart, s } from '@aisexec/service';
import { trackMode } from '../protocol.ts';
import { CLM_ADMIN_RECORDS_MAX, CLM_MEMBERS_MAX, CLM_TRACKS_PER_CHUNK_MAX } from './limits.ts';
import {
  type ClmState,
  clientKey,
  createState,
  type LostHistory,
  type LostOperation,
  type Track,
} from './state.ts';

const NAME_BYTES_MAX = 256;
const ADDRESS_BYTES_MAX = 64;
/** Who asked for a shutdown, and who made a lock of it. */
const CALLERS_MAX = 2;

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
  admission: s.u64,
  mode: trackMode,
  local: s.bool,
  validate: s.bool,
  start: s.bool,
  subscription: s.u32,
  owes: s.list(s.object({ nodeId: s.u32, invocation: s.u64 }), CLM_MEMBERS_MAX),
});
const record = s.object({ nodeId: s.u32, locked: s.bool, changed: s.u64, evicted: s.u64 });
const operation = s.object({
  nodeId: s.u32,
  kind: s.oneOf('lock', 'shutdown'),
  step: s.oneOf('validate', 'start'),
  supervision: s.i64,
  deadline: s.nullable(s.i64),
  owed: s.count,
  callers: s.list(s.object({ node: s.u32, connection: s.count, request: s.count }), CALLERS_MAX),
});
export const clmChunk = s.object({
  viewNumber: s.u64,
  invocations: s.u64,
  members: s.list(node, CLM_MEMBERS_MAX),
  operations: s.list(operation, CLM_MEMBERS_MAX),
  records: s.list(record, CLM_ADMIN_RECORDS_MAX),
  tracks: s.list(track, CLM_TRACKS_PER_CHUNK_MAX),
});
export type ClmChunk = Infer<typeof clmChunk>;

/** Members and operations first, then the records and the subscriptions in portions. */
export function* save(state: ClmState): Iterable<ClmChunk> {
  const { viewNumber, invocations } = state;
  const nothing = { viewNumber, invocations, members: [], operations: [], records: [], tracks: [] };
  const operations = [...state.operations.values()].map((known) => ({
    ...known,
    callers: [...known.callers],
  }));
  yield { ...nothing, members: [...state.members.values()], operations };
  const records = [...state.records].map(([nodeId, known]) => ({ nodeId, ...known }));
  for (const portion of portions(records, CLM_ADMIN_RECORDS_MAX)) {
    yield { ...nothing, records: portion };
  }
  const tracks = [...state.tracks.values()].map(({ client, since: _, owes, ...rest }) => ({
    node: client.node,
    connection: client.connection,
    ...rest,
    owes: [...owes],
  }));
  for (const portion of portions(tracks, CLM_TRACKS_PER_CHUNK_MAX)) {
    yield { ...nothing, tracks: portion };
  }
}

export function load(state: ClmState, chunk: ClmChunk): void {
  state.viewNumber = chunk.viewNumber;
  state.invocations = chunk.invocations;
  for (const member of chunk.members) state.members.set(member.nodeId, { ...member });
  for (const known of chunk.operations) state.operations.set(known.nodeId, { ...known });
  for (const { nodeId, locked, changed, evicted } of chunk.records) {
    state.records.set(nodeId, { locked, changed, evicted });
  }
  for (const { node: nodeId, connection, ...rest } of chunk.tracks) {
    const client = { node: nodeId, connection };
    state.tracks.set(clientKey(client), { client, ...rest, since: null });
  }
}

/**
 * The winner's members; the others join them in the view that follows, whose number is above every
 * number seen in any history. Each history brings the subscriptions of its own living nodes; those of
 * the losers remember which members their clients were told of. Of what was decided about a node the
 * latest decision of all histories stands (ADR 0095). Operations of the winner go on; the others' end.
 */
export function merge(parts: readonly StatePart<ClmState>[]): ClmState {
  const merged = createState();
  const winner = parts[0];
  if (winner === undefined) return merged;
  merged.viewNumber = winner.state.viewNumber;
  merged.members = winner.state.members;
  merged.operations = winner.state.operations;
  const lost: LostOperation[] = [];
  for (const part of parts) {
    const { state, members } = part;
    if (part !== winner && state.viewNumber > merged.lostViewNumber) {
      merged.lostViewNumber = state.viewNumber;
    }
    if (state.invocations > merged.invocations) merged.invocations = state.invocations;
    mergeRecords(merged, state);
    const since: LostHistory | null =
      part === winner ? null : { members: [...state.members.values()], coming: [...members] };
    for (const [key, known] of [...state.tracks].sort(byKey)) {
      if (!members.includes(known.client.node)) continue;
      merged.tracks.set(key, { ...known, since, owes: part === winner ? known.owes : [] });
    }
    if (part !== winner) lost.push(...lostOperations(part));
  }
  merged.lost = lost;
  keepToWinner(merged, winner.members);
  return merged;
}

function mergeRecords(merged: ClmState, state: ClmState): void {
  for (const [nodeId, known] of state.records) {
    const best = merged.records.get(nodeId);
    if (best === undefined || known.changed > best.changed) merged.records.set(nodeId, known);
  }
}

function lostOperations({ state, members }: StatePart<ClmState>): LostOperation[] {
  return [...state.operations.values()].map((known) => ({
    operation: { ...known, callers: known.callers.filter((c) => members.includes(c.node)) },
    members: [...members],
  }));
}

/** The operations that go on wait for, and answer, clients of the winner's own nodes only. */
function keepToWinner(merged: ClmState, members: readonly number[]): void {
  for (const known of merged.operations.values()) {
    known.callers = known.callers.filter((caller) => members.includes(caller.node));
    known.owed = 0;
  }
  for (const { owes } of merged.tracks.values()) {
    for (const { nodeId } of owes) {
      const known = merged.operations.get(nodeId);
      if (known !== undefined) known.owed++;
    }
  }
}

function* portions<T>(items: readonly T[], size: number): Iterable<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function byKey([a]: readonly [string, Track], [b]: readonly [string, Track]): number {
  return a < b ? -1 : 1;
}
