/**
 * What a quorum filter must remember over a crash (`QuorumStore`): one small file per node and provider, written like
 * the ring sequence and, like it, refused when it cannot be believed: a node that forgot which primary component
 * it was in could found a second one.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { QuorumStore } from '@aisexec/service';
import {
  ensureDirectory,
  previousOf,
  readIfThere,
  replaceKeepingPrevious,
  StableStoreError,
} from './durable-file.ts';

/** Layout, little-endian: 0 magic, 4 nodeid u32, 8 the record, then CRC-32 of all before. */
const MAGIC = 0x31_51_49_41;
const HEAD_BYTES = 8;
const CRC_BYTES = 4;

/** @throws StableStoreError when the directory cannot be used or the file in it cannot be believed. */
export function openQuorumStore(directory: string, provider: string, nodeId: number): QuorumStore {
  const path = join(directory, `quorum_${provider}_${nodeId}`);
  ensureDirectory(directory);
  return {
    saved: load(path, nodeId),
    save(bytes) {
      const file = new Uint8Array(HEAD_BYTES + bytes.length + CRC_BYTES);
      const view = new DataView(file.buffer);
      view.setUint32(0, MAGIC, true);
      view.setUint32(4, nodeId, true);
      file.set(bytes, HEAD_BYTES);
      const end = file.length - CRC_BYTES;
      view.setUint32(end, crc32(file.subarray(0, end)), true);
      replaceKeepingPrevious(path, file, 'the quorum record');
    },
  };
}

function load(path: string, nodeId: number): Uint8Array | undefined {
  const file = readIfThere(path);
  if (file === undefined) {
    if (readIfThere(previousOf(path)) === undefined) return undefined;
    throw refusal(path, `is gone, while ${previousOf(path)} is there`);
  }
  if (file.length < HEAD_BYTES + CRC_BYTES) throw refusal(path, `has ${file.length} bytes`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = file.length - CRC_BYTES;
  if (view.getUint32(0, true) !== MAGIC) throw refusal(path, 'is no quorum record');
  if (view.getUint32(end, true) !== crc32(file.subarray(0, end))) {
    throw refusal(path, 'has a wrong checksum');
  }
  const owner = view.getUint32(4, true);
  if (owner !== nodeId) throw refusal(path, `belongs to node ${owner}, this is node ${nodeId}`);
  return new Uint8Array(file.subarray(HEAD_BYTES, end));
}

function refusal(path: string, what: string): StableStoreError {
  return new StableStoreError(
    `${path} ${what}: this node does not know which part of the cluster it belonged to. Restore the file; or, when ` +
      'all other nodes are up and quorate, or the whole cluster is to begin anew, remove it and its .previous',
  );
}
