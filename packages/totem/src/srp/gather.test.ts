/** The rules of membership, one test each (totem-wire §3.2, §3.3). */
import { describe, expect, test } from '@jest/globals';
import { encodeCommitToken, encodeMergeDetect, PACKET_TYPE } from '../wire/index.ts';
import { Puppet } from './puppet.fixture.ts';

const RING = [2, 5, 9];

/** Node 5 in a ring of 2, 5 and 9. */
function operational(): Puppet {
  return new Puppet(5).start().form(RING);
}

function gathering(): Puppet {
  const puppet = operational();
  puppet.fire('token');
  return puppet;
}

describe('at the start', () => {
  test('a node alone is the stored ring + 1, then a ring of one + 4', () => {
    const puppet = new Puppet(5, { ringSeq: 40 }).start();
    expect(puppet.ring.ringId).toEqual({ rep: 5, seq: 45 });
    expect(puppet.configurations).toEqual([
      { type: 'regular', ringId: { rep: 5, seq: 45 }, members: [5], joined: [5], left: [] },
    ]);
  });

  test('the JOIN says what the node knows: itself', () => {
    const puppet = new Puppet(5, { ringSeq: 40 });
    puppet.ring.start(0);
    expect(puppet.lastJoin()).toEqual({
      systemFrom: 5,
      leave: false,
      ringSeq: 41,
      proc: [5],
      failed: [],
    });
  });

  test('a JOIN may wait a random while', () => {
    const puppet = new Puppet(5, { sendJoinMs: 100 });
    puppet.ring.start(0);
    expect(puppet.sent).toEqual([]);
    expect(puppet.timers.get('join')).toBe(50);
    puppet.fire('join');
    expect(puppet.lastJoin().proc).toEqual([5]);
  });
});

describe('entering gather', () => {
  test('cancels token and merge timers, sends JOIN, starts join and consensus timers', () => {
    const puppet = gathering();
    expect(puppet.ring.state).toBe('gather');
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [] });
    expect([...puppet.timers.keys()].sort()).toEqual(['consensus', 'join']);
  });

  test('the JOIN is repeated until there is a ring', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.fire('join');
    expect(puppet.lastJoin().proc).toEqual(RING);
    expect(puppet.timers.has('join')).toBe(true);
  });

  test('tokens are no longer taken', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.rotate();
    expect(puppet.sent).toEqual([]);
  });
});

describe('a JOIN in operational', () => {
  test('is ignored when it counts this node as failed', () => {
    const puppet = operational();
    puppet.join(9, { proc: RING, failed: [5] });
    expect(puppet.ring.state).toBe('operational');
  });

  test('of a stranger that gives up a member is ignored', () => {
    const puppet = operational();
    puppet.join(7, { proc: [2, 5, 7, 9], failed: [9] });
    expect(puppet.ring.state).toBe('operational');
    expect(puppet.stat('drop.join-stale')).toBe(1);
    puppet.join(7, { proc: [7] });
    expect(puppet.lastJoin().proc).toEqual([2, 5, 7, 9]);
  });

  test('of a member that gives up another is believed', () => {
    const puppet = operational();
    puppet.join(2, { proc: RING, failed: [9] });
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [9] });
  });

  test('is ignored when a member sent it in an older ring', () => {
    const puppet = operational();
    puppet.join(9, { proc: RING, ringSeq: puppet.ring.ringId.seq - 1 });
    expect(puppet.ring.state).toBe('operational');
  });

  test('ends in gather even when it says nothing new', () => {
    const puppet = operational();
    puppet.join(9, { proc: RING });
    expect(puppet.ring.state).toBe('gather');
  });

  test('of a stranger brings the stranger in', () => {
    const puppet = operational();
    puppet.join(7, { proc: [7] });
    expect(puppet.lastJoin().proc).toEqual([2, 5, 7, 9]);
  });
});

