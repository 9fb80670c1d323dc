import { decodeExecHeader, InvariantError, viewOf } from '@aisexec/service';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  GROUP_NAME_BYTES_MAX,
  LOCAL_MEMBERS_MAX,
  MESSAGE_BYTES_MAX,
  PART_BYTES_MAX,
} from '../limits.ts';
import * as wire from './wire.ts';

const name = fc
  .uint8Array({ maxLength: GROUP_NAME_BYTES_MAX })
  .map((bytes) => String.fromCharCode(...bytes));
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const names = new wire.GroupNames();

/** What a C daemon reads without looking: every length must be the one of what is there. */
function checkLikeC(message: Uint8Array): void {
  const view = viewOf(message);
  expect(view.getInt32(8, true)).toBe(message.length);
  expect(view.getInt32(0, true) >> 16).toBe(2);
  const fn = view.getInt32(0, true) & 0xffff;
  if (fn === wire.FN.joinlist) {
    expect((message.length - 24) % 144).toBe(0);
    for (let at = 24; at < message.length; at += 144) {
      expect(view.getUint32(at + 8, true)).toBeLessThanOrEqual(128);
    }
    return;
  }
  expect(view.getUint32(16, true)).toBeLessThanOrEqual(128);
  if (fn === wire.FN.partialMcast) {
    expect(view.getUint32(160, true)).toBe(message.length - 200);
    expect(view.getUint32(152, true)).toBeGreaterThan(message.length - 200);
  } else if (fn === wire.FN.mcast) expect(view.getUint32(152, true)).toBe(message.length - 184);
  else expect(message).toHaveLength(168);
}

describe('CPG messages', () => {
  test('whatever is encoded has exact lengths and decodes to the same', () => {
    fc.assert(
      fc.property(name, u32, u32, fc.uint8Array(), (group, pid, node, bytes) => {
        const join = wire.encodeProcJoin({ group, pid, reason: 1 });
        const leave = wire.encodeProcLeave({ group, pid, reason: 2 });
        const mcast = wire.encodeMcast(node, { group, pid, bytes });
        for (const message of [join, leave, mcast]) checkLikeC(message);
        expect(decodeExecHeader(leave)).toEqual({ service: 2, fn: 1 });
        expect(wire.decodeProc(join)).toEqual({ group, pid, reason: 1 });
        expect(wire.decodeMcast(mcast, names)).toEqual({ group, pid, bytes, part: 'whole' });
      }),
    );
  });

  test('the parts of a message decode to it, and say the length that libcpg reserves for them', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(name, u32, cuts, (group, pid, lengths) => {
        const total = lengths.reduce((sum, length) => sum + length, 0);
        let sent = 0;
        const kinds = lengths.map((length) => {
          const bytes = new Uint8Array(length).fill(length);
          const message = wire.encodePartialMcast(7, { group, pid, bytes }, { sent, total });
          checkLikeC(message);
          expect(viewOf(message).getUint32(152, true)).toBe(total);
          sent += length;
          const decoded = wire.decodePartialMcast(message);
          expect(decoded).toMatchObject({ group, pid, bytes });
          return decoded?.part;
        });
        const middle = lengths.slice(2).map(() => 'middle');
        expect(kinds).toEqual(['first', ...middle, 'last']);
      }),
    );
  });

  test('a joinlist has an entry per process', () => {
    const entries = fc.array(fc.record({ group: name, pid: u32 }), { maxLength: 20 });
    fc.assert(
      fc.property(entries, (list) => {
        const message = wire.encodeJoinlist(list);
        checkLikeC(message);
        expect(wire.decodeJoinlist(message)).toEqual(list);
      }),
    );
  });

  test('what a C daemon could not bear is not encoded', () => {
    const group = 'x'.repeat(GROUP_NAME_BYTES_MAX + 1);
    const bytes = new Uint8Array(MESSAGE_BYTES_MAX + 1);
    const many = Array.from({ length: LOCAL_MEMBERS_MAX + 1 }, (_, pid) => ({ group: 'g', pid }));
    for (const encode of [
      () => wire.encodeProcJoin({ group, pid: 1, reason: 1 }),
      () => wire.encodeProcJoin({ group: 'é€', pid: 1, reason: 1 }),
      () => wire.encodeProcLeave({ group: 'g', pid: -1, reason: 2 }),
      () => wire.encodeMcast(1, { group: 'g', pid: 1, bytes }),
      () => wire.encodeMcast(1, { group, pid: 1, bytes: new Uint8Array() }),
      ...[
        { length: 5, sent: 8, total: 12 },
        { length: 12, sent: 0, total: 12 },
        { length: 0, sent: 4, total: 12 },
        { length: 5, sent: -1, total: 12 },
        { length: PART_BYTES_MAX + 1, sent: 0, total: 2 * PART_BYTES_MAX },
      ].map(({ length, sent, total }) => () => {
        const part = { group: 'g', pid: 1, bytes: new Uint8Array(length) };
        return wire.encodePartialMcast(1, part, { sent, total });
      }),
      () => wire.encodeJoinlist(many),
    ]) {
      expect(encode).toThrow(InvariantError);
    }
  });

  test('a part of a large message says which part it is, and lengths that lie are refused', () => {
    const message = new Uint8Array(203);
    const view = viewOf(message);
    const words = { 16: 1, 152: 9, 160: 3, 168: 7, 176: 2 };
    for (const [at, value] of Object.entries(words)) view.setUint32(Number(at), value, true);
    message.set([0x67], 24);
    message.set([1, 2, 3], 200);
    expect(wire.decodePartialMcast(message)).toEqual({
      group: 'g',
      pid: 7,
      bytes: Uint8Array.of(1, 2, 3),
      part: 'middle',
    });
    view.setUint32(160, 4, true);
    expect(wire.decodePartialMcast(message)).toBeUndefined();
    view.setUint32(160, 3, true);
    view.setUint32(176, 4, true);
    expect(wire.decodePartialMcast(message)).toBeUndefined();
  });

  test('rubbish is refused and never thrown at', () => {
    const rubbish = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(rubbish, (bytes) => {
        wire.decodeProc(bytes);
        wire.decodeJoinlist(bytes);
        wire.decodeMcast(bytes, names);
        wire.decodePartialMcast(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
