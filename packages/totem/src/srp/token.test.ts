/** The rules of the token in operational, one test each (totem-wire §3.4). */
import { describe, expect, test } from '@jest/globals';
import {
  decodeMergeDetect,
  encodeHoldCancel,
  mcastSeq,
  mcastSource,
  PACKET_TYPE,
} from '../wire/index.ts';
import { mcastOf, Puppet } from './puppet.fixture.ts';

const RING = [2, 5, 9];

/** Node 5 of 2, 5 and 9, or the representative of 5 and 9. */
function member(config = {}): Puppet {
  return new Puppet(5, config).start().form(RING);
}

function rep(config = {}): Puppet {
  return new Puppet(5, config).start().form([5, 9]);
}

function newSeqs(puppet: Puppet): number[] {
  return puppet.packets(PACKET_TYPE.mcast).map(mcastSeq);
}

describe('the token', () => {
  test('goes to the next member with token_seq + 1 and this node as its sender', () => {
    const puppet = member();
    const before = puppet.lastToken().tokenSeq;
    const token = puppet.rotate();
    expect(token).toMatchObject({ tokenSeq: before + 2, nodeId: 5 });
    expect(puppet.sent.at(-1)?.target).toBe(9);
    expect(puppet.timers.get('token')).toBe(3000);
    expect(puppet.timers.get('tokenRetransmit')).toBe(714);
  });

  test('of another ring is ignored', () => {
    const puppet = member();
    puppet.rotate({ ringSeq: 1 });
    expect(puppet.stat('drop.token-of-another-ring')).toBe(1);
    expect(puppet.sent).toEqual([]);
  });

  test('seen before is ignored', () => {
    const puppet = member();
    const token = puppet.rotate();
    puppet.clear();
    puppet.receiveToken({ ...token, tokenSeq: token.tokenSeq - 1 });
    expect(puppet.stat('drop.token-duplicate')).toBe(1);
    expect(puppet.sent).toEqual([]);
  });

  test.each([
    ['names more messages than anybody can hold', { seq: 17_000, aru: 16_000 }],
    ['claims less than everybody has', { seq: 0, aru: -5 >>> 0 }],
  ])('that %s is ignored', (_name, changes) => {
    const puppet = member();
    puppet.rotate(changes);
    expect(puppet.stat('drop.token-implausible')).toBe(1);
  });

  test('is sent again, unchanged, when no new one comes', () => {
    const puppet = member();
    puppet.rotate();
    const sent = puppet.sent.at(-1);
    puppet.clear();
    puppet.fire('tokenRetransmit');
    expect(puppet.sent).toEqual([sent]);
    expect(puppet.timers.has('tokenRetransmit')).toBe(true);
  });

  test('lost for its time-out ends the ring', () => {
    const puppet = member();
    puppet.fire('token');
    expect(puppet.ring.state).toBe('gather');
    expect(puppet.traces).toContain('token-loss');
  });
});

