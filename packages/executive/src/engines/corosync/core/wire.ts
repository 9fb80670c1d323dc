/**
 * Our messages in the CPG group. Little-endian; a header of 32 bytes, then what the kind has. Everything is
 * bound-checked: whoever may use the group may send rubbish.
 *
 * Header: magic u32 @0, version u8 @4, kind u8 @5, flags u16 @6, view representative u32 @8, view sequence u64
 * @16, frames delivered in that view u64 @24.
 */
import type { RingId } from '@aisexec/totem';

export const FRAME_VERSION = 1;
const MAGIC = 0x43_53_49_41;
export const HEADER_BYTES = 32;
/** Head of an entry of a data frame: flags u8, length of the group's name u8, 0 u16, length u32. */
export const ENTRY_HEAD_BYTES = 8;
const KEY_BYTES = 16;
const ANNOUNCE_BYTES = HEADER_BYTES + KEY_BYTES + 40;
const MEMBER_BYTES = 8;

const KINDS = ['announce', 'exclude', 'reform', 'tick', 'data'] as const;
export type FrameKind = (typeof KINDS)[number];

/** A process in the CPG group. */
export interface CpgMember {
  readonly nodeId: number;
  readonly pid: number;
}

/** What members must agree on before they can agree on a view: Corosync's ring, and who is in the group. */
export interface RoundKey {
  readonly ringSeq: number;
  readonly members: number;
}

/** What a member brings to a new view. */
export interface Announcement {
  readonly key: RoundKey;
  /** A view sequence that this member has neither used nor seen, and will not reserve again: durable. */
  readonly reserved: number;
  /** Its last view and how many frames of it it delivered; rep 0: none. */
  readonly previous: RingId;
  readonly delivered: number;
  readonly quorate: boolean;
  /** This node's own. */
  readonly votes: number;
  readonly needed: number;
}

export interface Stamp {
  readonly view: RingId;
  readonly delivered: number;
}

export type Frame =
  | { readonly kind: 'announce'; readonly stamp: Stamp; readonly announcement: Announcement }
  | {
      readonly kind: 'exclude';
      readonly stamp: Stamp;
      readonly key: RoundKey;
      readonly silent: readonly CpgMember[];
    }
  | { readonly kind: 'reform'; readonly stamp: Stamp }
  | { readonly kind: 'tick'; readonly stamp: Stamp }
  | { readonly kind: 'data'; readonly stamp: Stamp; readonly sync: boolean };

export type Foreign = 'no frame of ours' | 'frame of another version' | 'malformed frame';

function head(kind: FrameKind, flags: number, stamp: Stamp, length: number): DataView {
  const view = new DataView(new ArrayBuffer(length));
  writeHead(view, kind, flags, stamp);
  return view;
}

export function writeHead(view: DataView, kind: FrameKind, flags: number, stamp: Stamp): void {
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, FRAME_VERSION);
  view.setUint8(5, KINDS.indexOf(kind));
  view.setUint16(6, flags, true);
  view.setUint32(8, stamp.view.rep, true);
  view.setUint32(12, 0, true);
  setU64(view, 16, stamp.view.seq);
  setU64(view, 24, stamp.delivered);
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

export function encodeSignal(kind: 'reform' | 'tick', stamp: Stamp): Uint8Array {
  return bytesOf(head(kind, 0, stamp, HEADER_BYTES));
}

export function encodeAnnouncement(announcement: Announcement, stamp: Stamp): Uint8Array {
  const view = head('announce', announcement.quorate ? 1 : 0, stamp, ANNOUNCE_BYTES);
  setKey(view, announcement.key);
  const at = HEADER_BYTES + KEY_BYTES;
  setU64(view, at, announcement.reserved);
  setU64(view, at + 8, announcement.previous.seq);
  view.setUint32(at + 16, announcement.previous.rep, true);
  setU64(view, at + 24, announcement.delivered);
  view.setUint32(at + 32, announcement.votes, true);
  view.setUint32(at + 36, announcement.needed, true);
  return bytesOf(view);
}

export function encodeExclude(
  key: RoundKey,
  silent: readonly CpgMember[],
  stamp: Stamp,
): Uint8Array {
  const start = HEADER_BYTES + KEY_BYTES;
  const view = head('exclude', 0, stamp, start + silent.length * MEMBER_BYTES);
  setKey(view, key);
  silent.forEach(({ nodeId, pid }, i) => {
    view.setUint32(start + i * MEMBER_BYTES, nodeId, true);
    view.setUint32(start + i * MEMBER_BYTES + 4, pid, true);
  });
  return bytesOf(view);
}

