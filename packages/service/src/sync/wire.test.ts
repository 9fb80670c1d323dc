import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvariantError } from '../invariant.ts';
import { decodeSync, SyncEncoder } from './wire.ts';

const ringId = { rep: 3, seq: 0x1_0000_0004 };

function begun(): SyncEncoder {
  const encoder = new SyncEncoder();
  encoder.begin(ringId);
  return encoder;
}

describe('sync messages', () => {
  test('a service_build is 552 bytes, laid out as Corosync does', () => {
    const bytes = begun().build([2, 40]);
    const view = new DataView(bytes.buffer);
    expect(bytes).toHaveLength(552);
    expect([view.getInt32(0, true), view.getInt32(8, true)]).toEqual([1, 552]);
    expect([view.getUint32(16, true), view.getBigUint64(20, true)]).toEqual([3, 0x1_0000_0004n]);
    const words = [32, 40, 44, 48].map((offset) => view.getInt32(offset, true));
    expect(words).toEqual([2, 2, 40, 0]);
    expect(decodeSync(bytes)).toEqual({ type: 'build', ringId, services: [2, 40] });
  });

  test('a barrier is 32 bytes and carries the ring alone', () => {
    const encoder = begun();
    encoder.build([]);
    encoder.agreed(1);
    const bytes = encoder.barrier();
    expect(bytes).toHaveLength(32);
    expect(new DataView(bytes.buffer).getInt32(8, true)).toBe(32);
    expect(decodeSync(bytes)).toEqual({ type: 'barrier', ringId });
  });

  test('a barrier of ring 1.d is the one that was captured of Corosync', () => {
    // totem-wire §1.8, without the heads of mcast, packet and group.
    const captured = Uint8Array.from(
      Buffer.from('00000000000000002000000000000000010000000d0000000000000000000000', 'hex'),
    );
    const encoder = new SyncEncoder();
    encoder.begin({ rep: 1, seq: 0xd });
    encoder.build([]);
    encoder.agreed(1);
    expect(encoder.barrier()).toEqual(captured);
    expect(decodeSync(captured)).toEqual({ type: 'barrier', ringId: { rep: 1, seq: 0xd } });
  });

  test('rubbish is refused and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(decodeSync(bytes)).toBeUndefined();
      }),
    );
  });

  test.each([
    ['more than 128 services', 32, 129],
    ['a negative count', 32, -1],
    ['a service id above 63', 40, 64],
    ['a negative service id', 40, -1],
    ['a size that is not its own', 8, 551],
  ])('a build with %s is refused', (_what, offset, value) => {
    const bytes = begun().build([7]);
    new DataView(bytes.buffer).setInt32(offset, value, true);
    expect(decodeSync(bytes)).toBeUndefined();
  });

  test('a service id that would index outside of the tables of Corosync is never sent', () => {
    expect(() => begun().build([64])).toThrow(InvariantError);
  });
});

describe('the rules whose violation crashes Corosync', () => {
  const call = fc.constantFrom('begin', 'build', 'agreed', 'barrier', 'stepDone');

  test('no sequence of calls yields a second build, a second barrier in a step, or one after the end', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), fc.nat(3), (calls, steps) => {
        const encoder = new SyncEncoder();
        let seq = 0;
        let sent = { builds: 0, barriers: 0, done: 0, agreed: 0 };
        for (const name of calls) {
          try {
            if (name === 'begin') {
              encoder.begin({ rep: 1, seq: ++seq });
              sent = { builds: 0, barriers: 0, done: 0, agreed: 0 };
            } else if (name === 'build') sent.builds += encoder.build([1]).length > 0 ? 1 : 0;
            else if (name === 'barrier') sent.barriers += encoder.barrier().length > 0 ? 1 : 0;
            else if (name === 'agreed') {
              encoder.agreed(steps);
              sent.agreed = steps;
            } else {
              encoder.stepDone();
              sent.done++;
            }
          } catch (error) {
            expect(error).toBeInstanceOf(InvariantError);
          }
          expect(sent.builds).toBeLessThanOrEqual(1);
          expect(sent.barriers).toBeLessThanOrEqual(sent.agreed);
          expect(sent.barriers).toBeLessThanOrEqual(sent.done + 1);
        }
      }),
      { numRuns: 500 },
    );
  });
});