describe('new messages', () => {
  test('get the next numbers and are delivered here after the token has left', () => {
    const puppet = member();
    puppet.submit(1);
    puppet.submit(2);
    puppet.clear();
    const token = puppet.rotate({ seq: 3, aru: 0, aruAddr: 9 });
    expect(newSeqs(puppet)).toEqual([4, 5]);
    expect(token).toMatchObject({ seq: 5, fcc: 2, backlog: 2 });
    expect(puppet.delivered).toEqual([]);
    for (const seq of [1, 2, 3]) puppet.mcast(9, seq);
    expect(puppet.delivered).toHaveLength(5);
    expect(puppet.delivered.slice(3)).toEqual(['5:1:agreed', '5:2:agreed']);
  });

  test('leave at most 17 at a time', () => {
    const puppet = member();
    for (let i = 0; i < 40; i++) puppet.submit(i);
    puppet.rotate();
    expect(newSeqs(puppet)).toHaveLength(17);
  });

  test('leave at most 50 per rotation of the ring, with what the others sent', () => {
    const puppet = member();
    for (let i = 0; i < 40; i++) puppet.submit(i);
    puppet.rotate({ fcc: 46 });
    expect(newSeqs(puppet)).toHaveLength(4);
  });

  test('of a loaded ring leave in proportion to the backlog', () => {
    const puppet = member();
    for (let i = 0; i < 40; i++) puppet.submit(i);
    puppet.rotate();
    puppet.clear();
    // 50 x my 40 / (all 360 + what is left now - what I reported last time): 6.
    puppet.rotate({ backlog: 360, fcc: 17 });
    expect(newSeqs(puppet)).toHaveLength(5);
  });

  test('count what waits above their queue too, up to what the others announce on average', () => {
    const puppet = member();
    for (let i = 0; i < 40; i++) puppet.submit(i);
    puppet.waiting = 5_000;
    expect(puppet.rotate({ backlog: 6_000, fcc: 40 }).backlog).toBe(6_000 + 3_000);
    puppet.clear();
    // 50 x my 3000 / 9000: an equal share.
    const token = puppet.rotate({ backlog: 9_000, fcc: 10 });
    expect(newSeqs(puppet)).toHaveLength(16);
    expect(token.backlog).toBe(9_000);
    puppet.waiting = 100;
    puppet.rotate({ backlog: 9_000, fcc: 16 });
    expect(puppet.lastToken().backlog).toBe(6_000 + 114);
  });

  test('count what waits above their queue not where the others announce no more than the queue holds', () => {
    const puppet = member();
    for (let i = 0; i < 40; i++) puppet.submit(i);
    puppet.waiting = 5_000;
    expect(puppet.rotate({ backlog: 80, fcc: 0 }).backlog).toBe(120);
  });

  test('stop while the slowest member is a sort queue behind', () => {
    const puppet = member();
    puppet.submit(1);
    puppet.rotate({ seq: 16_382, aru: 0, aruAddr: 9 });
    expect(newSeqs(puppet)).toEqual([]);
    expect(puppet.ring.state).toBe('operational');
  });

  test('a full queue refuses more and has room again after the token', () => {
    const puppet = member({ queueSlots: 2 });
    expect([puppet.submit(1), puppet.submit(2), puppet.submit(3)]).toEqual([true, true, false]);
    expect(puppet.ring.room('normal')).toBe(0);
    puppet.rotate();
    expect(puppet.ring.room('normal')).toBe(2);
  });

  test('sync messages go first, and alone until synchronisation is over', () => {
    const puppet = member();
    puppet.submit(1);
    puppet.ring.submit(Uint8Array.of(2), 'agreed', 'sync');
    puppet.rotate();
    expect(puppet.packets(PACKET_TYPE.mcast).map((p) => p.at(-1))).toEqual([2, 1]);
  });
});

describe('lost messages', () => {
  test('asked for and here are sent again and taken off the list', () => {
    const puppet = member();
    const lost = puppet.mcast(9, 1);
    puppet.mcast(9, 2);
    const { rep: ringRep, seq: ringSeq } = puppet.ring.ringId;
    const wanted = {
      seq: 3,
      aru: 0,
      aruAddr: 2,
      rtrCount: 2,
      rtrSeq: Uint32Array.of(1, 3),
      rtrRingRep: Uint32Array.of(ringRep, ringRep),
      rtrRingSeq: Float64Array.of(ringSeq, ringSeq),
    };
    const token = puppet.rotate(wanted);
    expect(puppet.packets(PACKET_TYPE.mcast)).toEqual([lost]);
    expect([token.rtrCount, token.rtrSeq[0]]).toEqual([1, 3]);
    expect(token.fcc).toBe(1);
  });

  test('missing here are asked for after five visits, not before', () => {
    const puppet = member();
    puppet.mcast(9, 3);
    for (let visit = 1; visit <= 4; visit++) {
      expect(puppet.rotate({ seq: 3, aru: 0, aruAddr: 5 }).rtrCount).toBe(0);
    }
    const token = puppet.rotate({ seq: 3, aru: 0, aruAddr: 5 });
    expect([...token.rtrSeq.subarray(0, token.rtrCount)]).toEqual([1, 2]);
  });

  test('are asked for at most thirty at a time', () => {
    const puppet = member({ missCountConst: 1 });
    expect(puppet.rotate({ seq: 100, aru: 0, aruAddr: 5 }).rtrCount).toBe(30);
  });

  test('are not asked for twice on one token', () => {
    const puppet = member({ missCountConst: 1 });
    puppet.rotate({ seq: 2, aru: 0, aruAddr: 5 });
    expect(puppet.rotate({ seq: 2, aru: 0, aruAddr: 5 }).rtrCount).toBe(2);
  });
});

