import type { Configuration, GroupHandlers, GroupMessaging, RingId } from '@aisexec/totem';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSyncEngine, type SyncEngine, type SyncParticipant } from './engine.ts';
import { decodeSync, SyncEncoder, type SyncMessage } from './wire.ts';

/** One engine on node 1; the test plays the ring and the other nodes. */
class Bench {
  readonly sent: SyncMessage[] = [];
  readonly log: string[] = [];
  readonly dropped: string[] = [];
  full = false;
  /** What the participant answers when asked to work. */
  done = true;
  handlers!: GroupHandlers;
  readonly engine: SyncEngine;
  #inFlight: Uint8Array[] = [];

  constructor() {
    const messaging: GroupMessaging = {
      nodeId: 1,
      join: (group, handlers, options) => {
        expect([group, options?.traffic]).toEqual(['sync', 'sync']);
        this.handlers = handlers;
        return { multicast: ([bytes]) => this.#multicast(bytes!), leave: () => {} };
      },
      syncComplete: (ringId) => this.log.push(`complete ${ringId.seq}`),
      stats: () => ({}),
    };
    const participant: SyncParticipant = {
      id: 40,
      init: ({ members, transitional }) =>
        this.log.push(`init ${members.join()} from ${transitional.join()}`),
      work: () => {
        this.log.push('work');
        return this.done;
      },
      activate: () => this.log.push('activate'),
      abort: () => this.log.push('abort'),
    };
    this.engine = createSyncEngine({
      messaging,
      participants: [participant],
      started: () => {},
      completed: () => {},
      dropped: (reason) => this.dropped.push(reason),
    });
  }

  #multicast(bytes: Uint8Array): boolean {
    if (this.full) return false;
    this.#inFlight.push(bytes);
    this.sent.push(decodeSync(bytes)!);
    return true;
  }

  ring(seq: number, members: number[], type: Configuration['type'] = 'regular'): void {
    this.handlers.configuration({
      type,
      ringId: { rep: members[0]!, seq },
      members,
      joined: [],
      left: [],
    });
  }

  deliver(source: number, bytes: Uint8Array): void {
    this.handlers.deliver({ group: 'sync', source, ringId: { rep: 1, seq: 0 }, bytes });
  }

