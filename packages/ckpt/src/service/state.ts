/**
 * The replicated state of the checkpoint service: checkpoints with their sections, and who has what open.
 * Plain data, the same on every member at one place of the total order, in the same order of insertion.
 *
 * What can be derived is derived in one place and never synchronised: `openers` by {@link addOpen} and
 * {@link removeOpen}, the byte and section counts by {@link account}. {@link checkState} recounts them.
 */
import type { SaTimeT } from '@aisexec/ais';
import { type ClientRef, sum52 } from '@aisexec/service';
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import type { SectionData } from './section-data.ts';
import { markOf } from './version.ts';

export interface Section {
  /** Rises in the order of creation within a checkpoint: the cursor of an iteration. */
  readonly serial: number;
  readonly data: SectionData;
  /** Absolute; SA_TIME_END: never. */
  expirationTime: SaTimeT;
  lastUpdate: SaTimeT;
  /** Which changes the content has come from (version.ts); equal versions mean equal contents. */
  version: number;
  /** Derived: see {@link markOf}; 0 before it is in a checkpoint. */
  mark: number;
}

export type Attributes = {
  -readonly [K in keyof SaCkptCheckpointCreationAttributesT]: SaCkptCheckpointCreationAttributesT[K];
};

/** One instance; a name that is unlinked and created again names another one. */
export interface Checkpoint {
  /** `order.node` of its creation: unique over all partitions. */
  readonly id: string;
  readonly name: string;
  readonly attributes: Attributes;
  /** False after an unlink: lives on for those who have it open. */
  linked: boolean;
  readonly sections: Map<string, Section>;
  nextSerial: number;
  /** Counter of generated section ids. */
  generated: number;
  /** The node of the active replica of a collocated checkpoint; null: none was set. */
  activeNode: number | null;
  /** When nobody has it open: the time of its deletion; null: never, or it is open. */
  retainUntil: SaTimeT | null;
  /** No section or retention ends before; null: none ends. A lower bound, exact after each expiry. */
  due: SaTimeT | null;
  openers: number;
  bytes: number;
  /** Derived: the sum of the sections' marks. */
  digest: number;
  /** Who is told of changes, by {@link watchKey}, in the order of their requests. */
  readonly watches: Map<string, Watch>;
}

/** A watch of one open on one section or on all. */
export interface Watch {
  readonly client: ClientRef;
  readonly handle: bigint;
  readonly serial: number;
  /** null: all sections. */
  readonly section: string | null;
  readonly data: boolean;
}

export interface Open {
  readonly checkpoint: string;
  readonly flags: number;
}

export interface ClientOpens {
  readonly client: ClientRef;
  readonly opens: Map<bigint, Open>;
}

export interface CkptState {
  /** Name to id of the linked instance. */
  readonly names: Map<string, string>;
  /** By id. */
  readonly checkpoints: Map<string, Checkpoint>;
  /** By `node.connection`. */
  readonly clients: Map<string, ClientOpens>;
  /** Lower bound of all `due`. */
  due: SaTimeT | null;
  opens: number;
  sections: number;
  bytes: number;
}

export function createState(): CkptState {
  return {
    names: new Map(),
    checkpoints: new Map(),
    clients: new Map(),
    due: null,
    opens: 0,
    sections: 0,
    bytes: 0,
  };
}

export function clientKey(client: ClientRef): string {
  return `${client.node}.${client.connection}`;
}

export function watchKey(client: ClientRef, handle: bigint, serial: number): string {
  return `${openPrefix(client, handle)}${serial}`;
}

function openPrefix(client: ClientRef, handle: bigint): string {
  return `${clientKey(client)}.${handle}.`;
}

/** The watches of one open. */
export function watchesOf(checkpoint: Checkpoint, client: ClientRef, handle: bigint): Watch[] {
  const prefix = openPrefix(client, handle);
  return [...checkpoint.watches].flatMap(([key, watch]) => (key.startsWith(prefix) ? [watch] : []));
}

export function findOpen(state: CkptState, client: ClientRef, handle: bigint): Open | undefined {
  return state.clients.get(clientKey(client))?.opens.get(handle);
}

/** Inserts an instance and, when it is linked, its name. */
export function addCheckpoint(state: CkptState, checkpoint: Checkpoint): void {
  state.checkpoints.set(checkpoint.id, checkpoint);
  if (checkpoint.linked) state.names.set(checkpoint.name, checkpoint.id);
}

export function addOpen(state: CkptState, client: ClientRef, handle: bigint, open: Open): void {
  const key = clientKey(client);
  let entry = state.clients.get(key);
  if (entry === undefined) {
    entry = { client: { node: client.node, connection: client.connection }, opens: new Map() };
    state.clients.set(key, entry);
  }
  entry.opens.set(handle, open);
  state.opens++;
  const checkpoint = state.checkpoints.get(open.checkpoint);
  if (checkpoint === undefined) return;
  checkpoint.openers++;
  checkpoint.retainUntil = null;
}

