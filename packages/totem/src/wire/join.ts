/** JOIN and LEAVE: 33 bytes and 4 per node (totem-wire §1.4). */
import { getU32, getU64, putU32, putU64 } from './bytes.ts';
import { type Decoded, PACKET_TYPE, packetNodeId, putHeader, refused } from './header.ts';
import { invariant } from './invariant.ts';
import { NODES_MAX } from './limits.ts';
import { isRingSeq } from './ring-id.ts';

export const JOIN_BYTES = 33;

export interface Join {
  readonly systemFrom: number;
  /** True for a LEAVE: header nodeid 0, the leaver last in `failed`. */
  readonly leave: boolean;
  /** The sender's current ring sequence. */
  readonly ringSeq: number;
  readonly proc: readonly number[];
  readonly failed: readonly number[];
}

export function decodeJoin(packet: Uint8Array): Decoded<Join> {
  if (packet.length < JOIN_BYTES) return refused('short');
  const systemFrom = getU32(packet, 13);
  const procCount = getU32(packet, 17);
  const failedCount = getU32(packet, 21);
  const ringSeq = getU64(packet, 25);
  // Each bounded before they are added: CVE-2026-35092 was a sum that wrapped.
  if (procCount > NODES_MAX || failedCount > NODES_MAX) return refused('bad-count');
  if (packet.length < JOIN_BYTES + 4 * (procCount + failedCount)) return refused('short');
  if (!isRingSeq(ringSeq)) return refused('bad-ring');
  const leave = packetNodeId(packet) === 0;
  const proc = getNodes(packet, JOIN_BYTES, procCount);
  const failed = getNodes(packet, JOIN_BYTES + 4 * procCount, failedCount);
  if (systemFrom === 0 || proc.includes(0) || failed.includes(0)) return refused('bad-node');
  if (!leave && covers(failed, proc)) return refused('bad-node');
  return { ok: true, value: { systemFrom, leave, ringSeq, proc, failed } };
}

export function encodeJoin(join: Join): Uint8Array {
  const { proc, failed, systemFrom, leave } = join;
  invariant(proc.length <= NODES_MAX && failed.length <= NODES_MAX, 'too many nodes in a JOIN', {
    proc: proc.length,
    failed: failed.length,
  });
  // totem-wire §4.7 rule 4: a C peer asserts on a membership of nobody.
  invariant(leave || !covers(failed, proc), 'a JOIN that leaves nobody', { proc, failed });
  invariant(!leave || failed.at(-1) === systemFrom, 'a LEAVE ends with the leaver', { failed });
  const packet = new Uint8Array(JOIN_BYTES + 4 * (proc.length + failed.length));
  putHeader(packet, PACKET_TYPE.join, 0, leave ? 0 : systemFrom);
  putU32(packet, 13, systemFrom);
  putU32(packet, 17, proc.length);
  putU32(packet, 21, failed.length);
  putU64(packet, 25, join.ringSeq);
  putNodes(packet, JOIN_BYTES, proc);
  putNodes(packet, JOIN_BYTES + 4 * proc.length, failed);
  return packet;
}

export function getNodes(packet: Uint8Array, at: number, count: number): number[] {
  const nodes: number[] = [];
  for (let i = 0; i < count; i++) nodes.push(getU32(packet, at + 4 * i));
  return nodes;
}

export function putNodes(packet: Uint8Array, at: number, nodes: readonly number[]): void {
  for (let i = 0; i < nodes.length; i++) putU32(packet, at + 4 * i, nodes[i]!);
}

function covers(failed: readonly number[], proc: readonly number[]): boolean {
  if (failed.length === 0) return proc.length === 0;
  const failedSet = new Set(failed);
  return proc.every((node) => failedSet.has(node));
}