describe('a JOIN in gather', () => {
  test('with our lists is consent; when all agree the lowest sends the commit token', () => {
    const puppet = new Puppet(2).start().form(RING);
    puppet.fire('token');
    const before = puppet.ring.ringId.seq;
    puppet.join(5, { proc: RING, ringSeq: before + 8 });
    expect(puppet.ring.state).toBe('gather');
    puppet.join(9, { proc: RING });
    expect(puppet.ring.state).toBe('commit');
    expect(puppet.lastCommitToken()).toMatchObject({
      ringId: { rep: 2, seq: before + 12 },
      members: RING,
      membIndex: 1,
      tokenSeq: 1,
    });
    expect(puppet.sent.at(-1)?.target).toBe(5);
  });

  test('who is not the lowest waits for the token', () => {
    const puppet = gathering();
    puppet.join(2, { proc: RING });
    puppet.join(9, { proc: RING });
    expect(puppet.ring.state).toBe('gather');
  });

  test('that knows less is ignored', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.join(9, { proc: [9] });
    expect(puppet.sent).toEqual([]);
    expect(puppet.stat('drop.join-known')).toBe(1);
  });

  test('of a node counted as failed is ignored', () => {
    const puppet = gathering();
    puppet.join(2, { proc: RING, failed: [9] });
    puppet.clear();
    puppet.join(9, { proc: [2, 5, 7, 9] });
    expect(puppet.sent).toEqual([]);
    expect(puppet.stat('drop.join-from-failed')).toBe(1);
  });

  test('that counts this node as failed makes its sender failed', () => {
    const puppet = gathering();
    puppet.join(9, { proc: RING, failed: [5] });
    expect(puppet.lastJoin().failed).toEqual([9]);
  });

  test('that counts this node as failed is no news when it is older than our ring', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.join(9, { proc: RING, failed: [5], ringSeq: puppet.ring.ringId.seq - 1 });
    expect(puppet.sent).toEqual([]);
    expect(puppet.stat('drop.join-stale')).toBe(1);
    puppet.join(9, { leave: true, proc: [2], failed: [5, 9], ringSeq: 1 });
    expect(puppet.lastJoin().failed).toEqual([9]);
  });

  test('a member is believed about who failed, a stranger is not', () => {
    const puppet = gathering();
    puppet.join(9, { proc: RING, failed: [2] });
    expect(puppet.lastJoin().failed).toEqual([2]);
    const other = gathering();
    other.join(7, { proc: [5, 7, 9], failed: [9] });
    expect(other.lastJoin()).toMatchObject({ proc: [2, 5, 7, 9], failed: [] });
  });

  test('of this very node is ignored', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.join(5, { proc: [1, 5] });
    expect(puppet.sent).toEqual([]);
    expect(puppet.stat('drop.join-own')).toBe(1);
  });

  test('that would use up the ring sequence is refused', () => {
    const puppet = gathering();
    puppet.join(2, { proc: [2, 5, 7, 9], ringSeq: 2 ** 52 });
    expect(puppet.stat('drop.ring-seq-implausible')).toBe(1);
    expect(puppet.lastJoin().proc).toEqual(RING);
  });

  test('that would make more than 384 nodes is refused', () => {
    const puppet = gathering();
    puppet.join(7, { proc: Array.from({ length: 384 }, (_, i) => 100 + i) });
    expect(puppet.stat('drop.too-many-nodes')).toBe(1);
    expect(puppet.lastJoin().proc).toEqual(RING);
  });
});

describe('LEAVE', () => {
  test('re-forms the ring without the leaver and is no consent', () => {
    const puppet = new Puppet(2).start().form(RING);
    puppet.join(9, { leave: true, proc: [2, 5], failed: [9] });
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [9] });
    expect(puppet.ring.state).toBe('gather');
    puppet.join(5, { proc: RING, failed: [9] });
    expect(puppet.lastCommitToken().members).toEqual([2, 5]);
  });

  test('of a node that was only about to join is believed', () => {
    const puppet = gathering();
    puppet.join(7, { proc: [7] });
    puppet.join(7, { leave: true, proc: [], failed: [7] });
    expect(puppet.lastJoin()).toMatchObject({ proc: [2, 5, 7, 9], failed: [7] });
  });

  test('is sent once, and nothing after it', () => {
    const puppet = operational();
    puppet.ring.leave(0);
    expect(puppet.lastJoin()).toMatchObject({ leave: true, proc: [2, 9], failed: [5] });
    expect([...puppet.timers.keys()]).toEqual([]);
    puppet.clear();
    puppet.join(9, { proc: RING });
    puppet.fire('token');
    expect(puppet.ring.state).toBe('left');
    expect(puppet.sent).toEqual([]);
  });
});

