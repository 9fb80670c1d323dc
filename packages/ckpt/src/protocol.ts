/**
 * What the checkpoint client and the checkpoint service share: the AIS constants and structures
 * (AIS-CKPT B.01.01, B.02.02) and the shapes of the requests between them.
 *
 * A section id travels, and is kept, as a binary string: one character of 0 to 255 per byte (ADR 0080).
 * The empty string is the default section. A checkpoint handle is 64 bits drawn by the client, scoped by
 * its connection.
 */
import type { SaTimeT, SaVersionT } from '@aisexec/ais';
import { SA_MAX_NAME_LENGTH } from '@aisexec/ais';
import { type Infer, s } from '@aisexec/service';
import { REQUEST_BYTES_MAX, REQUEST_ELEMENTS_MAX, SECTION_ID_BYTES_MAX } from './limits.ts';

export const CKPT_SERVICE_NAME = 'ckpt';

/** Generations of the interface that are served, ascending. */
export const CKPT_VERSIONS: readonly Readonly<SaVersionT>[] = [
  { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
  { releaseCode: 'B', majorVersion: 2, minorVersion: 2 },
];

/** Creation flags: exactly one of the WR_* modes, and perhaps COLLOCATED. */
export const SA_CKPT_WR_ALL_REPLICAS = 0x1;
export const SA_CKPT_WR_ACTIVE_REPLICA = 0x2;
export const SA_CKPT_WR_ACTIVE_REPLICA_WEAK = 0x4;
export const SA_CKPT_CHECKPOINT_COLLOCATED = 0x8;

export const SA_CKPT_CHECKPOINT_READ = 0x1;
export const SA_CKPT_CHECKPOINT_WRITE = 0x2;
export const SA_CKPT_CHECKPOINT_CREATE = 0x4;

export const SaCkptSectionStateT = {
  SA_CKPT_SECTION_VALID: 1,
  SA_CKPT_SECTION_CORRUPTED: 2,
} as const;
export type SaCkptSectionStateT = (typeof SaCkptSectionStateT)[keyof typeof SaCkptSectionStateT];
export const { SA_CKPT_SECTION_VALID, SA_CKPT_SECTION_CORRUPTED } = SaCkptSectionStateT;

/** Which sections an iteration visits. */
export const SaCkptSectionsChosenT = {
  SA_CKPT_SECTIONS_FOREVER: 1,
  SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME: 2,
  SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME: 3,
  SA_CKPT_SECTIONS_CORRUPTED: 4,
  SA_CKPT_SECTIONS_ANY: 5,
} as const;
export type SaCkptSectionsChosenT =
  (typeof SaCkptSectionsChosenT)[keyof typeof SaCkptSectionsChosenT];
export const {
  SA_CKPT_SECTIONS_FOREVER,
  SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME,
  SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME,
  SA_CKPT_SECTIONS_CORRUPTED,
  SA_CKPT_SECTIONS_ANY,
} = SaCkptSectionsChosenT;

export interface SaCkptCheckpointCreationAttributesT {
  readonly creationFlags: number;
  /** Declared size in bytes; at most maxSections * maxSectionSize. Not enforced on writes (ais F.15). */
  readonly checkpointSize: number;
  /** How long the checkpoint outlives its last close; 0: not at all. */
  readonly retentionDuration: SaTimeT;
  /** 1: the checkpoint consists of its default section. */
  readonly maxSections: number;
  readonly maxSectionSize: number;
  readonly maxSectionIdSize: number;
}

export interface SaCkptCheckpointDescriptorT {
  readonly checkpointCreationAttributes: SaCkptCheckpointCreationAttributesT;
  readonly numberOfSections: number;
  readonly memoryUsed: number;
}

/** Name of the callback that tells an opener that a merge gave its checkpoint another content. */
export const CHECKPOINT_REPLACED = 'checkpointReplaced';

/** Name of the callback that tells a watch of a change, see {@link SectionChangedCallback}. */
export const SECTION_CHANGED = 'sectionChanged';
/** Name of the callback that stands for changes that a watch missed; its payload is a {@link WatchRef}. */
export const SECTION_CHANGES_LOST = 'sectionChangesLost';

const handle = s.u64;
const name = s.text(SA_MAX_NAME_LENGTH);
/** Each character is one byte; UTF-8 of those above 127 takes two. */
const sectionKey = s.text(2 * SECTION_ID_BYTES_MAX);
const data = s.bytes(REQUEST_BYTES_MAX);
const attributes = s.object({
  creationFlags: s.u32,
  checkpointSize: s.count,
  retentionDuration: s.i64,
  maxSections: s.u32,
  maxSectionSize: s.count,
  maxSectionIdSize: s.count,
});

/** Requests whose effect is ordered: each is multicast as it is, under the same name. */
export const orderedRequest = {
  open: s.object({ handle, name, openFlags: s.u32, attributes: s.nullable(attributes) }),
  close: s.object({ handle }),
  unlink: s.object({ name }),
  retentionDurationSet: s.object({ handle, retentionDuration: s.i64 }),
  activeReplicaSet: s.object({ handle }),
  synchronize: s.object({ handle }),
  /** `sectionId` null: the service generates one and answers it. */
  sectionCreate: s.object({
    handle,
    sectionId: s.nullable(sectionKey),
    expirationTime: s.i64,
    data,
    /** Size of the initial data when `data` is only its first piece. */
    totalBytes: s.count,
  }),
  sectionDelete: s.object({ handle, sectionId: sectionKey }),
  expirationTimeSet: s.object({ handle, sectionId: sectionKey, expirationTime: s.i64 }),
  write: s.object({
    handle,
    elements: s.list(
      s.object({
        sectionId: sectionKey,
        offset: s.count,
        data,
        /** Where the whole element ends when `data` is only a piece of it: checked with the first piece. */
        end: s.optional(s.count),
      }),
      REQUEST_ELEMENTS_MAX,
    ),
  }),
  overwrite: s.object({ handle, sectionId: sectionKey, data, totalBytes: s.count }),
  /** Replaces content and expiration, and creates the section when there is none; answers `order`. */
  put: s.object({ handle, sectionId: sectionKey, expirationTime: s.i64, data }),
  /** `serial` is drawn by the client, unique within the open; `sectionId` null: all sections. */
  watch: s.object({
    handle,
    serial: s.count,
    sectionId: s.nullable(sectionKey),
    /** Whether notifications carry the content. */
    data: s.bool,
  }),
  unwatch: s.object({ handle, serial: s.count }),
} as const;

/** Requests that are answered from the replica of the client's own node. */
export const localRequest = {
  status: s.object({ handle }),
  /** One page of section ids in order of creation, those after the serial number `after`. */
  sectionKeys: s.object({
    handle,
    chosen: s.u32,
    expirationTime: s.i64,
    after: s.count,
  }),
  sectionDescribe: s.object({ handle, sectionIds: s.list(sectionKey, REQUEST_ELEMENTS_MAX) }),
  /** The reply is cut where it would exceed {@link REQUEST_BYTES_MAX}; see {@link ReadResult}. */
  read: s.object({
    handle,
    elements: s.list(
      /** `size` null: all from the offset on. */
      s.object({ sectionId: sectionKey, offset: s.count, size: s.nullable(s.count) }),
      REQUEST_ELEMENTS_MAX,
    ),
  }),
} as const;

type Requests<T> = { readonly [K in keyof T]: Infer<T[K]> };
/** Request type by function name. */
export type OrderedRequests = Requests<typeof orderedRequest>;
export type LocalRequests = Requests<typeof localRequest>;
export type WriteElement = OrderedRequests['write']['elements'][number];
export type ReadElement = LocalRequests['read']['elements'][number];

/** A section as `sectionDescribe` answers it; null in its place: there is no such section. */
export interface SectionDescription {
  readonly sectionId: string;
  readonly expirationTime: SaTimeT;
  readonly sectionSize: number;
  readonly sectionState: SaCkptSectionStateT;
  readonly lastUpdate: SaTimeT;
}

/** One element of a `read` reply. */
export interface ReadResult {
  readonly data: Uint8Array;
  /** Bytes that the section has from the requested offset on, whatever was asked for. */
  readonly available: number;
}

/** Which watch a callback is for. */
export interface WatchRef {
  readonly handle: bigint;
  readonly serial: number;
}

/** What became of a section. */
export type SectionChangeKind = 'created' | 'written' | 'deleted' | 'expired';

/** Callback of a watch: one section changed. */
export interface SectionChangedCallback extends WatchRef {
  readonly change: SectionChangeKind;
  readonly sectionId: string;
  /** Place of the change in the total order; equal for sections changed by one request. */
  readonly order: bigint;
  readonly time: SaTimeT;
  readonly size: number;
  /** The whole content; null when it is gone, not wanted, or larger than WATCH_DATA_BYTES_MAX. */
  readonly data: Uint8Array | null;
}
