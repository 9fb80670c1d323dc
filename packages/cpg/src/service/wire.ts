/**
 * The messages of Corosync's CPG service, byte for byte (totem-wire §4.3). The C daemons trust every
 * length in them, so each encoder derives them from what it writes and checks the bounds first (§4.7 rule 6);
 * the decoders believe nothing.
 *
 * Names of groups are any bytes; here a text with one character per byte.
 */
import { getU32, putU32 } from '@aisexec/ais';
import { createExecMessage, invariant, viewOf } from '@aisexec/service';
import {
  GROUP_NAME_BYTES_MAX,
  JOINLIST_ENTRIES_MAX,
  LOCAL_MEMBERS_MAX,
  MESSAGE_BYTES_MAX,
  PART_BYTES_MAX,
} from '../limits.ts';

export const CPG_SERVICE_ID = 2;
export const FN = {
  procjoin: 0,
  procleave: 1,
  joinlist: 2,
  mcast: 3,
  downlist: 5,
  partialMcast: 6,
} as const;

const NAME_BYTES = 136;
const NAME_VALUE = 8;
const OFFSET_SIZE = 8;
const OFFSET_NAME = 16;
const PROC_BYTES = 168;
const OFFSET_PROC_PID = 152;
const OFFSET_PROC_REASON = 160;
const JOINLIST_HEAD = 24;
const JOINLIST_ENTRY = 144;
const OFFSET_ENTRY_NAME = 8;
const MCAST_HEAD = 184;
const OFFSET_LENGTH = 152;
const OFFSET_MCAST_PID = 160;
const OFFSET_MCAST_SOURCE = 168;
const PARTIAL_HEAD = 200;
const OFFSET_PARTIAL_TOTAL = 152;
const OFFSET_PARTIAL_LENGTH = 160;
const OFFSET_PARTIAL_PID = 168;
const OFFSET_PARTIAL_TYPE = 176;
const OFFSET_PARTIAL_SOURCE = 184;
const PARTS = [undefined, 'first', 'middle', 'last'] as const;

export interface ProcChange {
  readonly group: string;
  readonly pid: number;
  readonly reason: number;
}

export interface JoinlistEntry {
  readonly group: string;
  readonly pid: number;
}

export interface Mcast {
  readonly group: string;
  readonly pid: number;
  readonly bytes: Uint8Array;
  readonly part: 'whole' | 'first' | 'middle' | 'last';
}

export function encodeProcJoin(change: ProcChange): Uint8Array {
  return encodeProc(FN.procjoin, change);
}

export function encodeProcLeave(change: ProcChange): Uint8Array {
  return encodeProc(FN.procleave, change);
}

function encodeProc(fn: number, { group, pid, reason }: ProcChange): Uint8Array {
  const view = createExecMessage(CPG_SERVICE_ID, fn, PROC_BYTES);
  writeName(view, OFFSET_NAME, group);
  writeU32(view, OFFSET_PROC_PID, pid);
  writeU32(view, OFFSET_PROC_REASON, reason);
  return new Uint8Array(view.buffer);
}

/** @returns undefined when it does not fit. */
export function decodeProc(message: Uint8Array): ProcChange | undefined {
  if (message.length !== PROC_BYTES) return undefined;
  const view = viewOf(message);
  const group = readName(view, OFFSET_NAME);
  if (group === undefined) return undefined;
  const pid = view.getUint32(OFFSET_PROC_PID, true);
  return { group, pid, reason: view.getUint32(OFFSET_PROC_REASON, true) };
}

export function encodeJoinlist(entries: readonly JoinlistEntry[]): Uint8Array {
  invariant(entries.length <= LOCAL_MEMBERS_MAX, 'joinlist entries', { count: entries.length });
  const size = JOINLIST_HEAD + JOINLIST_ENTRY * entries.length;
  const view = createExecMessage(CPG_SERVICE_ID, FN.joinlist, size);
  entries.forEach(({ group, pid }, i) => {
    const at = JOINLIST_HEAD + JOINLIST_ENTRY * i;
    writeU32(view, at, pid);
    writeName(view, at + OFFSET_ENTRY_NAME, group);
  });
  return new Uint8Array(view.buffer);
}

/** @returns undefined when it does not fit. */
export function decodeJoinlist(message: Uint8Array): readonly JoinlistEntry[] | undefined {
  const count = (message.length - JOINLIST_HEAD) / JOINLIST_ENTRY;
  if (!Number.isInteger(count) || count < 0 || count > JOINLIST_ENTRIES_MAX) return undefined;
  const view = viewOf(message);
  const entries: JoinlistEntry[] = [];
  for (let at = JOINLIST_HEAD; at < message.length; at += JOINLIST_ENTRY) {
    const group = readName(view, at + OFFSET_ENTRY_NAME);
    if (group === undefined) return undefined;
    entries.push({ group, pid: view.getUint32(at, true) });
  }
  return entries;
}

/**
 * The head of all messages of one process: only two lengths differ, see {@link fitMcastHead}. `source` is the
 * sending node; the pointer that C puts beside it stays 0.
 */
export function createMcastHead(
  source: number,
  { group, pid }: Pick<Mcast, 'group' | 'pid'>,
): Uint8Array<ArrayBuffer> {
  const view = createExecMessage(CPG_SERVICE_ID, FN.mcast, MCAST_HEAD);
  writeName(view, OFFSET_NAME, group);
  writeU32(view, OFFSET_MCAST_PID, pid);
  writeU32(view, OFFSET_MCAST_SOURCE, source);
  return new Uint8Array(view.buffer);
}

