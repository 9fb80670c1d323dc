import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkService, createTestCluster } from '@aisexec/service/testing';
import { createTallyService } from './service.ts';

const service = createTallyService();

test('keeps what every service must keep', () => {
  const steps = [
    { client: 0, fn: 'open', argument: { poll: 'lunch', forMs: 5000 } },
    { client: 1, fn: 'vote', argument: { poll: 'lunch', voter: 'ann', choice: 'soup' } },
    { client: 2, fn: 'vote', argument: { poll: 'lunch', voter: 'bob', choice: 'pie' } },
    { client: 3, fn: 'result', argument: { poll: 'lunch' } },
    { client: 0, fn: 'count', argument: { poll: 'lunch' } },
    { client: 1, fn: 'open', argument: { poll: 'dinner', forMs: 60_000 } },
    { client: 2, fn: 'result', argument: { poll: 'dinner' } },
    { client: 2, close: true as const },
    { advanceMs: 100 },
  ];
  assert.deepEqual(checkService(service, { steps }), []);
});

test('answers who waits when the poll closes, on another node than it was opened', () => {
  const cluster = createTestCluster({ nodes: 3, services: [service] });
  const [ann, bob] = [cluster.client(1, 'tally'), cluster.client(3, 'tally')];
  ann.request('open', { poll: 'lunch', forMs: 1000 });
  bob.request('vote', { poll: 'lunch', voter: 'bob', choice: 'pie' });
  const waiting = bob.post('result', { poll: 'lunch' });
  const counts = () => waiting.reply?.['counts'] as unknown;
  cluster.kill(1);
  cluster.advance(999);
  assert.equal(counts(), undefined);
  cluster.advance(2);
  assert.deepEqual(counts(), { pie: 1 });
});
