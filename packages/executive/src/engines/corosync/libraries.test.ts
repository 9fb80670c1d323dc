import { expect, test } from '@jest/globals';
import { loadKoffi } from '../../drivers/native.ts';
import { CPG_FRAME_BYTES_MAX } from './core/limits.ts';
import { type Libraries, loadLibraries } from './libraries.ts';

/** undefined where koffi or the libraries are not installed. */
function libraries(): Libraries | undefined {
  try {
    return loadLibraries();
  } catch {
    return undefined;
  }
}

const { koffi } = loadKoffi();
const found = libraries();
const testHere = found === undefined ? test.skip : test;

testHere('what Corosync lends is copied, and only as much as a frame may have', () => {
  const lent = Uint8Array.from({ length: CPG_FRAME_BYTES_MAX + 1 }, (_, at) => at & 0xff);
  const address = koffi!.address(lent);
  const first = found!.message(address, 1_000);
  expect([...first]).toEqual([...lent.subarray(0, 1_000)]);
  expect(found!.message(address, CPG_FRAME_BYTES_MAX)).toHaveLength(CPG_FRAME_BYTES_MAX);
  expect(found!.message(address, CPG_FRAME_BYTES_MAX + 1)).toHaveLength(0);
  expect(found!.message(null, 0)).toHaveLength(0);
});
