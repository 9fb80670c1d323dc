import { expect, test } from '@jest/globals';
import type { StateRecord } from '../trace/record.ts';
import { createReplicaChecker } from './replicas.ts';
import { createViolationLog } from './violation.ts';

const state = (node: number, hash: string, place: 'view' | 'end' = 'view'): StateRecord => ({
  kind: 'state',
  time: node,
  node,
  incarnation: 1,
  ringId: { rep: 1, seq: 8 },
  service: 'counter',
  place,
  hash,
});

test('equal hashes at one place are compared and pass; another place is another comparison', () => {
  const log = createViolationLog();
  const checker = createReplicaChecker(log);
  for (const record of [state(1, 'a'), state(2, 'a'), state(1, 'b', 'end')]) checker.record(record);
  expect(log.list).toEqual([]);
  expect(checker.compared).toBe(1);
});

test('a replica that differs is named with both hashes', () => {
  const log = createViolationLog();
  const checker = createReplicaChecker(log);
  for (const record of [state(1, 'a'), state(2, 'b')]) checker.record(record);
  expect(log.list[0]).toMatchObject({ property: 'R1', node: 2, ring: '1.8' });
  expect(log.list[0]?.text).toContain('b here, a on node 1');
});
