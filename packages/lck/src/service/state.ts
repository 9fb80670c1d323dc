/**
 * Changes of the replicated lock table: resources with their locks, and an index by client, since a client's end
 * must find what it held without searching. Plain data; the order of every Map and Set is the order in
 * which things came, the same on all nodes, and synchronisation rebuilds it exactly (sync.ts).
 *
 * Most locks of a large table are alone on their resource: what is empty is shared, not made for each.
 * Everything that adds or removes goes through here and corrects the digest.
 */
import { type ClientRef, sum52 } from '@aisexec/service';
import { markOfGranted, markOfOpen, markOfOrphan, markOfWaiting } from './marks.ts';
import type {
  Client,
  GrantedLock,
  LckState,
  Lock,
  Open,
  OrphanLock,
  Resource,
  WaitingLock,
} from './table.ts';

export type {
  Client,
  GrantedLock,
  LckFairness,
  LckState,
  Lock,
  Open,
  OrphanLock,
  Resource,
  WaitingLock,
} from './table.ts';

export function initialState(): LckState {
  return {
    fairness: null,
    quorate: false,
    openCount: 0,
    lockCount: 0,
    digest: 0,
    contended: new Set(),
    clients: new Map(),
    resources: new Map(),
  };
}

export function clientKey(client: ClientRef): string {
  return `${client.node}.${client.connection}`;
}

export function lockKey(owner: ClientRef, id: bigint): string {
  return `${owner.node}.${owner.connection}.${id}`;
}

export function sameClient(a: ClientRef, b: ClientRef): boolean {
  return a.node === b.node && a.connection === b.connection;
}

/** Shared by all that have nothing, so never changed. */
const NO_GRANTED: ReadonlyMap<string, GrantedLock> = new Map();
const NO_WAITING: ReadonlyMap<string, WaitingLock> = new Map();
const NO_ORPHANS: readonly OrphanLock[] = [];
const NO_LOCKS: readonly bigint[] = [];

/** The resource of that name, made when it does not exist. */
export function ensureResource(state: LckState, name: string): Resource {
  const known = state.resources.get(name);
  if (known !== undefined) return known;
  const resource: Resource = {
    name,
    openers: 0,
    granted: NO_GRANTED,
    orphans: NO_ORPHANS,
    waiting: NO_WAITING,
  };
  state.resources.set(name, resource);
  return resource;
}

/** Registers an open. The handle must be new to the client. */
export function addOpen(
  state: LckState,
  ref: ClientRef,
  handle: bigint,
  open: Pick<Open, 'name' | 'notify'>,
): void {
  const resource = ensureResource(state, open.name);
  resource.openers += 1;
  putOpen(state, ensureClient(state, ref), handle, { name: resource.name, notify: open.notify });
}

/** An open alone, without the count of its resource: what a chunk brings. */
export function putOpen(
  state: LckState,
  client: Client,
  handle: bigint,
  { name, notify }: Pick<Open, 'name' | 'notify'>,
): void {
  const open: Open = { name, notify, locks: NO_LOCKS };
  client.opens.set(handle, open);
  state.openCount += 1;
  state.digest = sum52(state.digest, markOfOpen(client.ref, handle, open));
}

/** The client's record, made when it has none. */
export function ensureClient(state: LckState, ref: ClientRef): Client {
  const key = clientKey(ref);
  const known = state.clients.get(key);
  if (known !== undefined) return known;
  const client: Client = {
    ref: { node: ref.node, connection: ref.connection },
    opens: new Map(),
    locks: new Map(),
  };
  state.clients.set(key, client);
  return client;
}

/** A request takes its place behind those that wait. */
export function addWaiting(state: LckState, resource: Resource, lock: WaitingLock): void {
  indexLock(state, lock);
  putWaiting(state, resource, lock);
}

/** A lock that is held from the start. */
export function addGranted(state: LckState, resource: Resource, lock: GrantedLock): void {
  indexLock(state, lock);
  putGranted(state, resource, lock);
}

/** A waiting request becomes a held lock; its index entries stay as they are. */
export function promote(
  state: LckState,
  resource: Resource,
  waiting: WaitingLock,
  place: Place,
): GrantedLock {
  const granted = toGranted(waiting, place);
  takeWaiting(state, resource, lockKey(waiting.owner, waiting.id));
  putGranted(state, resource, granted);
  return granted;
}

/** The holders have been told of a request. */
export function setAnnounced(state: LckState, { name }: Resource, waiting: WaitingLock): void {
  const before = sum52(state.digest, -markOfWaiting(name, waiting));
  waiting.announced = true;
  state.digest = sum52(before, markOfWaiting(name, waiting));
}

