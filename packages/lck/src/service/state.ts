/**
 * The replicated lock table: resources with their locks, and an index by client, since a client's end
 * must find what it held without searching. Plain data; the order of every Map and Set is the order in
 * which things came, the same on all nodes, and synchronisation rebuilds it exactly (sync.ts).
 */
import type { ClientRef, Source } from '@aisexec/service';
import type { SaLckLockModeT } from '../protocol.ts';

/** What granted and waiting locks have in common. */
export interface Lock {
  /** Drawn by the client; unique with {@link owner}. */
  readonly id: bigint;
  readonly owner: ClientRef;
  /** The open through which it was asked for. */
  readonly handle: bigint;
  readonly mode: SaLckLockModeT;
  /** Asked for with SA_LCK_LOCK_ORPHAN. */
  readonly orphan: boolean;
  /** Tell the owner when its lock blocks a request. */
  readonly notify: boolean;
  /**
   * For people, ns since the epoch: when it was granted or, while it waits, asked for, by the clock of the node
   * whose message did that; the same value on all nodes.
   */
  readonly since: bigint;
}

export interface WaitingLock extends Lock {
  readonly waiterSignal: bigint;
  /** Follow this wait in the search for cycles of clients. */
  readonly detect: boolean;
  /** The deferred reply. */
  readonly source: Source;
  /** Whether the holders of its time were told of it; false for one that came with a merge. */
  announced: boolean;
}

export interface GrantedLock extends Lock {
  /** The fencing token: the place of the grant in the total order. */
  readonly token: bigint;
}

/** A lock whose owner is gone. It blocks, and nobody is told of it (AIS B.1 rule 9). */
export interface OrphanLock {
  readonly id: bigint;
  /** Who held it, for people: the number may belong to another client by now. */
  readonly owner: ClientRef;
  readonly mode: SaLckLockModeT;
  readonly token: bigint;
  /** See {@link Lock.since}. */
  readonly since: bigint;
}

export interface Resource {
  readonly name: string;
  /** Open handles on it, of all clients. */
  openers: number;
  /** By {@link lockKey}, in the order of their grants. An EX lock is alone in here. */
  readonly granted: Map<string, GrantedLock>;
  readonly orphans: OrphanLock[];
  /** By {@link lockKey}, oldest first. */
  readonly waiting: Map<string, WaitingLock>;
}

export interface Open {
  readonly name: string;
  readonly notify: boolean;
  /** Ids of the locks, granted and waiting, that were asked for through this open. */
  readonly locks: Set<bigint>;
}

/** A client with at least one open handle. */
export interface Client {
  readonly ref: ClientRef;
  /** By resource handle. */
  readonly opens: Map<bigint, Open>;
  /** Lock id to the resource handle it belongs to. */
  readonly locks: Map<bigint, bigint>;
}

/**
 * Who is granted first: `standard`, readers pass waiting writers (openais, OpenSAF); `fifo`, nobody passes
 * anybody.
 */
export type LckFairness = 'standard' | 'fifo';

export interface LckState {
  /** The cluster's, decided by the first open of all; null before that (ADR 0121). */
  fairness: LckFairness | null;
  /** The last view's word: tells the loss of quorum from its absence. */
  quorate: boolean;
  /** Granted, waiting and orphaned locks of all resources. */
  lockCount: number;
  /** By {@link clientKey}. */
  readonly clients: Map<string, Client>;
  readonly resources: Map<string, Resource>;
}

export function initialState(): LckState {
  return {
    fairness: null,
    quorate: false,
    lockCount: 0,
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

/** The resource of that name, made when it does not exist. */
export function ensureResource(state: LckState, name: string): Resource {
  const known = state.resources.get(name);
  if (known !== undefined) return known;
  const resource = { name, openers: 0, granted: new Map(), orphans: [], waiting: new Map() };
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
  ensureResource(state, open.name).openers += 1;
  ensureClient(state, ref).opens.set(handle, { ...open, locks: new Set() });
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
  resource.waiting.set(lockKey(lock.owner, lock.id), lock);
}

/** A lock that is held from the start. */
export function addGranted(state: LckState, resource: Resource, lock: GrantedLock): void {
  indexLock(state, lock);
  resource.granted.set(lockKey(lock.owner, lock.id), lock);
}

/** A waiting request becomes a held lock; its index entries stay as they are. */
export function promote(resource: Resource, waiting: WaitingLock, place: Place): GrantedLock {
  const key = lockKey(waiting.owner, waiting.id);
  const granted = toGranted(waiting, place);
  resource.waiting.delete(key);
  resource.granted.set(key, granted);
  return granted;
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
  if (resource.waiting.delete(key) || resource.granted.delete(key)) state.lockCount -= 1;
  const client = state.clients.get(clientKey(lock.owner));
  client?.locks.delete(lock.id);
  client?.opens.get(lock.handle)?.locks.delete(lock.id);
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
  const cancelled: WaitingLock[] = [];
  for (const id of [...open.locks]) {
    const key = lockKey(ref, id);
    const waiting = resource.waiting.get(key);
    const granted = resource.granted.get(key);
    if (waiting !== undefined) cancelled.push(waiting);
    const lock = waiting ?? granted;
    if (lock !== undefined) removeLock(state, resource, lock);
    if (granted?.orphan) addOrphan(state, resource, granted);
  }
  client.opens.delete(handle);
  resource.openers -= 1;
  if (client.opens.size === 0) state.clients.delete(clientKey(ref));
  return { resource, cancelled };
}

/** Closes all handles of a client that is gone. @returns the resources that it had open. */
export function stripClient(state: LckState, ref: ClientRef): Set<Resource> {
  const touched = new Set<Resource>();
  for (const handle of [...(state.clients.get(clientKey(ref))?.opens.keys() ?? [])]) {
    const stripped = stripOpen(state, ref, handle);
    if (stripped !== undefined) touched.add(stripped.resource);
  }
  return touched;
}

export function addOrphan(state: LckState, resource: Resource, lock: OrphanLock): void {
  const { id, owner, mode, token, since } = lock;
  resource.orphans.push({ id, owner, mode, token, since });
  state.lockCount += 1;
}

/** Removes the orphans that are meant, all by default. @returns how many. */
export function purgeOrphans(
  state: LckState,
  resource: Resource,
  isMeant: (orphan: OrphanLock) => boolean = () => true,
): number {
  const kept = resource.orphans.filter((orphan) => !isMeant(orphan));
  const count = resource.orphans.length - kept.length;
  resource.orphans.splice(0, Number.POSITIVE_INFINITY, ...kept);
  state.lockCount -= count;
  return count;
}

/** A resource lives as long as somebody has it open or an orphan holds it (AIS B.1 rule 10). */
export function dropIfUnused(state: LckState, resource: Resource): void {
  if (resource.openers === 0 && resource.orphans.length === 0) {
    state.resources.delete(resource.name);
  }
}

function indexLock(state: LckState, lock: Lock): void {
  const client = state.clients.get(clientKey(lock.owner));
  client?.locks.set(lock.id, lock.handle);
  client?.opens.get(lock.handle)?.locks.add(lock.id);
  state.lockCount += 1;
}