describe('aru', () => {
  test('is lowered to what this node has, in its name', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    expect(puppet.rotate({ seq: 3, aru: 3, aruAddr: 0 })).toMatchObject({ aru: 1, aruAddr: 5 });
  });

  test('is raised by the one that lowered it', () => {
    const puppet = member();
    puppet.rotate({ seq: 2, aru: 2, aruAddr: 0 });
    puppet.mcast(9, 1);
    puppet.mcast(9, 2);
    expect(puppet.rotate({ seq: 2, aru: 0, aruAddr: 5 })).toMatchObject({ aru: 2, aruAddr: 0 });
  });

  test('of another is left alone', () => {
    const puppet = member();
    for (const seq of [1, 2, 3]) puppet.mcast(2, seq);
    expect(puppet.rotate({ seq: 3, aru: 1, aruAddr: 9 })).toMatchObject({ aru: 1, aruAddr: 9 });
  });

  test('stuck in this name for 2500 visits makes a ring of one, once the others agree', () => {
    const puppet = member({ failRecvConst: 10, missCountConst: 100 });
    for (let i = 0; i < 12 && puppet.ring.state === 'operational'; i++) {
      puppet.rotate({ seq: 1, aru: 0, aruAddr: 5 });
    }
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [5] });
    puppet.join(2, { proc: RING, failed: [5] });
    puppet.join(9, { proc: RING, failed: [5] });
    expect(puppet.lastCommitTokenToSelf()).toEqual([5]);
  });

  test('stuck, with nobody agreeing, makes a ring of one after the consensus time', () => {
    const puppet = member({ failRecvConst: 10, missCountConst: 100 });
    for (let i = 0; i < 12; i++) puppet.rotate({ seq: 1, aru: 0, aruAddr: 5 });
    puppet.fire('consensus');
    expect(puppet.lastCommitTokenToSelf()).toEqual([5]);
  });

  test('stuck in another name for twice that long expels the other', () => {
    const puppet = member({ failRecvConst: 10 });
    puppet.mcast(2, 1);
    for (let i = 0; i < 25 && puppet.ring.state === 'operational'; i++) {
      puppet.rotate({ seq: 1, aru: 0, aruAddr: 9 });
    }
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [9] });
    expect(puppet.traces).toContain('failed-to-receive');
  });
});

describe('delivery', () => {
  test('waits at a gap', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    puppet.mcast(9, 3);
    expect(puppet.delivered).toEqual(['9:1:agreed']);
    puppet.mcast(9, 2);
    expect(puppet.delivered).toHaveLength(3);
  });

  test('of a safe message waits for two visits that saw everybody have it, and holds back the rest', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    puppet.mcast(9, 2, { safe: true });
    puppet.mcast(9, 3);
    puppet.rotate({ seq: 3, aru: 1, aruAddr: 2 });
    expect(puppet.delivered).toEqual(['9:1:agreed']);
    puppet.rotate({ seq: 3, aru: 3, aruAddr: 0 });
    expect(puppet.delivered).toEqual(['9:1:agreed']);
    puppet.rotate({ seq: 3, aru: 2, aruAddr: 2 });
    expect(puppet.delivered).toEqual(['9:1:agreed', '9:2:safe', '9:3:agreed']);
  });

  test('a message from outside the ring under its ring id is dropped', () => {
    const puppet = member();
    puppet.mcast(7, 1);
    expect(puppet.delivered).toEqual([]);
    expect(puppet.stat('drop.mcast-of-a-stranger')).toBe(1);
  });

  test('a message comes once, and what everybody has is forgotten', () => {
    const puppet = member();
    for (const round of [1, 2]) {
      puppet.mcast(9, 1);
      puppet.rotate({ seq: 1, aru: 1, aruAddr: 0 });
      puppet.rotate({ seq: 1, aru: 1, aruAddr: 0 });
      expect(puppet.stat('drop.mcast-duplicate')).toBe(round - 1);
    }
    expect(puppet.delivered).toEqual(['9:1:agreed']);
  });

  test('goes on over the wrap of the sequence numbers', () => {
    const puppet = member({ initialSeq: 0xfffffffe });
    for (const seq of [0xffffffff, 0, 1]) puppet.receive(mcastOf(9, seq, puppet.ring.ringId));
    expect(puppet.delivered).toEqual(['9:255:agreed', '9:0:agreed', '9:1:agreed']);
  });
});