/** Without the client's index, as are the others of its kind: a chunk brings that by itself. */
export function putWaiting(state: LckState, resource: Resource, lock: WaitingLock): void {
  resource.waiting = withEntry(resource.waiting, lockKey(lock.owner, lock.id), lock);
  state.contended.add(resource.name);
  count(state, 1, markOfWaiting(resource.name, lock));
}

export function putGranted(state: LckState, resource: Resource, lock: GrantedLock): void {
  resource.granted = withEntry(resource.granted, lockKey(lock.owner, lock.id), lock);
  count(state, 1, markOfGranted(resource.name, lock));
}

export function addOrphan(state: LckState, resource: Resource, lock: OrphanLock): void {
  const { id, owner, mode, token, since } = lock;
  const orphan = { id, owner, mode, token, since };
  resource.orphans = withItem(resource.orphans, orphan);
  count(state, 1, markOfOrphan(resource.name, orphan));
}

function takeWaiting(state: LckState, resource: Resource, key: string): void {
  const lock = resource.waiting.get(key);
  if (lock === undefined) return;
  resource.waiting = withoutEntry(resource.waiting, key, NO_WAITING);
  if (resource.waiting.size === 0) state.contended.delete(resource.name);
  count(state, -1, -markOfWaiting(resource.name, lock));
}

function takeGranted(state: LckState, resource: Resource, key: string): void {
  const lock = resource.granted.get(key);
  if (lock === undefined) return;
  resource.granted = withoutEntry(resource.granted, key, NO_GRANTED);
  count(state, -1, -markOfGranted(resource.name, lock));
}

function count(state: LckState, locks: number, mark: number): void {
  state.lockCount += locks;
  state.digest = sum52(state.digest, mark);
}

/** Where in the order, and when, something is granted: an `ExecContext` is one. */
export interface Place {
  readonly order: bigint;
  readonly time: bigint;
}

/** What remains of a request once it is granted. */
export function toGranted(lock: Lock, { order, time }: Place): GrantedLock {
  const { id, owner, handle, mode, orphan, notify } = lock;
  return { id, owner, handle, mode, orphan, notify, since: time, token: order };
}

/** Where a client's lock is. */
export interface Located {
  readonly resource: Resource;
  /** Set while it waits. */
  readonly waiting?: WaitingLock;
  /** Set when it is held. */
  readonly granted?: GrantedLock;
}

export function findLock(state: LckState, ref: ClientRef, id: bigint): Located | undefined {
  const client = state.clients.get(clientKey(ref));
  const handle = client?.locks.get(id);
  const open = handle === undefined ? undefined : client?.opens.get(handle);
  const resource = open === undefined ? undefined : state.resources.get(open.name);
  if (resource === undefined) return undefined;
  const key = lockKey(ref, id);
  const waiting = resource.waiting.get(key);
  const granted = resource.granted.get(key);
  return {
    resource,
    ...(waiting === undefined ? {} : { waiting }),
    ...(granted === undefined ? {} : { granted }),
  };
}

/** Takes a lock away, wherever it is. */
export function removeLock(state: LckState, resource: Resource, lock: Lock): void {
  const key = lockKey(lock.owner, lock.id);
  takeWaiting(state, resource, key);
  takeGranted(state, resource, key);
  const client = state.clients.get(clientKey(lock.owner));
  client?.locks.delete(lock.id);
  const open = client?.opens.get(lock.handle);
  if (open !== undefined) open.locks = withoutItem(open.locks, lock.id, NO_LOCKS);
}

/** What one closed handle leaves behind. */
export interface Stripped {
  readonly resource: Resource;
  /** The requests that waited through it, cancelled; their replies are still owed. */
  readonly cancelled: readonly WaitingLock[];
}

/**
 * Closes one handle: its locks are released or become orphans, its requests are cancelled (AIS B.1
 * rules 8 and 9). The caller settles the resource afterwards.
 */
export function stripOpen(state: LckState, ref: ClientRef, handle: bigint): Stripped | undefined {
  const client = state.clients.get(clientKey(ref));
  const open = client?.opens.get(handle);
  const resource = open === undefined ? undefined : state.resources.get(open.name);
  if (client === undefined || open === undefined || resource === undefined) return undefined;
  const cancelled = stripLocks(state, ref, resource, [...open.locks]);
  client.opens.delete(handle);
  state.openCount -= 1;
  state.digest = sum52(state.digest, -markOfOpen(client.ref, handle, open));
  resource.openers -= 1;
  if (client.opens.size === 0) state.clients.delete(clientKey(ref));
  return { resource, cancelled };
}