  /** Node 1's own messages come back. */
  loop(): void {
    for (const bytes of this.#inFlight.splice(0)) this.deliver(1, bytes);
  }

  build(source: number, seq: number, services: number[], rep = 1): void {
    this.deliver(source, encoderFor({ rep, seq }).build(services));
  }

  barrier(source: number, seq: number, rep = 1): void {
    const encoder = encoderFor({ rep, seq });
    encoder.build([]);
    encoder.agreed(1);
    this.deliver(source, encoder.barrier());
  }
}

function encoderFor(ringId: RingId): SyncEncoder {
  const encoder = new SyncEncoder();
  encoder.begin(ringId);
  return encoder;
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('synchronisation with Corosync nodes', () => {
  const stock = [0, 2, 3, 5];

  test('one build, one barrier for each id of the union, then complete', () => {
    bench.ring(8, [1, 2]);
    expect(bench.sent).toEqual([{ type: 'build', ringId: { rep: 1, seq: 8 }, services: [40] }]);
    bench.loop();
    bench.build(2, 8, stock);
    for (let step = 0; step < 5; step++) {
      expect(bench.sent).toHaveLength(2 + step);
      expect(bench.log).not.toContain('complete 8');
      bench.loop();
      bench.barrier(2, 8);
    }
    expect(bench.sent.slice(1).every(({ type }) => type === 'barrier')).toBe(true);
    expect(bench.sent).toHaveLength(6);
    expect(bench.log).toEqual(['init 1 from ', 'work', 'activate', 'complete 8']);
  });

  test('members that do not list our id are no members of our service', () => {
    bench.ring(4, [1, 2, 3], 'transitional');
    bench.ring(8, [1, 2, 3]);
    bench.loop();
    bench.build(2, 8, [40]);
    bench.build(3, 8, []);
    expect(bench.log[0]).toBe('init 1,2 from 1,2,3');
  });

  test('a superfluous barrier or build changes nothing', () => {
    bench.ring(8, [1, 2]);
    bench.loop();
    bench.barrier(2, 8);
    bench.build(2, 8, [2, 40]);
    bench.build(2, 8, [63]);
    bench.barrier(2, 8);
    bench.barrier(2, 8);
    expect(bench.sent).toHaveLength(2);
    bench.loop();
    expect(bench.log).toEqual(['init 1,2 from ', 'work']);
    expect(bench.dropped).toEqual(['superfluous barrier', 'second build', 'superfluous barrier']);
  });

  test('messages of another ring or of no member are ignored', () => {
    bench.ring(8, [1, 2]);
    bench.loop();
    bench.build(2, 4, [40]);
    bench.build(2, 8, [40], 2);
    bench.build(3, 8, [40]);
    bench.deliver(2, new Uint8Array(31));
    expect(bench.log).toEqual([]);
    bench.build(2, 8, [40]);
    expect(bench.log).toEqual(['init 1,2 from ', 'work']);
  });
});

describe('a new configuration during synchronisation', () => {
  test('aborts the participant and starts over with the first id', () => {
    bench.done = false;
    bench.ring(8, [1, 2]);
    bench.loop();
    bench.build(2, 8, [40]);
    bench.ring(8, [1], 'transitional');
    bench.ring(12, [1]);
    bench.done = true;
    bench.loop();
    bench.loop();
    expect(bench.log).toEqual([
      'init 1,2 from ',
      'work',
      'abort',
      'init 1 from 1',
      'work',
      'activate',
      'complete 12',
    ]);
  });

  test('drops what the old ring had no room for', () => {
    bench.full = true;
    bench.ring(8, [1, 2]);
    bench.full = false;
    bench.ring(12, [1]);
    bench.handlers.drained?.();
    expect(bench.sent.map(({ ringId }) => ringId.seq)).toEqual([12]);
  });
});

describe('a full queue', () => {
  test('holds a build and a barrier until there is room, and sends each once', () => {
    bench.full = true;
    bench.ring(8, [1]);
    bench.handlers.drained?.();
    bench.full = false;
    bench.handlers.drained?.();
    bench.handlers.drained?.();
    expect(bench.sent).toHaveLength(1);
    bench.full = true;
    bench.loop();
    bench.full = false;
    bench.handlers.drained?.();
    bench.handlers.drained?.();
    expect(bench.sent.map(({ type }) => type)).toEqual(['build', 'barrier']);
  });
});

test('whatever arrives, no ring sees more than one build and one barrier a step', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('ring' as const), others: fc.subarray([2, 3]) }),
    fc.record({
      kind: fc.constantFrom('build' as const, 'barrier' as const),
      from: fc.constantFrom(2, 3),
      services: fc.subarray([0, 2, 40, 63]),
    }),
    fc.constantFrom({ kind: 'loop' as const }, { kind: 'drained' as const }),
    fc.record({ kind: fc.constant('full' as const), on: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const random = new Bench();
      let seq = 4;
      random.ring(seq, [1, 2, 3]);
      for (const one of events) {
        if (one.kind === 'ring') {
          seq += 4;
          random.ring(seq, [1, ...one.others]);
        } else if (one.kind === 'build') random.build(one.from, seq, one.services);
        else if (one.kind === 'barrier') random.barrier(one.from, seq);
        else if (one.kind === 'loop') random.loop();
        else if (one.kind === 'full') random.full = one.on;
        else random.handlers.drained?.();
      }
      for (let ring = 4; ring <= seq; ring += 4) {
        const sent = random.sent.filter(({ ringId }) => ringId.seq === ring);
        expect(sent.filter(({ type }) => type === 'build').length).toBeLessThanOrEqual(1);
        expect(sent.filter(({ type }) => type === 'barrier').length).toBeLessThanOrEqual(4);
      }
    }),
    { numRuns: 300 },
  );
});
