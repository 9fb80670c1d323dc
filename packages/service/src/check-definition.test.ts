import { expect, test } from '@jest/globals';
import { checkDefinition } from './check-definition.ts';
import { counterService } from './testing/index.ts';

const { exec, lib } = counterService;
const local = Object.fromEntries(
  Object.entries(lib).map(([name, handler]) => [name, { ...handler, flow: 'local' }]),
);

test.each([
  [{}, undefined],
  [{ scope: 'cluster' }, undefined],
  [{ scope: 'node', exec: {}, lib: local }, undefined],
  [{ scope: 'world' }, /^scope: expected 'cluster' or 'node'/],
  [{ scope: 'node', exec, lib: local }, /^exec: .* use defineNodeService/],
  [{ scope: 'node', exec: {}, lib }, /^lib\.add\.flow: expected 'local'/],
  [{ lib: { add: { ...lib['add'], reply: 7 } } }, /^lib\.add\.reply: expected a schema or nothing/],
])('a definition with %p is judged %p', (change, expected) => {
  const problem = checkDefinition({ ...counterService, ...change }, []);
  if (expected === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(expected);
});
