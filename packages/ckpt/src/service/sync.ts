/**
 * The state as a stream of chunks, for members that do not have it (ais A.8). Records come in the order in
 * which the maps hold them, so that a replica built from chunks is the same as one built from messages,
 * order of insertion included; derived counts are not sent but counted again.
 *
 * A small state is sent whole. Of a larger one the contents of sections stay behind: they follow while
 * clients work (background.ts, ADR 0126).
 */
import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import { type Infer, type SyncHandlers, s } from '@aisexec/service';
import { CHUNK_BYTES_MAX, CHUNK_RECORDS_MAX, SECTION_ID_BYTES_MAX } from '../limits.ts';
import { background, digest } from './background.ts';
import { merge } from './merge.ts';
import {
  createAbsentData,
  createSectionData,
  isPresent,
  readData,
  writeData,
} from './section-data.ts';
import {
  account,
  addCheckpoint,
  addOpen,
  addSection,
  type Checkpoint,
  type CkptState,
  seal,
  watchKey,
} from './state.ts';

const id = s.text(64);
const key = s.text(2 * SECTION_ID_BYTES_MAX);
const data = s.bytes(CHUNK_BYTES_MAX);

const checkpointRecord = s.object({
  kind: s.oneOf('checkpoint'),
  id,
  name: s.text(SA_MAX_NAME_LENGTH),
  attributes: s.object({
    creationFlags: s.u32,
    checkpointSize: s.count,
    retentionDuration: s.i64,
    maxSections: s.u32,
    maxSectionSize: s.count,
    maxSectionIdSize: s.count,
  }),
  linked: s.bool,
  nextSerial: s.count,
  generated: s.count,
  activeNode: s.nullable(s.u32),
  retainUntil: s.nullable(s.i64),
  due: s.nullable(s.i64),
});
/** A section with the first piece of its data, or (null) without any: `size` bytes are to come. */
const sectionRecord = s.object({
  kind: s.oneOf('section'),
  checkpoint: id,
  key,
  serial: s.count,
  expirationTime: s.i64,
  lastUpdate: s.i64,
  version: s.count,
  size: s.count,
  data: s.nullable(data),
});
/** More data of the section sent last. */
const pieceRecord = s.object({
  kind: s.oneOf('piece'),
  checkpoint: id,
  key,
  offset: s.count,
  data,
});
const openRecord = s.object({
  kind: s.oneOf('open'),
  node: s.u32,
  connection: s.count,
  handle: s.u64,
  checkpoint: id,
  flags: s.u32,
});
const watchRecord = s.object({
  kind: s.oneOf('watch'),
  node: s.u32,
  connection: s.count,
  handle: s.u64,
  serial: s.count,
  checkpoint: id,
  section: s.nullable(key),
  data: s.bool,
});
const dueRecord = s.object({ kind: s.oneOf('due'), due: s.nullable(s.i64) });
const record = s.union(
  sectionRecord,
  pieceRecord,
  openRecord,
  checkpointRecord,
  watchRecord,
  dueRecord,
);
const chunk = s.object({ records: s.list(record, CHUNK_RECORDS_MAX) });

type SyncRecord = Infer<typeof record>;
type Chunk = Infer<typeof chunk>;

/** What a record costs besides its data and texts; generous. */
const RECORD_OVERHEAD_BYTES = 160;

/** @param inlineBytesMax states of up to so many bytes are sent with their contents. */
export function createSync(inlineBytesMax: number): SyncHandlers<CkptState, Chunk> {
  const save = (state: CkptState) => chunksOf(recordsOf(state, state.bytes <= inlineBytesMax));
  return { chunk, save, load, merge, digest, background };
}

function* chunksOf(all: Iterable<SyncRecord>): Iterable<Chunk> {
  let records: SyncRecord[] = [];
  let bytes = 0;
  for (const next of all) {
    const cost = costOf(next);
    if (records.length === CHUNK_RECORDS_MAX || (bytes + cost > CHUNK_BYTES_MAX && bytes > 0)) {
      yield { records };
      records = [];
      bytes = 0;
    }
    records.push(next);
    bytes += cost;
  }
  yield { records };
}

