/** The limits on resources and opens: too many for a row of the conformance table. */
import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_OK } from '@aisexec/ais';
import { expect, test } from '@jest/globals';
import { createHarness } from './harness.fixture.ts';
import { OPENS_PER_CLIENT_MAX, RESOURCES_MAX } from './limits.ts';

const a = { node: 1, connection: 1 };
const b = { node: 2, connection: 1 };

test('one resource or one open too many is NO_RESOURCES; what exists can still be opened by others', () => {
  const h = createHarness();
  for (let i = 0; i < OPENS_PER_CLIENT_MAX; i++) h.open(a, BigInt(i), `r${i}`);
  expect(h.state.resources.size).toBe(RESOURCES_MAX);
  expect(h.rc(h.open(a, 99_999n, 'r0'))).toBe(SA_AIS_ERR_NO_RESOURCES);
  expect(h.rc(h.open(b, 1n, 'one more'))).toBe(SA_AIS_ERR_NO_RESOURCES);
  expect(h.rc(h.open(b, 1n, 'r0'))).toBe(SA_AIS_OK);
  h.close(a, 1n);
  expect(h.rc(h.open(b, 2n, 'one more'))).toBe(SA_AIS_OK);
});