describe('the consensus timer', () => {
  test('gives up the silent ones', () => {
    const puppet = gathering();
    puppet.join(2, { proc: RING });
    puppet.fire('consensus');
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [9] });
  });

  test('after consensus without a commit token arms the token timer, which gives up who is silent since', () => {
    const puppet = gathering();
    puppet.join(2, { proc: RING });
    puppet.join(9, { proc: RING });
    puppet.fire('consensus');
    expect(puppet.timers.get('token')).toBe(3000);
    expect(puppet.lastJoin().failed).toEqual([]);
    puppet.join(9, { proc: RING });
    puppet.fire('token');
    expect(puppet.lastJoin().failed).toEqual([2]);
  });

  test('with everybody silent makes a ring of one', () => {
    const puppet = gathering();
    puppet.fire('consensus');
    expect(puppet.ring.state).toBe('commit');
    expect(puppet.ring.ringId.rep).toBe(5);
  });
});

describe('signs of another ring', () => {
  test('a foreign message brings its sender in and is not delivered', () => {
    const puppet = operational();
    puppet.mcast(7, 1, { ringId: { rep: 7, seq: 3 } });
    expect(puppet.lastJoin().proc).toEqual([2, 5, 7, 9]);
    expect(puppet.delivered).toEqual([]);
  });

  test('a foreign merge-detect brings its sender in, one of this ring does not', () => {
    const puppet = operational();
    puppet.receive(encodeMergeDetect({ systemFrom: 2, ringId: puppet.ring.ringId }));
    expect(puppet.ring.state).toBe('operational');
    puppet.receive(encodeMergeDetect({ systemFrom: 7, ringId: { rep: 7, seq: 3 } }));
    expect(puppet.lastJoin().proc).toEqual([2, 5, 7, 9]);
  });

  test('in gather a foreign sender is news once', () => {
    const puppet = gathering();
    puppet.clear();
    puppet.mcast(7, 1, { ringId: { rep: 7, seq: 3 } });
    puppet.mcast(7, 2, { ringId: { rep: 7, seq: 3 } });
    expect(puppet.packets(PACKET_TYPE.join)).toHaveLength(1);
  });

  test('what a member sent in an older ring is only late', () => {
    const puppet = operational();
    puppet.mcast(9, 1, { ringId: { rep: 9, seq: 1 } });
    expect(puppet.ring.state).toBe('operational');
    expect(puppet.stat('drop.ring-stale')).toBe(1);
  });
});

describe('a process that slept', () => {
  test('does not believe the JOINs that waited for it', () => {
    const puppet = operational();
    puppet.ring.timeout('merge', 100_000);
    puppet.ring.receive(joinPacket(puppet), 100_001);
    expect(puppet.stat('drop.join-after-pause')).toBe(1);
    expect(puppet.ring.state).toBe('operational');
    puppet.ring.receive(joinPacket(puppet), 100_060);
    expect(puppet.ring.state).toBe('gather');
  });
});

function joinPacket(puppet: Puppet): Uint8Array {
  const other = new Puppet(7, { ringSeq: puppet.ring.ringId.seq });
  other.ring.start(0);
  return other.packets(PACKET_TYPE.join)[0]!;
}

describe('a commit token in gather', () => {
  const entries = RING.map(() => ({
    oldRingId: { rep: 2, seq: 1 },
    aru: 0,
    highDelivered: 0,
    received: true,
  }));

  test.each([
    ['other members than agreed', { members: [2, 5], entries: entries.slice(1) }, 'other-members'],
    ['a ring that is not newer', { ringId: { rep: 2, seq: 1 } }, 'stale'],
    ['the place of another member', { membIndex: 2 }, 'duplicate'],
  ])('with %s is dropped', (_name, changes, reason) => {
    const puppet = gathering();
    const ringId = { rep: 2, seq: puppet.ring.ringId.seq + 4 };
    const good = { nodeId: 2, tokenSeq: 1, ringId, membIndex: 1, members: RING, entries };
    puppet.receive(encodeCommitToken({ ...good, ...changes }));
    expect(puppet.ring.state).toBe('gather');
    expect(puppet.stat(`drop.commit-token-${reason}`)).toBe(1);
    puppet.receive(encodeCommitToken(good));
    expect(puppet.ring.state).toBe('commit');
  });

  test('is ignored in operational', () => {
    const puppet = operational();
    const ringId = { rep: 2, seq: puppet.ring.ringId.seq + 4 };
    const token = { nodeId: 2, tokenSeq: 1, ringId, membIndex: 1, members: RING, entries };
    puppet.receive(encodeCommitToken(token));
    expect(puppet.ring.state).toBe('operational');
  });
});
