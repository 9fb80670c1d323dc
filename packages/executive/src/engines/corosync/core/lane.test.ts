import { BufferPool, MESSAGE_BYTES_MAX } from '@aisexec/totem';
import { describe, expect, test } from '@jest/globals';
import { Inbox } from './inbox.ts';
import { Lane } from './lane.ts';
import { CPG_FRAME_BYTES_MAX } from './limits.ts';
import { ENTRY_FIRST, ENTRY_HEAD_BYTES, ENTRY_LAST, HEADER_BYTES } from './wire.ts';

const VIEW = { rep: 1, seq: 7 };
const STAMP = { view: VIEW, delivered: 0 };
const GROUP = 'g';

/** A sender and a receiver, with what Corosync does between: it carries frames, whose memory is lent. */
function pair() {
  const pool = new BufferPool(1 << 23);
  const lane = new Lane(false, pool);
  const delivered: Uint8Array[] = [];
  let malformed = 0;
  const inbox = new Inbox({
    ringId: VIEW,
    members: [1, 2],
    pool,
    deliver: ({ bytes }) => void delivered.push(bytes.slice()),
    cameBack() {
      const message = lane.cameBack();
      if (message !== undefined) lane.release(message);
    },
    malformed: () => void malformed++,
  });
  const send = (bytes: Uint8Array) => lane.offer(GROUP, [bytes], bytes.length, 'agreed');
  const carry = () => {
    for (let frame = lane.frame(STAMP); frame !== undefined; frame = lane.frame(STAMP)) {
      inbox.frame(1, frame, false);
    }
  };
  return { pool, lane, inbox, delivered, send, carry, malformed: () => malformed };
}

/** Every byte says where it stands. */
const pattern = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) + seed) & 0xff);

describe('messages in frames', () => {
  test.each([1, 255, 256, 65_495, 65_496, 65_497, 131_000, 1_000_000, MESSAGE_BYTES_MAX])(
    'of %i bytes arrive as they were sent, beside small ones',
    (length) => {
      const { send, carry, delivered } = pair();
      const sent = [pattern(3, 1), pattern(length, 2), pattern(0, 3), pattern(5, 4)];
      for (const message of sent) expect(send(message)).toBe(true);
      carry();
      expect(delivered.map((one) => one.length)).toEqual(sent.map((one) => one.length));
      for (const [at, one] of delivered.entries()) {
        expect(Buffer.compare(one, sent[at]!)).toBe(0);
      }
    },
  );

  test('of any size use the same memory again', () => {
    const { send, carry, pool, delivered } = pair();
    for (let round = 0; round < 50; round++) {
      for (const length of [64, 300, 70_000, 1_000_000]) send(pattern(length, round));
      carry();
    }
    expect(delivered).toHaveLength(200);
    // Four senders' buffers, and those in which two messages grew.
    expect(pool.made).toBeLessThan(12);
  });

  test('an entry of an earlier frame leaves nothing in the next one', () => {
    const { lane, send } = pair();
    send(new Uint8Array(1_000).fill(0xff));
    lane.frame(STAMP);
    send(new Uint8Array(1));
    const frame = lane.frame(STAMP)!;
    expect(frame).toHaveLength(HEADER_BYTES + ENTRY_HEAD_BYTES + GROUP.length + 1);
    expect([...frame.subarray(HEADER_BYTES)]).toEqual([3, 1, 0, 0, 1, 0, 0, 0, 103, 0]);
  });

  test.each([
    [
      'a beginning without bytes',
      [
        [ENTRY_FIRST, 0],
        [ENTRY_LAST, 0],
      ],
      [0],
      0,
    ],
    [
      'two beginnings',
      [
        [ENTRY_FIRST, 4],
        [ENTRY_FIRST, 0],
        [ENTRY_FIRST, 2],
        [ENTRY_LAST, 1],
      ],
      [3],
      0,
    ],
    [
      'an end without a beginning',
      [
        [ENTRY_LAST, 4],
        [ENTRY_FIRST | ENTRY_LAST, 2],
      ],
      [2],
      1,
    ],
    [
      'a middle without a beginning',
      [
        [0, 4],
        [ENTRY_LAST, 4],
      ],
      [],
      2,
    ],
  ] as const)('%s stops nobody', (_, pieces, lengths, malformed) => {
    const { inbox, delivered, malformed: count } = pair();
    for (const [flags, length] of pieces) inbox.frame(2, piece(flags, length), false);
    expect(delivered.map((one) => one.length)).toEqual(lengths);
    expect(count()).toBe(malformed);
  });

  test('a message that never ends is given up', () => {
    const { inbox, delivered, malformed } = pair();
    inbox.frame(2, piece(ENTRY_FIRST, CPG_FRAME_BYTES_MAX), false);
    for (let sent = 0; sent <= MESSAGE_BYTES_MAX; sent += CPG_FRAME_BYTES_MAX) {
      inbox.frame(2, piece(0, CPG_FRAME_BYTES_MAX), false);
    }
    expect(delivered).toEqual([]);
    expect(malformed()).toBeGreaterThan(0);
  });
});

/** A frame with one entry, as somebody else may write it. */
function piece(flags: number, length: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + ENTRY_HEAD_BYTES + GROUP.length + length);
  frame[HEADER_BYTES] = flags;
  frame[HEADER_BYTES + 1] = GROUP.length;
  new DataView(frame.buffer).setUint32(HEADER_BYTES + 4, length, true);
  frame[HEADER_BYTES + ENTRY_HEAD_BYTES] = GROUP.charCodeAt(0);
  return frame;
}
