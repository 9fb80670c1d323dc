/** The commit token: 41 bytes and 28 per member (totem-wire §1.5). */
import type { RingId } from '../contract.ts';
import { getU32, putU32 } from './bytes.ts';
import { type Decoded, PACKET_TYPE, packetNodeId, putHeader, refused } from './header.ts';
import { invariant } from './invariant.ts';
import { getNodes, putNodes } from './join.ts';
import { NODES_MAX } from './limits.ts';
import { getRingId, isRingSeq, putRingId } from './ring-id.ts';

export const COMMIT_TOKEN_BYTES = 41;
export const COMMIT_ENTRY_BYTES = 24;

/** What a member says about the ring it comes from; zero until the token has visited it. */
export interface CommitEntry {
  oldRingId: RingId;
  /** All received up to here in the old ring. */
  aru: number;
  highDelivered: number;
  /** False: this member may miss messages of the old ring that others have. */
  received: boolean;
}

export interface CommitToken {
  /** The last forwarder. */
  nodeId: number;
  tokenSeq: number;
  readonly ringId: RingId;
  /** Index of the member that fills its entry next; the member count when all have. */
  membIndex: number;
  /** Strictly ascending; the representative first. */
  readonly members: readonly number[];
  /** As many as members. */
  readonly entries: readonly CommitEntry[];
}

export function decodeCommitToken(packet: Uint8Array): Decoded<CommitToken> {
  if (packet.length < COMMIT_TOKEN_BYTES) return refused('short');
  const membIndex = getU32(packet, 33);
  const count = getU32(packet, 37);
  if (count === 0 || count > NODES_MAX || membIndex > count) return refused('bad-count');
  // CVE-2026-35091: this very length check once answered "fine" for a short token.
  if (packet.length < COMMIT_TOKEN_BYTES + count * (4 + COMMIT_ENTRY_BYTES))
    return refused('short');
  const ringId = getRingId(packet, 17);
  if (!isRingSeq(ringId.seq)) return refused('bad-ring');
  const members = getNodes(packet, COMMIT_TOKEN_BYTES, count);
  if (!isAscending(members) || members[0] !== ringId.rep) return refused('bad-node');
  const entries: CommitEntry[] = [];
  for (let i = 0; i < count; i++) {
    const at = COMMIT_TOKEN_BYTES + 4 * count + COMMIT_ENTRY_BYTES * i;
    const oldRingId = getRingId(packet, at);
    if (!isRingSeq(oldRingId.seq)) return refused('bad-ring');
    entries.push({
      oldRingId,
      aru: getU32(packet, at + 12),
      highDelivered: getU32(packet, at + 16),
      received: getU32(packet, at + 20) !== 0,
    });
  }
  const tokenSeq = getU32(packet, 13);
  const nodeId = packetNodeId(packet);
  return { ok: true, value: { nodeId, tokenSeq, ringId, membIndex, members, entries } };
}

export function encodeCommitToken(token: CommitToken): Uint8Array {
  const { members, entries, membIndex, ringId } = token;
  const count = members.length;
  invariant(count > 0 && count <= NODES_MAX, 'member count of a commit token', { count });
  // totem-wire §4.7 rule 3.
  invariant(membIndex <= count, 'memb_index beyond the members', { membIndex, count });
  invariant(entries.length === count, 'an entry per member', { entries: entries.length, count });
  invariant(isAscending(members) && members[0] === ringId.rep, 'members start with the rep', {
    members,
  });
  const packet = new Uint8Array(COMMIT_TOKEN_BYTES + count * (4 + COMMIT_ENTRY_BYTES));
  putHeader(packet, PACKET_TYPE.commitToken, 0, token.nodeId);
  putU32(packet, 13, token.tokenSeq);
  putRingId(packet, 17, ringId.rep, ringId.seq);
  putU32(packet, 29, 0);
  putU32(packet, 33, membIndex);
  putU32(packet, 37, count);
  putNodes(packet, COMMIT_TOKEN_BYTES, members);
  for (let i = 0; i < count; i++) {
    const entry = entries[i]!;
    const at = COMMIT_TOKEN_BYTES + 4 * count + COMMIT_ENTRY_BYTES * i;
    putRingId(packet, at, entry.oldRingId.rep, entry.oldRingId.seq);
    putU32(packet, at + 12, entry.aru);
    putU32(packet, at + 16, entry.highDelivered);
    putU32(packet, at + 20, entry.received ? 1 : 0);
  }
  return packet;
}

function isAscending(nodes: readonly number[]): boolean {
  let previous = 0;
  for (const node of nodes) {
    if (node <= previous) return false;
    previous = node;
  }
  return true;
}
