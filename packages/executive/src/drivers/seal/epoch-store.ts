/**
 * The epoch of one sender, durable: every start takes a higher one before the first packet leaves, so that no
 * pair of key and nonce is ever used twice, whatever the clock says. The upper half counts; the lower is
 * drawn, so that a node whose state directory was lost does not repeat a nonce either (it will be refused
 * for its old count, which is safe, ADR 0134). What cannot be read is refused and never taken for 0.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  ensureDirectory,
  previousOf,
  readIfThere,
  replaceKeepingPrevious,
  StableStoreError,
} from '../durable-file.ts';

/** Layout, little-endian: 0 magic, 4 nodeid u32, 8 epoch u64, 16 CRC-32 of 0..15. */
const MAGIC = 0x32_53_49_41;
const FILE_BYTES = 20;
const CRC_AT = 16;
const COUNT_MAX = 0xffff_ffffn;

export interface EpochStore {
  /** A higher epoch than all before; durable when this returns. @throws StableStoreError: the node must stop. */
  next(): bigint;
}

/** @throws StableStoreError when the directory cannot be used or the file in it cannot be believed. */
export function openEpochStore(directory: string, nodeId: number): EpochStore {
  const path = join(directory, `epoch_${nodeId}`);
  ensureDirectory(directory);
  let count = load(path, nodeId) >> 32n;
  return {
    next() {
      if (count >= COUNT_MAX) throw refusal(path, 'has no higher epoch left');
      count++;
      const epoch = (count << 32n) | BigInt(randomBytes(4).readUInt32LE(0));
      replaceKeepingPrevious(path, encode(nodeId, epoch), 'the epoch of sealed packets');
      return epoch;
    },
  };
}

function load(path: string, nodeId: number): bigint {
  const bytes = readIfThere(path);
  if (bytes === undefined) {
    if (readIfThere(previousOf(path)) === undefined) return 0n;
    throw refusal(path, `is gone, while ${previousOf(path)} is there`);
  }
  const epoch = decode(Buffer.from(bytes), nodeId);
  if (typeof epoch === 'string') throw refusal(path, epoch);
  return epoch;
}

function refusal(path: string, why: string): StableStoreError {
  return new StableStoreError(
    `${path}: ${why}. Packets sealed with an epoch that was used before could be forged and are refused by the ` +
      `others, so this node does not start. Put the file back from a backup; or remove ${path}* and rotate ` +
      'the key (aisctl key rotate, at another node), after which the others take this node in again',
  );
}

function encode(nodeId: number, epoch: bigint): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(nodeId, 4);
  bytes.writeBigUInt64LE(epoch, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** The epoch, or what is wrong. */
function decode(bytes: Buffer, nodeId: number): bigint | string {
  if (bytes.length !== FILE_BYTES) return `has ${bytes.length} bytes instead of ${FILE_BYTES}`;
  if (bytes.readUInt32LE(0) !== MAGIC) return 'is not an epoch file';
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) {
    return 'has a wrong checksum';
  }
  const owner = bytes.readUInt32LE(4);
  if (owner !== nodeId) return `belongs to node ${owner}, this is node ${nodeId}`;
  return bytes.readBigUInt64LE(8);
}
