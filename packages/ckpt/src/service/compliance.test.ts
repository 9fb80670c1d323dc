/** The checkpoint service keeps what every service must keep. */
import { checkService, type WorkloadStep } from '@aisexec/service/testing';
import { expect, test } from '@jest/globals';
import { ckptService } from './index.ts';

test('passes the compliance suite', () => {
  const attributes = {
    creationFlags: 1,
    checkpointSize: 4096,
    retentionDuration: 1_000_000_000n,
    maxSections: 8,
    maxSectionSize: 512,
    maxSectionIdSize: 16,
  };
  const expirationTime = 0x7fff_ffff_ffff_ffffn;
  const data = new Uint8Array([1, 2, 3]);
  const steps: WorkloadStep[] = [0, 1, 2].flatMap((client) => {
    const handle = BigInt(client + 1);
    const sectionId = `s${client}`;
    return [
      { client, fn: 'open', argument: { handle, name: 'books', openFlags: 7, attributes } },
      { client, fn: 'watch', argument: { handle, serial: 1, sectionId: null, data: true } },
      {
        client,
        fn: 'sectionCreate',
        argument: { handle, sectionId, expirationTime, data, totalBytes: 3 },
      },
      { client, fn: 'write', argument: { handle, elements: [{ sectionId, offset: 1, data }] } },
      { client, fn: 'put', argument: { handle, sectionId: 'shared', expirationTime, data } },
      { client, fn: 'status', argument: { handle } },
    ];
  });
  steps.push({ advanceMs: 1 }, { client: 1, fn: 'unwatch', argument: { handle: 2n, serial: 1 } });
  steps.push({ client: 0, fn: 'sectionDelete', argument: { handle: 1n, sectionId: 's0' } });
  steps.push({ client: 0, fn: 'close', argument: { handle: 1n } }, { client: 2, close: true });
  expect(checkService(ckptService, { steps, seed: 4, mutations: 8 })).toEqual([]);
});
