/** The rules of commit, recovery and the change of rings, one test each (totem-wire §3.3). */
import { describe, expect, test } from '@jest/globals';
import type { RingId } from '../contract.ts';
import {
  type CommitEntry,
  decapsulate,
  encapsulate,
  encodeCommitToken,
  mcastIsEncapsulated,
  mcastSeq,
  PACKET_TYPE,
  stampMcast,
} from '../wire/index.ts';
import { mcastOf, Puppet } from './puppet.fixture.ts';

const RING = [2, 5, 9];

function member(): Puppet {
  return new Puppet(5).start().form(RING);
}

/** What a node of the given old ring says of it. */
function entryOf(
  oldRingId: RingId,
  aru: number,
  highDelivered = aru,
  received = true,
): CommitEntry {
  return { oldRingId, aru, highDelivered, received };
}

/** Node 5 loses node 2 and stays with 9, which says `nine` of the old ring. It is the representative. */
function withoutTwo(puppet: Puppet, nine: CommitEntry): RingId {
  const old = puppet.ring.ringId;
  puppet.fire('token');
  puppet.join(9, { proc: RING });
  puppet.fire('consensus');
  puppet.join(9, { proc: RING, failed: [2] });
  puppet.commit([5, 9], { 9: nine });
  return old;
}

/** A copy of an old message, sent by node 9 in the ring that is being formed. */
function copy(puppet: Puppet, seq: number, inner: Uint8Array): Uint8Array {
  const packet = encapsulate(inner, 9);
  stampMcast(packet, seq, puppet.ring.ringId.rep, puppet.ring.ringId.seq, 0);
  return packet;
}

describe('entering commit', () => {
  test('stores the new ring before the token goes on', () => {
    const puppet = member();
    puppet.fire('token');
    puppet.gatherWith(RING);
    puppet.effects.length = 0;
    const seq = puppet.ring.ringId.seq + 4;
    puppet.receive(
      encodeCommitToken({
        nodeId: 2,
        tokenSeq: 1,
        ringId: { rep: 2, seq },
        membIndex: 1,
        members: RING,
        entries: RING.map(() => entryOf({ rep: 2, seq: 1 }, 0)),
      }),
    );
    expect(puppet.effects).toEqual([`store ${seq}`, `send ${PACKET_TYPE.commitToken}`]);
    expect(puppet.sent.at(-1)?.target).toBe(9);
    expect([...puppet.timers.keys()].sort()).toEqual(['token', 'tokenRetransmit']);
  });

  test('says what this node has of its old ring', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    puppet.mcast(9, 2);
    puppet.mcast(9, 4);
    const old = withoutTwo(puppet, entryOf(puppet.ring.ringId, 2));
    expect(puppet.lastCommitToken().entries[0]).toEqual(entryOf(old, 2, 2, false));
  });

  test('takes received from a member that has less of the same old ring, not from others', () => {
    const puppet = member();
    for (const seq of [1, 2, 3]) puppet.mcast(9, seq);
    const old = puppet.ring.ringId;
    puppet.fire('token');
    puppet.gatherWith(RING);
    puppet.receive(
      encodeCommitToken({
        nodeId: 2,
        tokenSeq: 1,
        ringId: { rep: 2, seq: old.seq + 4 },
        membIndex: 1,
        members: RING,
        entries: [entryOf(old, 2), entryOf(old, 0), entryOf({ rep: 9, seq: 1 }, 0)],
      }),
    );
    const received = puppet.lastCommitToken().entries.map((entry) => entry.received);
    expect(received).toEqual([false, true, true]);
  });

  test('speaks of the last ring that was installed, however often forming a new one fails', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    const old = withoutTwo(puppet, entryOf(puppet.ring.ringId, 1));
    puppet.fire('token');
    puppet.clear();
    puppet.join(9, { proc: RING, failed: [2] });
    expect(puppet.lastCommitToken().entries[0]).toEqual(entryOf(old, 1));
  });
});

