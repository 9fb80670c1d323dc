/** The limits on resources and opens: too many for a row of the conformance table. */
import { SA_AIS_ERR_NO_RESOURCES, SA_AIS_OK } from '@aisexec/ais';
import { expect, test } from '@jest/globals';
import { createHarness } from './harness.fixture.ts';
import { OPENS_MAX, OPENS_PER_CLIENT_MAX, RESOURCES_MAX } from './limits.ts';
import { OPENS_BOUND_SINCE } from './versions.ts';

const a = { node: 1, connection: 1 };
const b = { node: 2, connection: 1 };

test('one resource or one open too many is NO_RESOURCES; what exists can still be opened by others', () => {
  const h = createHarness();
  for (let i = 0; i < OPENS_PER_CLIENT_MAX; i++) h.open(a, BigInt(i), `r${i}`);
  expect(h.rc(h.open(a, 99_999n, 'r0'))).toBe(SA_AIS_ERR_NO_RESOURCES);
  const [only] = h.state.resources.values();
  const full = { size: RESOURCES_MAX };
  const { resources } = h.state;
  Object.assign(h.state, { resources: new Proxy(resources, countingAs(full)) });
  expect(h.rc(h.open(b, 1n, 'one more'))).toBe(SA_AIS_ERR_NO_RESOURCES);
  expect(h.rc(h.open(b, 1n, only!.name))).toBe(SA_AIS_OK);
  full.size = RESOURCES_MAX - 1;
  expect(h.rc(h.open(b, 2n, 'one more'))).toBe(SA_AIS_OK);
});

test('one open too many in the cluster is NO_RESOURCES, once all members know that bound; a close makes room', () => {
  const h = createHarness();
  h.open(a, 1n, 'r');
  h.state.openCount = OPENS_MAX;
  expect(h.rc(h.open(b, 1n, 'r'))).toBe(SA_AIS_ERR_NO_RESOURCES);
  h.version = OPENS_BOUND_SINCE - 1;
  expect(h.rc(h.open(b, 2n, 'r'))).toBe(SA_AIS_OK);
  h.version = OPENS_BOUND_SINCE;
  h.close(b, 2n);
  h.close(a, 1n);
  expect(h.rc(h.open(b, 3n, 'r'))).toBe(SA_AIS_OK);
});

/** A Map that says it is fuller than it is: a million resources would take a minute to make. */
function countingAs(full: { readonly size: number }): ProxyHandler<Map<string, unknown>> {
  return {
    get(target, name) {
      if (name === 'size') return full.size;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  };
}