describe('an idle ring', () => {
  /** Visits without a message until the token stays here. */
  function idle(puppet: Puppet): number {
    let visits = 0;
    do {
      puppet.clear();
      puppet.rotate();
      visits++;
    } while (puppet.packets(PACKET_TYPE.orfToken).length > 0 && visits < 100);
    return visits;
  }

  test('is announced by its representative, and by nobody else', () => {
    const puppet = rep();
    puppet.rotate();
    expect(puppet.timers.get('merge')).toBe(200);
    puppet.fire('merge');
    expect(decodeMergeDetect(puppet.packets(PACKET_TYPE.mergeDetect)[0]!)).toEqual({
      ok: true,
      value: { systemFrom: 5, ringId: puppet.ring.ringId },
    });
    const other = member();
    other.rotate();
    expect(other.timers.has('merge')).toBe(false);
  });

  test('is not announced while it has messages', () => {
    const puppet = rep();
    puppet.rotate();
    puppet.submit(1);
    puppet.rotate();
    puppet.rotate({ fcc: 0 });
    expect(puppet.timers.has('merge')).toBe(false);
  });

  test('has its token held by the representative after 30 visits, for the hold time', () => {
    const puppet = rep();
    expect(idle(puppet)).toBe(31);
    expect(puppet.timers.get('tokenHold')).toBe(561);
    puppet.fire('tokenHold');
    expect(puppet.packets(PACKET_TYPE.orfToken)).toHaveLength(1);
  });

  test('has its token let go at once when the representative has something to send', () => {
    const puppet = rep();
    idle(puppet);
    puppet.clear();
    puppet.submit(1);
    expect(puppet.packets(PACKET_TYPE.holdCancel)).toHaveLength(1);
    expect(puppet.packets(PACKET_TYPE.orfToken)).toHaveLength(1);
    puppet.submit(2);
    expect(puppet.sent).toHaveLength(2);
  });

  test('has its token let go when another member asks', () => {
    const puppet = rep();
    idle(puppet);
    puppet.clear();
    puppet.receive(encodeHoldCancel({ nodeId: 9, ringId: puppet.ring.ringId }));
    expect(puppet.packets(PACKET_TYPE.orfToken)).toHaveLength(1);
    expect(puppet.timers.has('tokenHold')).toBe(false);
    expect(idle(puppet)).toBe(31);
  });

  test('is asked once for its token by a member that has something to send', () => {
    const puppet = member();
    for (let i = 0; i < 30; i++) puppet.rotate();
    puppet.clear();
    puppet.submit(1);
    puppet.submit(2);
    expect(puppet.packets(PACKET_TYPE.holdCancel)).toHaveLength(1);
    expect(puppet.packets(PACKET_TYPE.orfToken)).toEqual([]);
  });

  test('that is busy is not asked', () => {
    const puppet = member();
    puppet.rotate();
    puppet.clear();
    puppet.submit(1);
    expect(puppet.sent).toEqual([]);
  });
});

test('a message sent again keeps its originator', () => {
  const puppet = member();
  puppet.mcast(9, 1);
  const { rep: ringRep, seq: ringSeq } = puppet.ring.ringId;
  puppet.rotate({
    seq: 1,
    aru: 0,
    aruAddr: 2,
    rtrCount: 1,
    rtrSeq: Uint32Array.of(1),
    rtrRingRep: Uint32Array.of(ringRep),
    rtrRingSeq: Float64Array.of(ringSeq),
  });
  expect(puppet.packets(PACKET_TYPE.mcast).map(mcastSource)).toEqual([9]);
});