describe('in commit', () => {
  function committed(): Puppet {
    const puppet = new Puppet(2).start().form(RING);
    puppet.fire('token');
    puppet.gatherWith(RING);
    return puppet;
  }

  test('the token is repeated, and its loss leads back to gather', () => {
    const puppet = committed();
    const sent = puppet.sent.at(-1);
    puppet.clear();
    puppet.fire('tokenRetransmit');
    expect(puppet.sent).toEqual([sent]);
    puppet.fire('token');
    expect(puppet.ring.state).toBe('gather');
  });

  test('a JOIN of a stranger or of before the consensus is ignored', () => {
    const puppet = committed();
    puppet.join(7, { proc: [7], ringSeq: 99 });
    puppet.join(9, { proc: RING, ringSeq: puppet.ring.ringId.seq - 4 });
    expect(puppet.ring.state).toBe('commit');
  });

  test('a JOIN of a member that has been in the new ring and left it leads back to gather', () => {
    const puppet = committed();
    puppet.join(9, { proc: RING, ringSeq: puppet.ring.ringId.seq });
    expect(puppet.ring.state).toBe('gather');
  });

  test('a JOIN of a member that has learnt of somebody since leads back to gather', () => {
    const puppet = committed();
    puppet.join(9, { proc: [2, 5, 7, 9], ringSeq: puppet.ring.ringId.seq - 4 });
    expect(puppet.lastJoin().proc).toEqual([2, 5, 7, 9]);
  });

  test('a commit token on its first rotation is a copy', () => {
    const puppet = committed();
    puppet.receive(encodeCommitToken(puppet.lastCommitToken()));
    expect(puppet.ring.state).toBe('commit');
    expect(puppet.stat('drop.commit-token-duplicate')).toBe(1);
  });
});

describe('in recovery', () => {
  test('the representative starts the ring when the commit token has come a third time', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    expect(puppet.ring.state).toBe('recovery');
    const second = puppet.lastCommitToken();
    puppet.receive(encodeCommitToken({ ...second, tokenSeq: second.tokenSeq - 1 }));
    puppet.clear();
    expect(puppet.packets(PACKET_TYPE.orfToken)).toEqual([]);
    puppet.receive(encodeCommitToken({ ...second, tokenSeq: second.tokenSeq + 1 }));
    expect(puppet.lastToken()).toMatchObject({
      seq: 0,
      tokenSeq: 0,
      aru: 0xffffffff,
      aruAddr: 5,
      retransFlg: 0,
    });
  });

  test('with nothing to copy the ring is installed at the fourth visit', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    puppet.returnCommitToken([5, 9]);
    const states: string[] = [];
    for (let visit = 1; visit <= 4; visit++) {
      puppet.rotate();
      states.push(puppet.ring.state);
    }
    expect(states).toEqual(['recovery', 'recovery', 'recovery', 'operational']);
  });

  test('messages another transitional member lacks are copied, with retrans_flg set meanwhile', () => {
    const puppet = member();
    for (const seq of [1, 2, 3]) puppet.mcast(9, seq);
    const old = withoutTwo(puppet, entryOf(puppet.ring.ringId, 1, 1, false));
    puppet.returnCommitToken([5, 9]);
    expect(puppet.lastToken().retransFlg).toBe(1);
    puppet.clear();
    puppet.rotate();
    const copies = puppet.packets(PACKET_TYPE.mcast);
    expect(copies.map(mcastIsEncapsulated)).toEqual([true, true]);
    expect(copies.map((packet) => mcastSeq(decapsulate(packet)!))).toEqual([2, 3]);
    expect(decapsulate(copies[0]!)).toEqual(mcastOf(9, 2, old));
    expect(puppet.lastToken()).toMatchObject({ seq: 2, retransFlg: 0 });
  });

  test('a message that somebody else has copied is not copied again', () => {
    const puppet = member();
    for (const seq of [1, 2, 3]) puppet.mcast(2, seq);
    const old = withoutTwo(puppet, entryOf(puppet.ring.ringId, 1, 1, false));
    puppet.receive(copy(puppet, 1, mcastOf(2, 2, old)));
    puppet.returnCommitToken([5, 9]);
    puppet.clear();
    puppet.rotate({ seq: 1, aru: 1, aruAddr: 0 });
    const copies = puppet.packets(PACKET_TYPE.mcast);
    expect(copies.map((packet) => mcastSeq(decapsulate(packet)!))).toEqual([3]);
  });

  test('a copy of another ring, or of something else, only takes its place in the order', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    puppet.returnCommitToken([5, 9]);
    puppet.receive(copy(puppet, 1, mcastOf(9, 1, { rep: 8, seq: 8 })));
    puppet.receive(copy(puppet, 2, Uint8Array.of(1, 2, 3)));
    for (let i = 0; i < 6; i++) puppet.rotate({ seq: 2, aru: 2, aruAddr: 0 });
    expect(puppet.ring.state).toBe('operational');
    expect(puppet.delivered).toEqual([]);
  });

  test('new messages come too early, foreign ones are ignored', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    puppet.mcast(9, 1);
    puppet.mcast(7, 1, { ringId: { rep: 7, seq: 99 } });
    expect(puppet.ring.state).toBe('recovery');
    expect(puppet.stat('drop.mcast-too-early')).toBe(1);
  });

  test('a JOIN of a member that has installed the ring brings back who was given up for it', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    puppet.join(9, { proc: [2, 5, 9] });
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [] });
  });

  test('what was submitted waits', () => {
    const puppet = member();
    withoutTwo(puppet, entryOf(puppet.ring.ringId, 0));
    puppet.submit(1);
    puppet.returnCommitToken([5, 9]);
    puppet.clear();
    puppet.rotate();
    expect(puppet.packets(PACKET_TYPE.mcast)).toEqual([]);
  });

  test('token loss leads back to gather, and what recovery brought is kept', () => {
    const puppet = member();
    puppet.mcast(9, 1);
    const old = withoutTwo(puppet, entryOf(puppet.ring.ringId, 2, 1, true));
    puppet.receive(copy(puppet, 1, mcastOf(9, 2, old)));
    puppet.fire('token');
    expect(puppet.ring.state).toBe('gather');
    puppet.clear();
    puppet.join(9, { proc: RING, failed: [2] });
    expect(puppet.lastCommitToken().entries[0]).toMatchObject({ aru: 2, highDelivered: 1 });
  });
});

