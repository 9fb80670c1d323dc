/** Properties of every codec: what we write we read back, and rubbish is refused without an exception. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromHex, GOLDEN } from './golden.fixture.ts';
import {
  COMMIT_TOKEN_BYTES,
  createOrfToken,
  decapsulate,
  decodeCommitToken,
  decodeHoldCancel,
  decodeJoin,
  decodeMergeDetect,
  decodeOrfToken,
  encapsulate,
  encodeCommitToken,
  encodeHoldCancel,
  encodeJoin,
  encodeMergeDetect,
  encodeOrfToken,
  headerError,
  InvariantError,
  MCAST_BYTES,
  mcastError,
  mcastIsEncapsulated,
  mcastIsSafe,
  mcastPayload,
  mcastSeq,
  mcastSource,
  NODES_MAX,
  ORF_TOKEN_BYTES,
  ORF_TOKEN_BYTES_MAX,
  PACKET_TYPE,
  prepareMcast,
  RING_SEQ_MAX,
  RTR_ENTRIES_MAX,
  SEQ_AHEAD_MAX,
  stampMcast,
} from './index.ts';

const u32 = fc.nat({ max: 0xffffffff });
const nodeId = fc.integer({ min: 1, max: 0xffffffff });
const ringSeq = fc.integer({ min: 0, max: RING_SEQ_MAX });
const ringId = fc.record({ rep: u32, seq: ringSeq });
const nodes = fc.uniqueArray(nodeId, { maxLength: 40 });

describe('what is encoded is decoded to the same', () => {
  test('JOIN and LEAVE', () => {
    const join = fc
      .record({ systemFrom: nodeId, leave: fc.boolean(), ringSeq, proc: nodes, failed: nodes })
      .map((j) => (j.leave ? { ...j, failed: [...j.failed, j.systemFrom] } : j))
      .filter((j) => j.leave || j.proc.some((node) => !j.failed.includes(node)));
    fc.assert(
      fc.property(join, (j) => {
        expect(decodeJoin(encodeJoin(j))).toEqual({ ok: true, value: j });
      }),
    );
  });

  test('commit token', () => {
    const entry = fc.record({
      oldRingId: ringId,
      aru: u32,
      highDelivered: u32,
      received: fc.boolean(),
    });
    const token = fc
      .uniqueArray(nodeId, { minLength: 1, maxLength: 12 })
      .map((list) => list.sort((a, b) => a - b))
      .chain((members) =>
        fc.record({
          nodeId,
          tokenSeq: u32,
          ringId: ringSeq.map((seq) => ({ rep: members[0]!, seq })),
          membIndex: fc.nat({ max: members.length }),
          members: fc.constant(members),
          entries: fc.array(entry, { minLength: members.length, maxLength: members.length }),
        }),
      );
    fc.assert(
      fc.property(token, (t) => {
        expect(decodeCommitToken(encodeCommitToken(t))).toEqual({ ok: true, value: t });
      }),
    );
  });

  test('ORF token', () => {
    const rtr = fc.array(fc.record({ ringId, seq: u32 }), { maxLength: RTR_ENTRIES_MAX });
    const fields = fc.record({
      nodeId,
      seq: u32,
      tokenSeq: u32,
      aruAddr: u32,
      ringRep: u32,
      ringSeq,
      backlog: u32,
      fcc: u32,
      retransFlg: u32,
    });
    const behind = fc.nat({ max: SEQ_AHEAD_MAX - 1 });
    fc.assert(
      fc.property(fields, behind, rtr, (f, distance, entries) => {
        const token = Object.assign(createOrfToken(), f, { aru: (f.seq - distance) >>> 0 });
        token.rtrCount = entries.length;
        entries.forEach((e, i) => {
          token.rtrSeq[i] = e.seq;
          token.rtrRingRep[i] = e.ringId.rep;
          token.rtrRingSeq[i] = e.ringId.seq;
        });
        const into = new Uint8Array(ORF_TOKEN_BYTES_MAX);
        const length = encodeOrfToken(token, into);
        const read = createOrfToken();
        expect(decodeOrfToken(into.subarray(0, length), read)).toBeUndefined();
        expect(read).toEqual(token);
      }),
    );
  });

  test('merge-detect and hold-cancel', () => {
    fc.assert(
      fc.property(nodeId, ringId, (systemFrom, id) => {
        const merge = { systemFrom, ringId: id };
        expect(decodeMergeDetect(encodeMergeDetect(merge))).toEqual({ ok: true, value: merge });
        const cancel = { nodeId: systemFrom, ringId: id };
        expect(decodeHoldCancel(encodeHoldCancel(cancel))).toEqual({ ok: true, value: cancel });
      }),
    );
  });

  test('mcast, plain and inside a recovery copy', () => {
    const payload = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(nodeId, u32, ringId, fc.boolean(), payload, (from, seq, id, safe, bytes) => {
        const packet = new Uint8Array(MCAST_BYTES + bytes.length);
        packet.set(bytes, MCAST_BYTES);
        prepareMcast(packet, from, safe ? 'safe' : 'agreed');
        stampMcast(packet, seq, id.rep, id.seq, 7);
        expect([headerError(packet), mcastError(packet)]).toEqual([undefined, undefined]);
        expect([mcastSource(packet), mcastSeq(packet)]).toEqual([from, seq]);
        expect([mcastIsSafe(packet), mcastIsEncapsulated(packet)]).toEqual([safe, false]);
        expect(mcastPayload(packet)).toEqual(bytes);
        const outer = encapsulate(packet, from);
        expect([headerError(outer), mcastError(outer)]).toEqual([undefined, undefined]);
        expect(mcastIsEncapsulated(outer)).toBe(true);
        expect(decapsulate(outer)).toEqual(packet);
        expect(decapsulate(encapsulate(outer, from))).toBeUndefined();
      }),
    );
  });
});

/** Everything a receiver does before it believes a packet. */
function decodeAnything(packet: Uint8Array): void {
  if (headerError(packet) !== undefined) return;
  decodeJoin(packet);
  decodeCommitToken(packet);
  decodeMergeDetect(packet);
  decodeHoldCancel(packet);
  decodeOrfToken(packet, createOrfToken());
  if (mcastError(packet) === undefined) decapsulate(packet);
}