/** Forgets an open. @returns its checkpoint, for the caller to start its retention. */
export function removeOpen(
  state: CkptState,
  client: ClientRef,
  handle: bigint,
): Checkpoint | undefined {
  const key = clientKey(client);
  const entry = state.clients.get(key);
  const open = entry?.opens.get(handle);
  if (entry === undefined || open === undefined) return undefined;
  entry.opens.delete(handle);
  if (entry.opens.size === 0) state.clients.delete(key);
  state.opens--;
  const checkpoint = state.checkpoints.get(open.checkpoint);
  if (checkpoint === undefined) return undefined;
  checkpoint.openers--;
  for (const { serial } of watchesOf(checkpoint, client, handle)) {
    checkpoint.watches.delete(watchKey(client, handle, serial));
  }
  return checkpoint;
}

export function removeCheckpoint(state: CkptState, checkpoint: Checkpoint): void {
  state.checkpoints.delete(checkpoint.id);
  if (checkpoint.linked) state.names.delete(checkpoint.name);
  state.bytes -= checkpoint.bytes;
  state.sections -= checkpoint.sections.size;
}

export function addSection(
  state: CkptState,
  checkpoint: Checkpoint,
  key: string,
  section: Section,
): void {
  checkpoint.sections.set(key, section);
  seal(checkpoint, key, section);
  state.sections++;
  account(state, checkpoint, section.data.size);
}

export function removeSection(state: CkptState, checkpoint: Checkpoint, key: string): void {
  const section = checkpoint.sections.get(key);
  if (section === undefined) return;
  checkpoint.sections.delete(key);
  checkpoint.digest = sum52(checkpoint.digest, -section.mark);
  state.sections--;
  account(state, checkpoint, -section.data.size);
}

/** A section has changed: corrects the checkpoint's digest. */
export function seal(checkpoint: Checkpoint, key: string, section: Section): void {
  const before = sum52(checkpoint.digest, -section.mark);
  section.mark = markOf(key, section);
  checkpoint.digest = sum52(before, section.mark);
}

/** Books a change of the bytes that sections of a checkpoint hold. */
export function account(state: CkptState, checkpoint: Checkpoint, delta: number): void {
  checkpoint.bytes += delta;
  state.bytes += delta;
}

/** Recounts what is derived. @returns the first contradiction, or null. For tests and the simulator. */
export function checkState(state: CkptState): string | null {
  const openers = new Map<string, number>();
  let opens = 0;
  for (const [key, entry] of state.clients) {
    if (entry.opens.size === 0) return `client ${key} without opens`;
    for (const open of entry.opens.values()) {
      if (!state.checkpoints.has(open.checkpoint))
        return `open of no checkpoint ${open.checkpoint}`;
      openers.set(open.checkpoint, (openers.get(open.checkpoint) ?? 0) + 1);
      opens++;
    }
  }
  let bytes = 0;
  let sections = 0;
  for (const checkpoint of state.checkpoints.values()) {
    const problem = checkCheckpoint(state, checkpoint, openers.get(checkpoint.id) ?? 0);
    if (problem !== null) return `${checkpoint.name}: ${problem}`;
    bytes += checkpoint.bytes;
    sections += checkpoint.sections.size;
  }
  for (const [name, id] of state.names) {
    if (!state.checkpoints.get(id)?.linked) return `name ${name} of no linked checkpoint`;
  }
  const counts = opens === state.opens && bytes === state.bytes && sections === state.sections;
  return counts ? null : 'totals do not add up';
}

function checkCheckpoint(state: CkptState, checkpoint: Checkpoint, openers: number): string | null {
  if (checkpoint.openers !== openers) return `${checkpoint.openers} openers, counted ${openers}`;
  if (checkpoint.linked && state.names.get(checkpoint.name) !== checkpoint.id)
    return 'lost its name';
  if (!checkpoint.linked && openers === 0) return 'unlinked, not open and still there';
  for (const { client, handle } of checkpoint.watches.values()) {
    if (findOpen(state, client, handle)?.checkpoint !== checkpoint.id) return 'watched by no open';
  }
  if (openers > 0 && checkpoint.retainUntil !== null) return 'open, but its retention runs';
  let bytes = 0;
  let serial = 0;
  let digest = 0;
  for (const [key, section] of checkpoint.sections) {
    if (section.mark !== markOf(key, section)) return 'mark out of date';
    digest = sum52(digest, section.mark);
    if (section.serial <= serial) return 'serial numbers out of order';
    serial = section.serial;
    bytes += section.data.size;
    if (section.expirationTime < (checkpoint.due ?? section.expirationTime)) return 'due too late';
  }
  if (digest !== checkpoint.digest) return 'digest out of date';
  if (serial >= checkpoint.nextSerial) return 'serial number given twice';
  return bytes === checkpoint.bytes ? null : `${checkpoint.bytes} bytes, counted ${bytes}`;
}