function* recordsOf(state: CkptState, isInline: boolean): Iterable<SyncRecord> {
  for (const checkpoint of state.checkpoints.values()) {
    const { name, linked, nextSerial, generated, activeNode, retainUntil, due } = checkpoint;
    const attributes = { ...checkpoint.attributes };
    const header = { id: checkpoint.id, name, attributes, linked, nextSerial, generated };
    yield { kind: 'checkpoint', ...header, activeNode, retainUntil, due };
    yield* sectionsOf(checkpoint, isInline);
  }
  for (const { client, opens } of state.clients.values()) {
    for (const [handle, open] of opens) yield { kind: 'open', ...client, handle, ...open };
  }
  for (const { id: checkpoint, watches } of state.checkpoints.values()) {
    for (const { client, ...watch } of watches.values()) {
      yield { kind: 'watch', ...client, ...watch, checkpoint };
    }
  }
  yield { kind: 'due', due: state.due };
}

function* sectionsOf(checkpoint: Checkpoint, isInline: boolean): Iterable<SyncRecord> {
  for (const [sectionKey, section] of checkpoint.sections) {
    const { serial, expirationTime, lastUpdate, version } = section;
    const { size } = section.data;
    const place = { checkpoint: checkpoint.id, key: sectionKey };
    const about = { ...place, serial, expirationTime, lastUpdate, version, size };
    if (!isInline || !isPresent(section.data, 0, size)) {
      yield { kind: 'section', ...about, data: null };
      continue;
    }
    yield { kind: 'section', ...about, data: readData(section.data, 0, CHUNK_BYTES_MAX) };
    for (let offset = CHUNK_BYTES_MAX; offset < section.data.size; offset += CHUNK_BYTES_MAX) {
      yield {
        kind: 'piece',
        ...place,
        offset,
        data: readData(section.data, offset, CHUNK_BYTES_MAX),
      };
    }
  }
}

function costOf(next: SyncRecord): number {
  let cost = RECORD_OVERHEAD_BYTES;
  for (const value of Object.values(next)) {
    if (typeof value === 'string') cost += 3 * value.length;
    else if (value instanceof Uint8Array) cost += value.length;
  }
  return cost;
}

function load(state: CkptState, { records }: Chunk): void {
  for (const next of records) loadRecord(state, next);
}

function loadRecord(state: CkptState, next: SyncRecord): void {
  switch (next.kind) {
    case 'checkpoint': {
      const { kind: _kind, ...header } = next;
      const empty = { sections: new Map(), openers: 0, bytes: 0, digest: 0, watches: new Map() };
      addCheckpoint(state, { ...header, ...empty });
      return;
    }
    case 'section': {
      const checkpoint = state.checkpoints.get(next.checkpoint);
      if (checkpoint === undefined) return;
      const { serial, expirationTime, lastUpdate, version, size } = next;
      const data = next.data === null ? createAbsentData(size) : createSectionData();
      if (next.data !== null) writeData(data, 0, next.data);
      const times = { expirationTime, lastUpdate };
      addSection(state, checkpoint, next.key, { serial, data, ...times, version, mark: 0 });
      return;
    }
    case 'piece': {
      const checkpoint = state.checkpoints.get(next.checkpoint);
      const section = checkpoint?.sections.get(next.key);
      if (checkpoint === undefined || section === undefined) return;
      const before = section.data.size;
      writeData(section.data, next.offset, next.data);
      account(state, checkpoint, section.data.size - before);
      seal(checkpoint, next.key, section);
      return;
    }
    case 'open': {
      const { handle, checkpoint, flags } = next;
      addOpen(state, next, handle, { checkpoint, flags });
      return;
    }
    case 'watch': {
      const { node, connection, handle, serial, section, data: wanted } = next;
      const client = { node, connection };
      const watch = { client, handle, serial, section, data: wanted };
      const target = state.checkpoints.get(next.checkpoint);
      target?.watches.set(watchKey(client, handle, serial), watch);
      return;
    }
    case 'due':
      state.due = next.due;
  }
}