describe('rubbish', () => {
  test('noise behind a valid header never throws', () => {
    const type = fc.integer({ min: 0, max: 5 });
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 300 }), (kind, tail) => {
        decodeAnything(Uint8Array.from([0x70, 0xc0, 3, kind, ...tail]));
      }),
      { numRuns: 2000 },
    );
  });

  test('captured datagrams with flipped bytes and cut tails never throw', () => {
    const flips = fc.array(fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(GOLDEN)),
        flips,
        fc.nat({ max: 120 }),
        (hex, changes, length) => {
          const packet = fromHex(hex);
          for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
          decodeAnything(packet.subarray(0, length));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('every captured datagram is refused when its last byte is missing', () => {
    const cut = (hex: string): Uint8Array => fromHex(hex).slice(0, -1);
    const short = { ok: false, error: 'short' };
    expect(decodeJoin(cut(GOLDEN.join))).toEqual(short);
    expect(decodeMergeDetect(cut(GOLDEN.mergeDetect))).toEqual(short);
    expect(decodeHoldCancel(cut(GOLDEN.holdCancel))).toEqual(short);
    expect(decodeCommitToken(cut(GOLDEN.commitToken))).toEqual(short);
    expect(decodeOrfToken(cut(GOLDEN.orfToken), createOrfToken())).toBe('short');
  });

  test('the header tells why: short, magic, byte order, version, type', () => {
    const header = fromHex(GOLDEN.join);
    const changed = (at: number, value: number): Uint8Array => {
      const copy = header.slice();
      copy[at] = value;
      return copy;
    };
    expect(headerError(header.subarray(0, 12))).toBe('short');
    expect(headerError(changed(0, 0x71))).toBe('bad-magic');
    expect(headerError(Uint8Array.from([0xc0, 0x70, ...header.subarray(2)]))).toBe('big-endian');
    expect(headerError(changed(2, 2))).toBe('bad-version');
    expect(headerError(changed(3, 6))).toBe('bad-type');
    expect(headerError(new Uint8Array(65_508))).toBe('long');
  });

  test('two counts that wrap together are refused (CVE-2026-35092)', () => {
    const packet = fromHex(GOLDEN.join);
    packet.fill(0xff, 17, 25);
    expect(decodeJoin(packet)).toEqual({ ok: false, error: 'bad-count' });
  });

  test('a commit token cut before its entries is refused (CVE-2026-35091)', () => {
    const packet = fromHex(GOLDEN.commitToken).subarray(0, COMMIT_TOKEN_BYTES + 8);
    expect(decodeCommitToken(packet)).toEqual({ ok: false, error: 'short' });
  });

  test('an ORF token with 31 retransmit entries is refused', () => {
    const packet = new Uint8Array(ORF_TOKEN_BYTES + 31 * 16);
    packet.set(fromHex(GOLDEN.orfToken));
    packet[53] = 31;
    expect(decodeOrfToken(packet, createOrfToken())).toBe('bad-count');
  });

  test('a ring sequence beyond the safe integers is refused', () => {
    const packet = fromHex(GOLDEN.join);
    packet.fill(0xff, 25, 33);
    expect(decodeJoin(packet)).toEqual({ ok: false, error: 'bad-ring' });
  });
});

describe('the encoder refuses what would bring down a C peer (totem-wire §4.7)', () => {
  const into = new Uint8Array(ORF_TOKEN_BYTES_MAX);
  const join = { systemFrom: 1, leave: false, ringSeq: 1, proc: [1, 2], failed: [] as number[] };

  test('more than 30 retransmit entries', () => {
    const token = Object.assign(createOrfToken(), { rtrCount: 31 });
    expect(() => encodeOrfToken(token, into)).toThrow(InvariantError);
  });

  test('a token whose seq is 16,384 ahead of its aru', () => {
    const token = Object.assign(createOrfToken(), { seq: SEQ_AHEAD_MAX, aru: 0 });
    expect(() => encodeOrfToken(token, into)).toThrow(InvariantError);
    token.aru = 1;
    expect(encodeOrfToken(token, into)).toBe(ORF_TOKEN_BYTES);
  });

  test('a memb_index beyond the members', () => {
    const good = decodeCommitToken(fromHex(GOLDEN.commitToken));
    if (!good.ok) throw new Error(good.error);
    expect(() => encodeCommitToken({ ...good.value, membIndex: 3 })).toThrow(InvariantError);
  });

  test('more than 384 nodes', () => {
    const many = Array.from({ length: NODES_MAX + 1 }, (_, i) => i + 1);
    expect(() => encodeJoin({ ...join, proc: many })).toThrow(InvariantError);
  });

  test('a JOIN that leaves nobody, while a LEAVE may', () => {
    expect(() => encodeJoin({ ...join, failed: [1, 2] })).toThrow(InvariantError);
    expect(() => encodeJoin({ ...join, proc: [1], failed: [1], leave: true })).not.toThrow();
    expect(() => encodeJoin({ ...join, failed: [2, 1, 3], leave: true })).toThrow(InvariantError);
  });

  test('such packets from others are refused, too', () => {
    const packet = fromHex(GOLDEN.joinFailed);
    packet[33] = 2;
    expect(decodeJoin(packet)).toEqual({ ok: false, error: 'bad-node' });
    expect(packet[3]).toBe(PACKET_TYPE.join);
  });
});
