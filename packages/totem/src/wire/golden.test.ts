/** Golden vectors of a stock corosync, in both directions (totem-wire §1.8). */
import { describe, expect, test } from '@jest/globals';
import { fromHex, GOLDEN, toHex } from './golden.fixture.ts';
import {
  createOrfToken,
  decodeCommitToken,
  decodeHoldCancel,
  decodeJoin,
  decodeMergeDetect,
  decodeOrfToken,
  encodeCommitToken,
  encodeHoldCancel,
  encodeJoin,
  encodeMergeDetect,
  encodeOrfToken,
  headerError,
  type Join,
  MCAST_BYTES,
  mcastError,
  mcastIsEncapsulated,
  mcastIsSafe,
  mcastPayload,
  mcastRingRep,
  mcastRingSeq,
  mcastSeq,
  mcastSource,
  ORF_TOKEN_BYTES_MAX,
  prepareMcast,
  stampMcast,
} from './index.ts';

const JOINS: readonly (readonly [name: string, hex: string, join: Join])[] = [
  [
    'JOIN of a node that knows two',
    GOLDEN.join,
    { systemFrom: 1, leave: false, ringSeq: 5, proc: [1, 2], failed: [] },
  ],
  [
    'LEAVE of the last node',
    GOLDEN.leaveAlone,
    { systemFrom: 1, leave: true, ringSeq: 0xd, proc: [], failed: [1] },
  ],
  [
    'LEAVE of one of two',
    GOLDEN.leave,
    { systemFrom: 2, leave: true, ringSeq: 9, proc: [1], failed: [2] },
  ],
  [
    'JOIN with a failed node',
    GOLDEN.joinFailed,
    { systemFrom: 1, leave: false, ringSeq: 9, proc: [1, 2], failed: [2] },
  ],
];

/** corosync leaves stack bytes in `target_nodeid` where only knet would read it. */
function zeroTarget(hex: string): string {
  return `${hex.slice(0, 18)}00000000${hex.slice(26)}`;
}

describe('datagrams of a stock corosync', () => {
  test.each(Object.entries(GOLDEN))('pass the header check: %s', (_name, hex) => {
    expect(headerError(fromHex(hex))).toBeUndefined();
  });

  test.each(JOINS)('%s is read and written byte for byte', (_name, hex, join) => {
    expect(decodeJoin(fromHex(hex))).toEqual({ ok: true, value: join });
    expect(toHex(encodeJoin(join))).toBe(hex);
  });

  test('merge-detect is read, its uninitialised target ignored, and ours written as zero', () => {
    const message = { systemFrom: 1, ringId: { rep: 1, seq: 9 } };
    expect(decodeMergeDetect(fromHex(GOLDEN.mergeDetect))).toEqual({ ok: true, value: message });
    expect(toHex(encodeMergeDetect(message))).toBe(zeroTarget(GOLDEN.mergeDetect));
  });

  test('token-hold-cancel is read and written byte for byte', () => {
    const message = { nodeId: 1, ringId: { rep: 1, seq: 9 } };
    expect(decodeHoldCancel(fromHex(GOLDEN.holdCancel))).toEqual({ ok: true, value: message });
    expect(toHex(encodeHoldCancel(message))).toBe(GOLDEN.holdCancel);
  });

  test('a commit token on its first rotation is read and written byte for byte', () => {
    const token = {
      nodeId: 1,
      tokenSeq: 1,
      ringId: { rep: 1, seq: 9 },
      membIndex: 1,
      members: [1, 2],
      entries: [
        { oldRingId: { rep: 1, seq: 5 }, aru: 6, highDelivered: 6, received: true },
        { oldRingId: { rep: 0, seq: 0 }, aru: 0, highDelivered: 0, received: false },
      ],
    };
    expect(decodeCommitToken(fromHex(GOLDEN.commitToken))).toEqual({ ok: true, value: token });
    expect(toHex(encodeCommitToken(token))).toBe(GOLDEN.commitToken);
  });

  test('an ORF token is read, its uninitialised target ignored, and ours written as zero', () => {
    const token = createOrfToken();
    expect(decodeOrfToken(fromHex(GOLDEN.orfToken), token)).toBeUndefined();
    expect(token).toMatchObject({
      nodeId: 2,
      seq: 0xf,
      tokenSeq: 0x4f,
      aru: 0xf,
      aruAddr: 0,
      ringRep: 1,
      ringSeq: 9,
      backlog: 0,
      fcc: 0,
      retransFlg: 0,
      rtrCount: 0,
    });
    const into = new Uint8Array(ORF_TOKEN_BYTES_MAX);
    expect(toHex(into.subarray(0, encodeOrfToken(token, into)))).toBe(zeroTarget(GOLDEN.orfToken));
  });

  test('an mcast of the sync group is read and written byte for byte', () => {
    const packet = fromHex(GOLDEN.barrier);
    expect(mcastError(packet)).toBeUndefined();
    expect(mcastSource(packet)).toBe(1);
    expect(mcastSeq(packet)).toBe(5);
    expect([mcastRingRep(packet), mcastRingSeq(packet)]).toEqual([1, 0xd]);
    expect(mcastIsEncapsulated(packet)).toBe(false);
    expect(mcastIsSafe(packet)).toBe(false);
    const written = new Uint8Array(packet.length);
    written.set(mcastPayload(packet), MCAST_BYTES);
    prepareMcast(written, 1, 'agreed');
    stampMcast(written, 5, 1, 0xd, 0x14);
    expect(toHex(written)).toBe(GOLDEN.barrier);
  });
});
