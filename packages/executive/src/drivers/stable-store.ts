/**
 * The ring sequence of one node, durable (Totem §4.2, totem-wire §3.2): a restarted node must never use
 * the id of a ring again. Written before every new ring: a temporary file, fsync, rename, fsync of the
 * directory. The generation before stays beside it, so that a lost file is told from a first start.
 * What cannot be read is refused and never taken for 0 (DESIGN "Ring sequence file").
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { RingId } from '@aisexec/totem';
import {
  ensureDirectory,
  previousOf,
  readIfThere,
  replaceKeepingPrevious,
  StableStoreError,
} from './durable-file.ts';

/** Layout, little-endian: 0 magic, 4 nodeid u32, 8 rep u32, 12 seq u64, 20 CRC-32 of 0..19. */
const MAGIC = 0x31_53_49_41;
const FILE_BYTES = 24;
const CRC_AT = 20;

export interface StableStore {
  /** The sequence to start from; 0 on the very first start. */
  readonly ringSeq: number;
  /** Durable when it returns. @throws StableStoreError when it cannot be made so: the node must stop. */
  save(ringId: RingId): void;
}

/** @throws StableStoreError when the directory cannot be used or the file in it cannot be believed. */
export function openStableStore(directory: string, nodeId: number): StableStore {
  const path = join(directory, `ringid_${nodeId}`);
  const previous = previousOf(path);
  ensureDirectory(directory);
  const ringSeq = load(path, previous, nodeId);
  return {
    ringSeq,
    save: (ringId) => replaceKeepingPrevious(path, encode(nodeId, ringId), 'the ring sequence'),
  };
}

function load(path: string, previous: string, nodeId: number): number {
  const current = readIfThere(path);
  if (current === undefined) {
    const before = readIfThere(previous);
    if (before === undefined) return 0;
    throw refusal(path, `is gone, while ${previous} is there (${describe(before, nodeId)})`);
  }
  const decoded = decodeRingSequence(current, nodeId);
  if (typeof decoded === 'number') return decoded;
  const before = readIfThere(previous);
  const hint = before === undefined ? '' : `; ${previous}: ${describe(before, nodeId)}`;
  throw refusal(path, `${decoded}${hint}`);
}

function refusal(path: string, why: string): StableStoreError {
  return new StableStoreError(
    `${path}: ${why}. Starting from 0 could repeat the id of a ring that this node was in, so it does not ` +
      'start. Put the file back from a backup; or, when this node may count as a new one (give it a new ' +
      `node id, or be sure that no other node remembers its rings), remove ${path}*`,
  );
}

function describe(bytes: Uint8Array, nodeId: number): string {
  const decoded = decodeRingSequence(bytes, nodeId);
  return typeof decoded === 'number' ? `ring sequence ${decoded}, at least one ring old` : decoded;
}

function encode(nodeId: number, { rep, seq }: RingId): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(nodeId, 4);
  bytes.writeUInt32LE(rep, 8);
  bytes.writeBigUInt64LE(BigInt(seq), 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** What a ring sequence file says: the sequence, or what is wrong with it. Never throws. */
export function decodeRingSequence(content: Uint8Array, nodeId: number): number | string {
  const bytes = Buffer.from(content);
  if (bytes.length !== FILE_BYTES) return `has ${bytes.length} bytes instead of ${FILE_BYTES}`;
  if (bytes.readUInt32LE(0) !== MAGIC) return 'is not a ring sequence file';
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT)))
    return 'has a wrong checksum';
  const owner = bytes.readUInt32LE(4);
  if (owner !== nodeId) return `belongs to node ${owner}, this is node ${nodeId}`;
  const seq = bytes.readBigUInt64LE(12);
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) return `holds an impossible sequence ${seq}`;
  return Number(seq);
}