describe('the new ring', () => {
  /** Node 5 goes from 2, 5, 9 to 5, 9 holding the given old messages; node 9 has the same. */
  function moved(messages: (puppet: Puppet) => void, nine: Partial<CommitEntry> = {}): string[] {
    const puppet = member();
    messages(puppet);
    puppet.clear();
    puppet.configurations.length = 0;
    const order: string[] = [];
    const { push } = puppet.delivered;
    puppet.delivered.push = (...items) => {
      order.push(...items);
      return push.apply(puppet.delivered, items);
    };
    puppet.configurations.push = (configuration) => {
      const { type, members, joined, left } = configuration;
      order.push(`${type} ${members} joined ${joined} left ${left}`);
      return 1;
    };
    withoutTwo(puppet, { ...entryOf(puppet.ring.ringId, 0, 0, false), ...nine });
    puppet.returnCommitToken([5, 9]);
    for (let i = 0; i < 12 && puppet.ring.state === 'recovery'; i++) puppet.rotate();
    expect(puppet.ring.members).toEqual([5, 9]);
    return order;
  }

  test('comes after the transitional configuration of those who stay together', () => {
    expect(moved(() => {})).toEqual([
      'transitional 5,9 joined  left 2',
      'regular 5,9 joined  left ',
    ]);
  });

  test('old messages up to the first gap belong to the old configuration; behind it only those of members who stay', () => {
    const order = moved((puppet) => {
      for (const [source, seq] of [
        [2, 1],
        [2, 3],
        [9, 4],
      ] as const) {
        puppet.mcast(source, seq);
      }
    });
    expect(order).toEqual([
      'transitional 5,9 joined  left 2',
      '9:4:agreed',
      'regular 5,9 joined  left ',
    ]);
  });

  test('a safe message that is not known stable moves to the transitional configuration, with all behind it', () => {
    const order = moved((puppet) => {
      puppet.mcast(2, 1);
      puppet.mcast(2, 2, { safe: true });
      puppet.mcast(2, 3);
    });
    expect(order).toEqual([
      'transitional 5,9 joined  left 2',
      '2:2:safe',
      '2:3:agreed',
      'regular 5,9 joined  left ',
    ]);
  });

  test('a safe message that a member has delivered is stable for all', () => {
    const order = moved(
      (puppet) => {
        puppet.mcast(2, 1, { safe: true });
        puppet.mcast(2, 2, { safe: true });
      },
      { aru: 2, highDelivered: 1 },
    );
    expect(order).toEqual([
      '2:1:safe',
      'transitional 5,9 joined  left 2',
      '2:2:safe',
      'regular 5,9 joined  left ',
    ]);
  });

  test('counts as joined who did not come along', () => {
    const puppet = new Puppet(5).start();
    const old = puppet.ring.ringId;
    puppet.configurations.length = 0;
    puppet.form([5, 9]);
    expect(puppet.configurations).toEqual([
      { type: 'transitional', ringId: old, members: [5], joined: [], left: [] },
      { type: 'regular', ringId: puppet.ring.ringId, members: [5, 9], joined: [9], left: [] },
    ]);
  });

  test('announces itself at once when somebody asked to join meanwhile', () => {
    const puppet = new Puppet(5).start();
    puppet.gatherWith([5, 9]);
    puppet.commit([5, 9]);
    puppet.join(7, { proc: [7] });
    puppet.recover([5, 9]);
    expect(puppet.ring.state).toBe('operational');
    expect(puppet.packets(PACKET_TYPE.mergeDetect)).toHaveLength(1);
  });
});
