/**
 * The lock table on its way to other nodes, and what becomes of several tables (ADR 0062). The winner's
 * table is kept. Of the others the open handles and the waiting requests are kept, behind the
 * winner's; their granted locks are dropped and their owners told, since the winner's side may have
 * granted the same resources. Whose table wins is never decided here, and never by the lowest
 * nodeid of the new membership, by which openais lost all locks to an empty joiner (AIS D.1 row 1).
 */

import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import { type Infer, type Schema, type StatePart, s } from '@aisexec/service';
import { SA_LCK_EX_LOCK_MODE, SA_LCK_PR_LOCK_MODE } from '../protocol.ts';
import { CHUNK_ENTRIES_MAX } from './limits.ts';
import {
  addOpen,
  addWaiting,
  clientKey,
  dropIfUnused,
  ensureClient,
  ensureResource,
  initialState,
  type LckState,
  lockKey,
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
  state.fairness = parts.find((part) => part.state.fairness !== null)?.state.fairness ?? null;
  for (const { members } of losers) {
    // Their own part says what became of these clients; the winner's word on them is out of date.
    for (const client of [...state.clients.values()]) {
      if (members.includes(client.ref.node)) stripClient(state, client.ref);
    }
  }
  for (const loser of losers) adopt(state, loser);
  for (const resource of [...state.resources.values()]) dropIfUnused(state, resource);
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
  for (const old of part.state.resources.values()) {
    const resource = state.resources.get(old.name);
    if (resource === undefined) continue;
    for (const lock of old.waiting.values()) {
      if (ours(lock.owner)) addWaiting(state, resource, { ...lock, announced: false });
    }
  }
}

/** Many small ones in a chunk, a large one in several. */
function* saveResources(state: LckState): Iterable<LckChunk> {
  let resources: ResourcePart[] = [];
  let entries = 0;
  for (const resource of state.resources.values()) {
    for (const part of partsOf(resource)) {
      const size = Math.max(1, part.granted.length + part.orphans.length + part.waiting.length);
      if (entries + size > CHUNK_ENTRIES_MAX) {
        yield { kind: 'resources', resources };
        resources = [];
        entries = 0;
      }
      resources.push(part);
      entries += size;
    }
  }
  if (resources.length > 0) yield { kind: 'resources', resources };
}

function* partsOf(resource: Resource): Iterable<ResourcePart> {
  const head = { name: resource.name, openers: resource.openers };
  const none = { granted: [], orphans: [], waiting: [] };
  if (resource.granted.size + resource.orphans.length + resource.waiting.size === 0) {
    yield { ...head, ...none };
  }
  for (const granted of slices([...resource.granted.values()])) yield { ...head, ...none, granted };
  for (const orphans of slices(resource.orphans)) yield { ...head, ...none, orphans };
  for (const waiting of slices([...resource.waiting.values()])) yield { ...head, ...none, waiting };
}

function loadClient(state: LckState, part: Extract<LckChunk, { kind: 'client' }>): void {
  const client = ensureClient(state, part.ref);
  for (const { handle, ...open } of part.opens) {
    client.opens.set(handle, { ...open, locks: new Set() });
  }
  for (const { id, handle } of part.locks) {
    client.locks.set(id, handle);
    client.opens.get(handle)?.locks.add(id);
  }
}

function loadResource(state: LckState, part: ResourcePart): void {
  const resource = ensureResource(state, part.name);
  resource.openers = part.openers;
  for (const lock of part.granted) {
    const owner = state.clients.get(clientKey(lock.owner))?.ref ?? lock.owner;
    resource.granted.set(lockKey(owner, lock.id), { ...lock, owner });
  }
  for (const lock of part.waiting) {
    const owner = state.clients.get(clientKey(lock.owner))?.ref ?? lock.owner;
    resource.waiting.set(lockKey(owner, lock.id), { ...lock, owner });
  }
  resource.orphans.push(...part.orphans);
  state.lockCount += part.granted.length + part.waiting.length + part.orphans.length;
}

function* slices<T>(items: readonly T[]): Iterable<T[]> {
  for (let i = 0; i < items.length; i += CHUNK_ENTRIES_MAX) {
    yield items.slice(i, i + CHUNK_ENTRIES_MAX);
  }
}
