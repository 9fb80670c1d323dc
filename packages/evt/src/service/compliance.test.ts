/** The event service keeps what every service must keep. */
import { checkService, type WorkloadStep } from '@aisexec/service/testing';
import { expect, test } from '@jest/globals';
import { evtService } from './index.ts';

test('passes the compliance suite', () => {
  const patterns = [new Uint8Array([1, 2])];
  const filters = [{ type: 1, pattern: new Uint8Array([1]) }];
  const open = { create: true, publisher: true, subscriber: true };
  const steps: WorkloadStep[] = [0, 1, 2].flatMap((client) => {
    const handle = BigInt(client + 1);
    const event = { handle, patterns, priority: 1, publisher: 'p', data: new Uint8Array(9) };
    return [
      { client, fn: 'open', argument: { ...open, handle, name: `channel ${client % 2}` } },
      { client, fn: 'subscribe', argument: { handle, id: 1, serial: 1, filters } },
      { client, fn: 'publish', argument: { ...event, retention: 0n } },
      { client, fn: 'publish', argument: { ...event, retention: 60_000_000_000n } },
      { client, fn: 'limits' },
    ];
  });
  steps.push({ advanceMs: 1 }, { client: 1, fn: 'unsubscribe', argument: { handle: 2n, id: 1 } });
  steps.push({ client: 0, fn: 'close', argument: { handle: 1n } }, { client: 2, close: true });
  steps.push({ client: 1, fn: 'unlink', argument: { name: 'channel 1' } });
  expect(checkService(evtService, { steps, seed: 4, mutations: 8 })).toEqual([]);
});