/** @returns the frame, or why it is none. A data frame's entries are read with {@link readEntry}. */
export function decodeFrame(bytes: Uint8Array): Frame | Foreign {
  if (bytes.length < HEADER_BYTES) return 'no frame of ours';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) return 'no frame of ours';
  if (view.getUint8(4) !== FRAME_VERSION) return 'frame of another version';
  const kind = KINDS[view.getUint8(5)];
  const flags = view.getUint16(6, true);
  const seq = getU64(view, 16);
  const delivered = getU64(view, 24);
  if (kind === undefined || seq === undefined || delivered === undefined) return 'malformed frame';
  const stamp: Stamp = { view: { rep: view.getUint32(8, true), seq }, delivered };
  if (kind === 'data') return { kind, stamp, sync: (flags & 1) !== 0 };
  if (kind === 'reform') return { kind, stamp };
  if (kind === 'tick') return { kind, stamp };
  const key = bytes.length < HEADER_BYTES + KEY_BYTES ? undefined : getKey(view);
  if (key === undefined) return 'malformed frame';
  if (kind === 'exclude') {
    const silent = membersFrom(view);
    return silent === undefined ? 'malformed frame' : { kind, stamp, key, silent };
  }
  const announcement = announcementFrom(view, key, (flags & 1) !== 0);
  return announcement === undefined ? 'malformed frame' : { kind, stamp, announcement };
}

function announcementFrom(
  view: DataView,
  key: RoundKey,
  quorate: boolean,
): Announcement | undefined {
  if (view.byteLength !== ANNOUNCE_BYTES) return undefined;
  const at = HEADER_BYTES + KEY_BYTES;
  const reserved = getU64(view, at);
  const seq = getU64(view, at + 8);
  const delivered = getU64(view, at + 24);
  if (reserved === undefined || seq === undefined || delivered === undefined) return undefined;
  const previous = { rep: view.getUint32(at + 16, true), seq };
  const votes = view.getUint32(at + 32, true);
  const needed = view.getUint32(at + 36, true);
  return { key, reserved, previous, delivered, quorate, votes, needed };
}

function membersFrom(view: DataView): readonly CpgMember[] | undefined {
  const start = HEADER_BYTES + KEY_BYTES;
  const count = (view.byteLength - start) / MEMBER_BYTES;
  if (!Number.isInteger(count)) return undefined;
  return Array.from({ length: count }, (_, i) => ({
    nodeId: view.getUint32(start + i * MEMBER_BYTES, true),
    pid: view.getUint32(start + i * MEMBER_BYTES + 4, true),
  }));
}

/** One piece of a message in a data frame; `bytes` lies in the frame. */
export interface Entry {
  readonly group: string;
  readonly first: boolean;
  readonly last: boolean;
  readonly safe: boolean;
  readonly bytes: Uint8Array;
  /** Where the next entry starts. */
  readonly next: number;
}

export const ENTRY_FIRST = 1;
export const ENTRY_LAST = 2;
export const ENTRY_SAFE = 4;

/** @returns the entry at `at`, or undefined when it does not fit into the frame. */
export function readEntry(frame: Uint8Array, at: number): Entry | undefined {
  const nameAt = at + ENTRY_HEAD_BYTES;
  if (nameAt > frame.length) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const flags = frame[at]!;
  const dataAt = nameAt + frame[at + 1]!;
  const next = dataAt + view.getUint32(at + 4, true);
  if (next > frame.length) return undefined;
  return {
    group: String.fromCharCode(...frame.subarray(nameAt, dataAt)),
    first: (flags & ENTRY_FIRST) !== 0,
    last: (flags & ENTRY_LAST) !== 0,
    safe: (flags & ENTRY_SAFE) !== 0,
    bytes: frame.subarray(dataAt, next),
    next,
  };
}

/** The members of the group as one number (FNV-1a), whatever their order. */
export function membersHash(members: readonly CpgMember[]): number {
  const sorted = [...members].sort((a, b) => a.nodeId - b.nodeId || a.pid - b.pid);
  let hash = 0x811c_9dc5;
  for (const { nodeId, pid } of sorted) {
    for (const word of [nodeId, pid]) {
      for (let shift = 0; shift < 32; shift += 8) {
        hash = Math.imul(hash ^ ((word >>> shift) & 0xff), 0x0100_0193);
      }
    }
  }
  return hash >>> 0;
}

export function sameKey(a: RoundKey, b: RoundKey): boolean {
  return a.ringSeq === b.ringSeq && a.members === b.members;
}

function setKey(view: DataView, key: RoundKey): void {
  setU64(view, HEADER_BYTES, key.ringSeq);
  view.setUint32(HEADER_BYTES + 8, key.members, true);
}

function getKey(view: DataView): RoundKey | undefined {
  const ringSeq = getU64(view, HEADER_BYTES);
  if (ringSeq === undefined) return undefined;
  return { ringSeq, members: view.getUint32(HEADER_BYTES + 8, true) };
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** @returns undefined for what is no safe integer. */
function getU64(view: DataView, at: number): number | undefined {
  const value = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : undefined;
}