/** Makes it the head of a message of so many bytes. */
export function fitMcastHead(head: Uint8Array, bytes: number): void {
  invariant(bytes <= MESSAGE_BYTES_MAX, 'cpg message', { bytes });
  putU32(head, OFFSET_SIZE, MCAST_HEAD + bytes);
  putU32(head, OFFSET_LENGTH, bytes);
}

/** A whole message in one piece. */
export function encodeMcast(source: number, { bytes, ...who }: Omit<Mcast, 'part'>): Uint8Array {
  const head = createMcastHead(source, who);
  fitMcastHead(head, bytes.length);
  const message = new Uint8Array(MCAST_HEAD + bytes.length);
  message.set(head);
  message.set(bytes, MCAST_HEAD);
  return message;
}

/** Function mcast. `bytes` lies in `message`. @returns undefined when it does not fit. */
export function decodeMcast(message: Uint8Array, names: GroupNames): Mcast | undefined {
  if (message.length < MCAST_HEAD) return undefined;
  const group = names.read(message, OFFSET_NAME);
  const length = getU32(message, OFFSET_LENGTH);
  if (group === undefined || length !== message.length - MCAST_HEAD) return undefined;
  const pid = getU32(message, OFFSET_MCAST_PID);
  return { group, pid, bytes: message.subarray(MCAST_HEAD), part: 'whole' };
}

/** Reads the same name again and again without making a text of it each time. */
export class GroupNames {
  #bytes = new Uint8Array(0);
  #text = '';

  /** @returns undefined when there is none. */
  read(message: Uint8Array, at: number): string | undefined {
    const length = getU32(message, at);
    if (length > GROUP_NAME_BYTES_MAX) return undefined;
    const start = at + NAME_VALUE;
    if (!this.#isLast(message, start, length)) {
      this.#bytes = new Uint8Array(message.subarray(start, start + length));
      this.#text = String.fromCharCode(...this.#bytes);
    }
    return this.#text;
  }

  #isLast(message: Uint8Array, start: number, length: number): boolean {
    const bytes = this.#bytes;
    if (bytes.length !== length) return false;
    for (let i = 0; i < length; i++) if (message[start + i] !== bytes[i]) return false;
    return true;
  }
}

/** A part of a message of `total` bytes, of which `sent` went before it: libcpg trusts that they add up. */
export function encodePartialMcast(
  source: number,
  { group, pid, bytes }: Omit<Mcast, 'part'>,
  { sent, total }: { readonly sent: number; readonly total: number },
): Uint8Array {
  const end = sent + bytes.length;
  const isPart = bytes.length > 0 && bytes.length <= PART_BYTES_MAX && bytes.length < total;
  invariant(isPart && sent >= 0 && end <= total, 'cpg part', { sent, total, bytes: bytes.length });
  const part = sent === 0 ? 'first' : end === total ? 'last' : 'middle';
  const view = createExecMessage(CPG_SERVICE_ID, FN.partialMcast, PARTIAL_HEAD + bytes.length);
  writeName(view, OFFSET_NAME, group);
  writeU32(view, OFFSET_PARTIAL_TOTAL, total);
  writeU32(view, OFFSET_PARTIAL_LENGTH, bytes.length);
  writeU32(view, OFFSET_PARTIAL_PID, pid);
  writeU32(view, OFFSET_PARTIAL_TYPE, PARTS.indexOf(part));
  writeU32(view, OFFSET_PARTIAL_SOURCE, source);
  const message = new Uint8Array(view.buffer);
  message.set(bytes, PARTIAL_HEAD);
  return message;
}

/** Function partialMcast. @returns undefined when it does not fit. */
export function decodePartialMcast(message: Uint8Array): Mcast | undefined {
  if (message.length < PARTIAL_HEAD) return undefined;
  const view = viewOf(message);
  const group = readName(view, OFFSET_NAME);
  const length = view.getUint32(OFFSET_PARTIAL_LENGTH, true);
  const part = PARTS[view.getUint32(OFFSET_PARTIAL_TYPE, true)];
  if (group === undefined || part === undefined) return undefined;
  if (length !== message.length - PARTIAL_HEAD) return undefined;
  const pid = view.getUint32(OFFSET_PARTIAL_PID, true);
  return { group, pid, bytes: message.subarray(PARTIAL_HEAD), part };
}

function writeName(view: DataView, at: number, name: string): void {
  invariant(name.length <= GROUP_NAME_BYTES_MAX, 'group name', { bytes: name.length });
  invariant(at + NAME_BYTES <= view.byteLength, 'group name beyond the message', { at });
  view.setUint32(at, name.length, true);
  for (let i = 0; i < name.length; i++) {
    const byte = name.charCodeAt(i);
    invariant(byte <= 0xff, 'group name is not bytes', { at: i, byte });
    view.setUint8(at + NAME_VALUE + i, byte);
  }
}

function readName(view: DataView, at: number): string | undefined {
  const length = view.getUint32(at, true);
  if (length > GROUP_NAME_BYTES_MAX) return undefined;
  let name = '';
  for (let i = 0; i < length; i++) name += String.fromCharCode(view.getUint8(at + NAME_VALUE + i));
  return name;
}

function writeU32(view: DataView, at: number, value: number): void {
  invariant(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'u32', { at, value });
  view.setUint32(at, value, true);
}
