/** The checker bites: for every property a clean story passes and hand-made wrong ones are named. */
import { describe, expect, test } from '@jest/globals';
import { RING_A, RING_B, RING_C, TraceBuilder, threeInRingA } from './trace-builder.fixture.ts';
import { violationText } from './violation.ts';

const ALL = [1, 2, 3];
const RING_D = { rep: 3, seq: 8 };

describe('clean traces', () => {
  test('messages, a split and a merge without any violation', () => {
    const trace = threeInRingA();
    const first = trace.multicast(1, RING_A, ALL);
    const second = trace.multicast(2, RING_A, ALL, true);
    trace.deliver(RING_A, first, ALL).deliver(RING_A, second, ALL);
    const late = trace.multicast(3, RING_A, [3]);
    trace.transitional(RING_A, [1, 2], [1, 2], [3]).regular(RING_B, [1, 2], [1, 2], []);
    trace.transitional(RING_A, [3], [3], [1, 2]).deliver(RING_A, late, [3]);
    trace.regular({ rep: 3, seq: 8 }, [3], [3], []);
    trace.transitional(RING_B, [1, 2], [1, 2], []).regular(RING_C, ALL, [1, 2], [3]);
    trace.transitional({ rep: 3, seq: 8 }, [3], [3], []).regular(RING_C, ALL, [3], [1, 2]);
    trace.heal();
    for (const node of ALL) trace.deliver(RING_C, trace.multicast(node, RING_C, ALL), ALL);
    expect(trace.end().violations()).toEqual([]);
  });

  test('a transitional configuration may miss messages of processes outside it', () => {
    const trace = threeInRingA();
    trace.multicast(3, RING_A, [3]);
    const kept = trace.multicast(1, RING_A, [1, 2]);
    trace.transitional(RING_A, [1, 2], [1, 2], [3]).deliver(RING_A, kept, [1, 2]);
    expect(trace.violations()).toEqual([]);
  });

  test('recovery copies occupy sequence numbers and are no gaps', () => {
    const trace = threeInRingA();
    trace.order(1, RING_A, 0).order(1, RING_A, 0);
    expect(trace.deliver(RING_A, trace.multicast(2, RING_A, ALL), ALL).violations()).toEqual([]);
  });

  test('a restarted process may come back with a higher ring sequence', () => {
    const trace = threeInRingA().fail(3).start(3);
    trace.regular({ rep: 3, seq: 9 }, [3], [3], []);
    expect(trace.violations()).toEqual([]);
  });
});

