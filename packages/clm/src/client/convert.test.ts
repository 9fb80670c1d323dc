import { expect, test } from '@jest/globals';
import { SA_CLM_AF_INET6 } from './constants.ts';
import { toClusterNode } from './convert.ts';

test('an IPv6 node has its family, its address as text, and both times as they are', () => {
  const node = {
    nodeId: 7,
    name: 'seven',
    family: 'inet6',
    address: '2001:db8::7',
    bootTime: 1_700_000_000_000_000_001n,
    initialView: 12n,
  } as const;
  expect(toClusterNode(node, false, 4)).toEqual({
    nodeId: 7,
    nodeAddress: { family: SA_CLM_AF_INET6, value: '2001:db8::7' },
    nodeName: 'seven',
    member: 0,
    bootTimestamp: 1_700_000_000_000_000_001n,
    initialViewNumber: 12n,
    executionEnvironment: '',
  });
  expect(toClusterNode(node, true, 1)).not.toHaveProperty('executionEnvironment');
});