/** Releases, orphans or cancels locks of one open. @returns the requests that were cancelled. */
function stripLocks(
  state: LckState,
  ref: ClientRef,
  resource: Resource,
  ids: readonly bigint[],
): WaitingLock[] {
  const cancelled: WaitingLock[] = [];
  for (const id of ids) {
    const key = lockKey(ref, id);
    const waiting = resource.waiting.get(key);
    const granted = resource.granted.get(key);
    if (waiting !== undefined) cancelled.push(waiting);
    const lock = waiting ?? granted;
    if (lock !== undefined) removeLock(state, resource, lock);
    if (granted?.orphan) addOrphan(state, resource, granted);
  }
  return cancelled;
}

/**
 * Closes handles of a client that is gone, all of them or as many as make `entriesMax` handles and locks. Its requests
 * are cancelled with the first of these steps, so that none is granted between two. @returns the resources touched.
 */
export function stripClient(
  state: LckState,
  ref: ClientRef,
  entriesMax = Number.POSITIVE_INFINITY,
): Set<Resource> {
  const touched = new Set<Resource>();
  const client = state.clients.get(clientKey(ref));
  if (client === undefined) return touched;
  if (client.opens.size + client.locks.size > entriesMax) cancelRequests(state, client, touched);
  let room = entriesMax;
  for (const [handle, { name, locks }] of client.opens) {
    const resource = state.resources.get(name);
    if (room <= 0 || resource === undefined) break;
    touched.add(resource);
    if (locks.length < room) stripOpen(state, ref, handle);
    else stripLocks(state, ref, resource, locks.slice(0, room));
    room -= locks.length + 1;
  }
  return touched;
}

function cancelRequests(state: LckState, client: Client, touched: Set<Resource>): void {
  for (const open of client.opens.values()) {
    const resource = state.resources.get(open.name);
    if (resource === undefined || resource.waiting === NO_WAITING) continue;
    const requests = open.locks.filter((id) => resource.waiting.has(lockKey(client.ref, id)));
    if (requests.length === 0) continue;
    touched.add(resource);
    for (const id of requests) {
      takeWaiting(state, resource, lockKey(client.ref, id));
      client.locks.delete(id);
    }
    const kept = open.locks.filter((id) => client.locks.has(id));
    open.locks = kept.length === 0 ? NO_LOCKS : kept;
  }
}

/** Removes the orphans that are meant, all by default. @returns how many. */
export function purgeOrphans(
  state: LckState,
  resource: Resource,
  isMeant: (orphan: OrphanLock) => boolean = () => true,
): number {
  const meant = resource.orphans.filter(isMeant);
  const kept = resource.orphans.filter((orphan) => !isMeant(orphan));
  resource.orphans = kept.length === 0 ? NO_ORPHANS : kept;
  for (const orphan of meant) count(state, -1, -markOfOrphan(resource.name, orphan));
  return meant.length;
}

/** A resource lives as long as somebody has it open or an orphan holds it (AIS B.1 rule 10). */
export function dropIfUnused(state: LckState, resource: Resource): void {
  if (resource.openers === 0 && resource.orphans.length === 0) {
    state.resources.delete(resource.name);
  }
}

function indexLock(state: LckState, lock: Lock): void {
  const client = state.clients.get(clientKey(lock.owner));
  if (client !== undefined) putIndex(client, lock.id, lock.handle);
}

/** A client's lock, or its request, belongs to an open of it. */
export function putIndex(client: Client, id: bigint, handle: bigint): void {
  client.locks.set(id, handle);
  const open = client.opens.get(handle);
  if (open !== undefined) open.locks = withItem(open.locks, id);
}

/** These four change what is given, unless it is, or becomes, empty: that is shared. */
function withEntry<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  return map.size === 0 ? new Map([[key, value]]) : (map as Map<string, T>).set(key, value);
}

function withoutEntry<T>(
  map: ReadonlyMap<string, T>,
  key: string,
  none: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  (map as Map<string, T>).delete(key);
  return map.size === 0 ? none : map;
}

function withItem<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item];
  (list as T[]).push(item);
  return list;
}

function withoutItem<T>(list: readonly T[], item: T, none: readonly T[]): readonly T[] {
  const at = list.indexOf(item);
  if (at >= 0) (list as T[]).splice(at, 1);
  return list.length === 0 ? none : list;
}
