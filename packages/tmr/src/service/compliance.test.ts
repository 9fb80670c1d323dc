/** The timer service keeps what every service must keep. */
import { checkService, type WorkloadStep } from '@aisexec/service/testing';
import { expect, test } from '@jest/globals';
import { tmrService } from './index.ts';

test('passes the compliance suite', () => {
  const after = (initialExpirationTime: bigint, timerPeriodDuration = 0n) => ({
    type: 2,
    initialExpirationTime,
    timerPeriodDuration,
  });
  const steps: WorkloadStep[] = [0, 1, 2].flatMap((client) => [
    { client, fn: 'start', argument: { id: 1n, attributes: after(5_000_000n) } },
    { client, fn: 'start', argument: { id: 2n, attributes: after(0n, 7_000_000_000n) } },
    { client, fn: 'start', argument: { id: 3n, attributes: after(90_000_000_000n) } },
    { client, fn: 'skip', argument: { id: 2n } },
    { client, fn: 'get', argument: { id: 2n } },
    { advanceMs: 30_000 },
    { client, fn: 'reschedule', argument: { id: 2n, attributes: after(1n, 9_000_000_000n) } },
    { client, fn: 'time' },
  ]);
  steps.push({ client: 1, close: true }, { client: 2, fn: 'cancel', argument: { id: 2n } });
  expect(checkService(tmrService, { steps, seed: 3, mutations: 8 })).toEqual([]);
});
