/** Hints of death: they make the ring ask early, and prove nothing (ADR 0110). */
import { describe, expect, test } from '@jest/globals';
import { SUSPICION_MS } from './limits.ts';
import { Puppet } from './puppet.fixture.ts';

const RING = [2, 5, 9];
const TOKEN_MS = 1_000;
const JOIN_MS = 50;

/** Node 5 in a ring of 2, 5 and 9. */
function operational(): Puppet {
  return new Puppet(5, { tokenMs: TOKEN_MS, joinMs: JOIN_MS }).start().form(RING);
}

describe('a hint', () => {
  test('starts the gather at once, with nobody failed', () => {
    const puppet = operational();
    puppet.ring.suspect(9, 0);
    expect(puppet.ring.state).toBe('gather');
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [] });
    expect(puppet.timers.get('join')).toBeLessThan(SUSPICION_MS);
  });

  test('about this node, a stranger or before the start is ignored', () => {
    const puppet = operational();
    puppet.ring.suspect(5, 0);
    puppet.ring.suspect(77, 0);
    expect(puppet.ring.state).toBe('operational');
    const young = new Puppet(5);
    young.ring.suspect(9, 0);
    expect(young.ring.state).toBe('down');
  });

  test('is followed by another one only if the node was silent long enough', () => {
    const puppet = operational();
    puppet.ring.suspect(9, 0);
    puppet.ring.suspect(9, SUSPICION_MS - 1);
    expect(puppet.lastJoin().failed).toEqual([]);
    puppet.ring.suspect(9, SUSPICION_MS);
    expect(puppet.lastJoin()).toMatchObject({ proc: RING, failed: [9] });
  });

  test('is forgotten when the node is heard', () => {
    const puppet = operational();
    puppet.ring.suspect(9, 0);
    puppet.join(9, { proc: RING });
    puppet.ring.suspect(9, SUSPICION_MS);
    expect(puppet.lastJoin().failed).toEqual([]);
    puppet.ring.suspect(9, 2 * SUSPICION_MS);
    expect(puppet.lastJoin().failed).toEqual([9]);
  });

  test('in gather shortens the time to the next JOIN, which asks the host again', () => {
    const puppet = operational();
    puppet.fire('token');
    expect(puppet.timers.get('join')).toBe(50);
    puppet.ring.suspect(9, 0);
    expect(puppet.timers.get('join')).toBe(SUSPICION_MS / 2);
    puppet.fire('join');
    expect(puppet.timers.get('join')).toBe(SUSPICION_MS / 2);
  });

  test('that was false costs one gather per token time-out, however many there are', () => {
    const puppet = operational();
    for (let round = 0; round < 3; round++) {
      puppet.ring.suspect(9, round);
      if (puppet.ring.state === 'gather') puppet.form(RING);
    }
    expect(puppet.ring.stats()).toMatchObject({ hints: 3, hintedGathers: 1, hintedFailures: 0 });
    puppet.ring.suspect(9, TOKEN_MS);
    expect(puppet.ring.stats()['hintedGathers']).toBe(1); // this node slept: the hint may be old
    puppet.ring.suspect(9, TOKEN_MS + JOIN_MS);
    expect(puppet.ring.stats()['hintedGathers']).toBe(2);
  });

  test('about another member, or one that came back, is not held up by that', () => {
    const puppet = operational();
    puppet.ring.suspect(9, 0);
    puppet.form(RING);
    puppet.ring.suspect(2, 1);
    expect(puppet.ring.state).toBe('gather');
    puppet.ring.suspect(2, 1 + SUSPICION_MS);
    puppet.join(9, { proc: RING, failed: [2] });
    puppet.commit([5, 9]);
    puppet.recover([5, 9]);
    expect(puppet.ring.members).toEqual([5, 9]);
    puppet.clear();
    puppet.form(RING);
    puppet.ring.suspect(2, 2 + SUSPICION_MS);
    expect(puppet.ring.state).toBe('gather');
  });

  test('in commit and in recovery leads back to gather', () => {
    const inCommit = operational();
    inCommit.fire('token');
    inCommit.gatherWith(RING);
    inCommit.commit(RING);
    expect(inCommit.ring.state).toBe('recovery');
    inCommit.ring.suspect(9, 0);
    expect(inCommit.ring.state).toBe('gather');
  });

  test('about the last other one leaves a ring of one', () => {
    const puppet = new Puppet(5, { tokenMs: TOKEN_MS }).start().form([5, 9]);
    puppet.ring.suspect(9, 0);
    puppet.ring.suspect(9, SUSPICION_MS);
    expect(puppet.ring.state).toBe('commit');
  });
});
