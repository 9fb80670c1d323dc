import { Slabs } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBare, encodeBare } from './bare.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const part = fc.constantFrom('whole', 'first', 'middle', 'last');

describe('a bare message', () => {
  test('is what was encoded, and stays it while others are', () => {
    const slabs = new Slabs();
    const bytes = fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 2_000, maxLength: 2_100 }));
    const events = fc.array(fc.record({ nodeId: u32, pid: u32, part, bytes }), { maxLength: 20 });
    fc.assert(
      fc.property(events, (all) => {
        const payloads = all.map((event) => encodeBare(slabs, event));
        expect(payloads.map((payload) => decodeBare(payload))).toEqual(all);
      }),
    );
  });

  test.each([[[]], [[0, 0, 0, 0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0, 0, 0, 0, 4]]])(
    'is not %p',
    (bytes) => {
      expect(decodeBare(Uint8Array.from(bytes))).toBeUndefined();
    },
  );
});