const violating: Record<string, Record<string, () => TraceBuilder>> = {
  E1: {
    'a message is delivered twice by one process': () => {
      const trace = threeInRingA();
      const message = trace.multicast(1, RING_A, ALL);
      return trace.deliver(RING_A, message, [2, 2]);
    },
    'a message is delivered that nobody sent': () => threeInRingA().deliver(RING_A, 99, [1]),
    'a message arrives with other bytes': () => {
      const trace = threeInRingA();
      return trace.deliver(RING_A, trace.multicast(1, RING_A, ALL), [2], { hash: 1 });
    },
    'a message names the wrong sender': () => {
      const trace = threeInRingA();
      return trace.deliver(RING_A, trace.multicast(1, RING_A, ALL), [2], { source: 3 });
    },
  },
  E2: {
    'a regular configuration follows a regular one': () =>
      threeInRingA().regular(RING_B, ALL, [1], []),
    'a transitional configuration is of another ring': () =>
      threeInRingA().transitional(RING_B, ALL, [1], []),
    'a ring sequence comes again after a restart': () =>
      threeInRingA().fail(3).start(3).regular({ rep: 3, seq: 4 }, [3], [3], []),
    'a process installs a ring without itself': () =>
      threeInRingA().transitional(RING_A, [1, 2, 3], [3], []).regular(RING_B, [1, 2], [3], []),
  },
  E3: {
    'two processes install one ring id with different members': () =>
      new TraceBuilder()
        .start(1, 2, 3)
        .regular(RING_A, [1, 2], [1], [2])
        .regular(RING_A, [1, 2, 3], [2], [1, 3]),
  },
  E4: {
    'a member of the last ring is alive and never installs it': () => {
      const trace = threeInRingA();
      for (const node of [1, 2]) {
        trace.transitional(RING_A, ALL, [node], []).regular(RING_B, ALL, [node], []);
      }
      return trace.heal().end();
    },
    'a process is said to come along that never installed the ring': () =>
      new TraceBuilder()
        .start(1, 2)
        .regular(RING_A, [1, 2], [1], [2])
        .transitional(RING_A, [1, 2], [1], []),
  },
  E5: {
    'a process leaves a ring without its own message': () => {
      const trace = threeInRingA();
      trace.multicast(1, RING_A, [1]);
      return trace.transitional(RING_A, [1], [1], [2, 3]).regular(RING_B, [1], [1], []);
    },
    'an accepted message is never delivered to its sender': () => {
      const trace = threeInRingA().heal();
      trace.send(1);
      return trace.end();
    },
  },
  E6: {
    'two processes go on together, one of them without a message': () => {
      const trace = threeInRingA();
      const message = trace.multicast(3, RING_A, ALL);
      trace.transitional(RING_A, [1, 2], [1, 2], [3]).deliver(RING_A, message, [1]);
      return trace.regular(RING_B, [1, 2], [1, 2], []);
    },
    'two processes go on together after different orders': () => {
      const trace = threeInRingA();
      const first = trace.multicast(3, RING_A, ALL);
      const second = trace.multicast(3, RING_A, ALL);
      trace.transitional(RING_A, [1, 2], [1, 2], [3]);
      trace.deliver(RING_A, first, [1]).deliver(RING_A, second, [1, 2]).deliver(RING_A, first, [2]);
      return trace.regular(RING_B, [1, 2], [1, 2], []);
    },
  },
  E7: {
    'an answer is delivered without what its sender had seen before': () => {
      const trace = threeInRingA();
      const question = trace.multicast(1, RING_A, ALL);
      trace.deliver(RING_A, question, [2]);
      const answer = trace.multicast(2, RING_A, ALL);
      return trace.deliver(RING_A, answer, [3]);
    },
    'the second message of a sender overtakes the first': () => {
      const trace = threeInRingA();
      trace.multicast(1, RING_A, ALL);
      return trace.deliver(RING_A, trace.multicast(1, RING_A, ALL), [3]);
    },
  },
  E8: {
    'two processes deliver in different orders': () => {
      const trace = threeInRingA();
      const first = trace.multicast(1, RING_A, ALL);
      const second = trace.multicast(2, RING_A, ALL);
      trace.deliver(RING_A, first, [1]).deliver(RING_A, second, [1]);
      return trace.deliver(RING_A, second, [2]).deliver(RING_A, first, [2]);
    },
    'a regular configuration has a gap': () => {
      const trace = threeInRingA();
      trace.multicast(1, RING_A, ALL);
      return trace.deliver(RING_A, trace.multicast(2, RING_A, ALL), ALL);
    },
    'a transitional configuration misses a message of its own member': () => {
      const trace = threeInRingA();
      trace.multicast(2, RING_A, ALL);
      const message = trace.multicast(1, RING_A, ALL);
      trace.transitional(RING_A, [1, 2], [1], [3]);
      return trace.deliver(RING_A, message, [1]);
    },
    'two messages get one sequence number': () => {
      const trace = threeInRingA();
      return trace.order(1, RING_A, trace.send(1), 1).order(2, RING_A, trace.send(2), 1);
    },
  },
  E9: {
    'a safe message is delivered before a member has received it': () => {
      const trace = threeInRingA();
      return trace.deliver(RING_A, trace.multicast(1, RING_A, [2], true), [1]);
    },
    'a safe message is delivered and a member leaves the ring without it': () => {
      const trace = threeInRingA();
      const message = trace.multicast(1, RING_A, ALL, true);
      trace.deliver(RING_A, message, [1]);
      return trace.transitional(RING_A, [2], [2], [1, 3]).regular(RING_B, [2], [2], []);
    },
    'a safe message is delivered in a transitional configuration one of whose members lacks it':
      () => {
        const trace = threeInRingA();
        const message = trace.multicast(1, RING_A, [3], true);
        trace.transitional(RING_A, [1, 2], [1], [3]);
        return trace.deliver(RING_A, message, [1]);
      },
  },
  E10: {
    'the transitional set names one who came from elsewhere': () => {
      const trace = threeInRingA();
      trace.transitional(RING_A, [1, 2, 3], [1], []).regular(RING_C, ALL, [1], []);
      trace.transitional(RING_A, [3], [3], [1, 2]).regular(RING_D, [3], [3], []);
      return trace.transitional(RING_D, [3], [3], []).regular(RING_C, ALL, [3], [1, 2]);
    },
    'the transitional set misses one who came along': () => {
      const trace = threeInRingA();
      trace.transitional(RING_A, [1], [1], [2, 3]).regular(RING_B, [1, 2], [1], [2]);
      return trace.transitional(RING_A, [2], [2], [1, 3]).regular(RING_B, [1, 2], [2], [1]);
    },
    'the left list is not the difference': () =>
      threeInRingA().transitional(RING_A, [1, 2], [1], []),
    'the joined list is not the difference': () =>
      threeInRingA().transitional(RING_A, [1, 2], [1], [3]).regular(RING_B, ALL, [1], []),
  },
  E11: {
    'a message of another ring is delivered': () => {
      const trace = threeInRingA();
      return trace.deliver(RING_B, trace.multicast(1, RING_B, ALL), [1]);
    },
    'a message ordered in another ring is delivered as one of this': () => {
      const trace = threeInRingA();
      return trace.deliver(RING_A, trace.multicast(1, RING_B, ALL), [1]);
    },
  },
  L1: {
    'after healing the cluster stays in two rings': () =>
      new TraceBuilder()
        .start(1, 2)
        .regular({ rep: 1, seq: 4 }, [1], [1], [])
        .regular({ rep: 2, seq: 4 }, [2], [2], [])
        .heal()
        .end(),
    'after healing no message gets through': () => threeInRingA().heal().end(),
  },
};

describe.each(Object.entries(violating))('%s', (property, stories) => {
  test.each(Object.entries(stories))('%s', (_name, story) => {
    expect(story().properties()).toContain(property);
  });
});

test('a violation names property, time, node, ring and messages', () => {
  const trace = threeInRingA();
  const message = trace.multicast(1, RING_A, ALL);
  const [violation] = trace.deliver(RING_A, message, [2, 2]).violations();
  expect(violationText(violation!)).toBe(
    'E1 at 16.000 ms, node 2, ring 1.4: message 1.1.1 was delivered twice',
  );
});
