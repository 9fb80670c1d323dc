/**
 * The lock table on its way to other nodes, and what becomes of several tables (ADR 0062). The winner's
 * table is kept. Of the others the open handles and the waiting requests are kept, behind the
 * winner's; their granted locks are dropped and their owners told, since the winner's side may have
 * granted the same resources. Whose table wins is never decided here, and never by the lowest
 * nodeid of the new membership, by which openais lost all locks to an empty joiner (AIS D.1 row 1).
 */

import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import { type ClientRef, type Infer, type Schema, type StatePart, s } from '@aisexec/service';
import { SA_LCK_EX_LOCK_MODE, SA_LCK_PR_LOCK_MODE } from '../protocol.ts';
import { CHUNK_ENTRIES_MAX } from './limits.ts';
import {
  addOpen,
  addOrphan,
  addWaiting,
  clientKey,
  dropIfUnused,
  ensureClient,
  ensureResource,
  initialState,
  type LckState,
  putGranted,
  putIndex,
  putOpen,
  putWaiting,
  type Resource,
  stripClient,
} from './state.ts';

const name = s.text(SA_MAX_NAME_LENGTH);
const fairness = s.oneOf('standard', 'fifo');
const mode = s.oneOf(SA_LCK_PR_LOCK_MODE, SA_LCK_EX_LOCK_MODE);
const ref = s.object({ node: s.u32, connection: s.count });
const source = s.object({ node: s.u32, connection: s.count, request: s.count });
const lockFields = {
  id: s.u64,
  owner: ref,
  handle: s.u64,
  mode,
  orphan: s.bool,
  notify: s.bool,
  since: s.i64,
} as const;

const resourceSchema = s.object({
  name,
  openers: s.count,
  granted: s.list(s.object({ ...lockFields, token: s.u64 }), CHUNK_ENTRIES_MAX),
  orphans: s.list(
    s.object({ id: s.u64, owner: ref, mode, token: s.u64, since: s.i64 }),
    CHUNK_ENTRIES_MAX,
  ),
  waiting: s.list(
    s.object({ ...lockFields, waiterSignal: s.u64, detect: s.bool, source, announced: s.bool }),
    CHUNK_ENTRIES_MAX,
  ),
});
type ResourcePart = Infer<typeof resourceSchema>;

const chunkSchema = s.union(
  s.object({
    kind: s.oneOf('head'),
    quorate: s.bool,
    fairness: s.nullable(fairness),
  }),
  s.object({
    kind: s.oneOf('client'),
    ref,
    opens: s.list(s.object({ handle: s.u64, name, notify: s.bool }), CHUNK_ENTRIES_MAX),
    locks: s.list(s.object({ id: s.u64, handle: s.u64 }), CHUNK_ENTRIES_MAX),
  }),
  s.object({ kind: s.oneOf('resources'), resources: s.list(resourceSchema, CHUNK_ENTRIES_MAX) }),
);

/** The schema of a chunk. */
export const chunk: Schema<LckChunk> = chunkSchema;
export type LckChunk = Infer<typeof chunkSchema>;

/** Clients before resources: a lock is loaded into the open it belongs to. */
export function* save(state: LckState): Iterable<LckChunk> {
  yield { kind: 'head', quorate: state.quorate, fairness: state.fairness };
  for (const client of state.clients.values()) {
    const opens = [...client.opens].map(([handle, open]) => ({
      handle,
      name: open.name,
      notify: open.notify,
    }));
    const locks = [...client.locks].map(([id, handle]) => ({ id, handle }));
    for (const slice of slices(opens)) {
      yield { kind: 'client', ref: client.ref, opens: slice, locks: [] };
    }
    for (const slice of slices(locks)) {
      yield { kind: 'client', ref: client.ref, opens: [], locks: slice };
    }
  }
  yield* saveResources(state);
}

/** Folds one chunk into a state that began as a fresh one. */
export function load(state: LckState, part: LckChunk): void {
  if (part.kind === 'head') {
    state.quorate = part.quorate;
    state.fairness = part.fairness;
  } else if (part.kind === 'client') loadClient(state, part);
  else for (const resource of part.resources) loadResource(state, resource);
}

/** One table out of several, winner first. Consumes the parts. */
export function merge(parts: readonly StatePart<LckState>[]): LckState {
  const [winner, ...losers] = parts;
  if (winner === undefined) return initialState();
  const { state } = winner;
  const touched = new Set<Resource>();
  state.fairness = parts.find((part) => part.state.fairness !== null)?.state.fairness ?? null;
  for (const { members } of losers) {
    // Their own part says what became of these clients; the winner's word on them is out of date.
    for (const client of [...state.clients.values()]) {
      if (!members.includes(client.ref.node)) continue;
      for (const resource of stripClient(state, client.ref)) touched.add(resource);
    }
  }
  for (const loser of losers) adopt(state, loser);
  for (const resource of touched) dropIfUnused(state, resource);
  return state;
}

/**
 * Takes over what may be kept of a part that lost: no lock, even where nobody holds the resource now and
 * even of a part that was quorate. It may be one that was cut off and missed that others held the
 * lock in between; its holder must hear of that.
 */
function adopt(state: LckState, part: StatePart<LckState>): void {
  const ours = (owner: { readonly node: number }): boolean => part.members.includes(owner.node);
  for (const client of part.state.clients.values()) {
    if (!ours(client.ref)) continue;
    for (const [handle, open] of client.opens) addOpen(state, client.ref, handle, open);
  }
  for (const name of part.state.contended) {
    const resource = state.resources.get(name);
    if (resource === undefined) continue;
    for (const lock of part.state.resources.get(name)?.waiting.values() ?? []) {
      if (ours(lock.owner)) addWaiting(state, resource, { ...lock, announced: false });
    }
  }
}

/**
 * Many small ones in a chunk, a large one in several. Those with waiting requests come once more, after all, in the order
 * in which they are in {@link LckState.contended}.
 */
function* saveResources(state: LckState): Iterable<LckChunk> {
  let resources: ResourcePart[] = [];
  let entries = 0;
  for (const part of allParts(state)) {
    const size = Math.max(1, part.granted.length + part.orphans.length + part.waiting.length);
    if (entries + size > CHUNK_ENTRIES_MAX) {
      yield { kind: 'resources', resources };
      resources = [];
      entries = 0;
    }
    resources.push(part);
    entries += size;
  }
  if (resources.length > 0) yield { kind: 'resources', resources };
}

function* allParts(state: LckState): Iterable<ResourcePart> {
  for (const resource of state.resources.values()) yield* heldParts(resource);
  for (const name of state.contended) {
    const resource = state.resources.get(name);
    if (resource !== undefined) yield* waitingParts(resource);
  }
}

const NOTHING = { granted: [], orphans: [], waiting: [] };

function* heldParts({ name, openers, granted, orphans }: Resource): Iterable<ResourcePart> {
  const head = { name, openers };
  if (granted.size + orphans.length === 0) yield { ...head, ...NOTHING };
  for (const slice of slices([...granted.values()])) yield { ...head, ...NOTHING, granted: slice };
  for (const slice of slices(orphans)) yield { ...head, ...NOTHING, orphans: slice };
}

function* waitingParts({ name, openers, waiting }: Resource): Iterable<ResourcePart> {
  for (const slice of slices([...waiting.values()])) {
    yield { name, openers, ...NOTHING, waiting: slice };
  }
}

function loadClient(state: LckState, part: Extract<LckChunk, { kind: 'client' }>): void {
  const client = ensureClient(state, part.ref);
  for (const { handle, ...open } of part.opens) putOpen(state, client, handle, open);
  for (const { id, handle } of part.locks) putIndex(client, id, handle);
}

function loadResource(state: LckState, part: ResourcePart): void {
  const resource = ensureResource(state, part.name);
  resource.openers = part.openers;
  const ownerOf = (owner: ClientRef) => state.clients.get(clientKey(owner))?.ref ?? owner;
  for (const lock of part.granted) {
    // Field by field: an object as the decoder makes them takes twice the memory.
    const { id, owner, handle, mode, orphan, notify, since, token } = lock;
    const held = { id, owner: ownerOf(owner), handle, mode, orphan, notify, since, token };
    putGranted(state, resource, held);
  }
  for (const lock of part.waiting) {
    putWaiting(state, resource, { ...lock, owner: ownerOf(lock.owner) });
  }
  for (const orphan of part.orphans) addOrphan(state, resource, orphan);
}

function* slices<T>(items: readonly T[]): Iterable<T[]> {
  for (let i = 0; i < items.length; i += CHUNK_ENTRIES_MAX) {
    yield items.slice(i, i + CHUNK_ENTRIES_MAX);
  }
}
