import {
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { STORE_BYTES_MAX } from '../limits.ts';
import type { SaCkptCheckpointCreationAttributesT } from '../protocol.ts';
import { ALL, attributes, CREATE, FakeReplica, READ, WRITE } from './replica.fixture.ts';

const client = { node: 1, connection: 1 };
type Row = [string, number, SaCkptCheckpointCreationAttributesT | null, number];

const FRESH: readonly Row[] = [
  ['create, read and write', ALL, attributes(), SA_AIS_OK],
  ['create alone', CREATE, attributes(), SA_AIS_OK],
  ['create without attributes', ALL, null, SA_AIS_ERR_INVALID_PARAM],
  ['attributes without create', READ, attributes(), SA_AIS_ERR_INVALID_PARAM],
  ['no create of what is not there', READ, null, SA_AIS_ERR_NOT_EXIST],
  ['an unknown open bit', ALL | 8, attributes(), SA_AIS_ERR_BAD_FLAGS],
  ['no open flag at all', 0, null, SA_AIS_ERR_BAD_FLAGS],
  ['an unknown open bit and bad attributes', ALL | 8, null, SA_AIS_ERR_BAD_FLAGS],
  ['no mode', ALL, attributes({ creationFlags: 0 }), SA_AIS_ERR_INVALID_PARAM],
  ['collocated alone', ALL, attributes({ creationFlags: 8 }), SA_AIS_ERR_INVALID_PARAM],
  ['all replicas', ALL, attributes({ creationFlags: 1 }), SA_AIS_OK],
  ['active replica', ALL, attributes({ creationFlags: 2 }), SA_AIS_OK],
  ['active replica, weak', ALL, attributes({ creationFlags: 4 }), SA_AIS_OK],
  ['all replicas, collocated', ALL, attributes({ creationFlags: 9 }), SA_AIS_OK],
  ['active replica, collocated', ALL, attributes({ creationFlags: 10 }), SA_AIS_OK],
  ['weak, collocated', ALL, attributes({ creationFlags: 12 }), SA_AIS_OK],
  ['two modes: 1 and 2', ALL, attributes({ creationFlags: 3 }), SA_AIS_ERR_INVALID_PARAM],
  ['two modes: 1 and 4', ALL, attributes({ creationFlags: 5 }), SA_AIS_ERR_INVALID_PARAM],
  ['two modes: 2 and 4', ALL, attributes({ creationFlags: 6 }), SA_AIS_ERR_INVALID_PARAM],
  ['three modes', ALL, attributes({ creationFlags: 7 }), SA_AIS_ERR_INVALID_PARAM],
  ['an unknown creation bit', ALL, attributes({ creationFlags: 17 }), SA_AIS_ERR_INVALID_PARAM],
  [
    'the size of all sections',
    ALL,
    attributes({ checkpointSize: 300, maxSections: 3, maxSectionSize: 100 }),
    SA_AIS_OK,
  ],
  [
    'more than the size of all sections',
    ALL,
    attributes({ checkpointSize: 301, maxSections: 3, maxSectionSize: 100 }),
    SA_AIS_ERR_INVALID_PARAM,
  ],
  ['no sections', ALL, attributes({ checkpointSize: 0, maxSections: 0 }), SA_AIS_ERR_INVALID_PARAM],
  ['a negative retention', ALL, attributes({ retentionDuration: -1n }), SA_AIS_ERR_INVALID_PARAM],
  [
    'more than the store holds',
    ALL,
    attributes({ checkpointSize: STORE_BYTES_MAX + 1, maxSectionSize: STORE_BYTES_MAX }),
    SA_AIS_ERR_NO_RESOURCES,
  ],
];

/** Against a checkpoint that was created with `attributes()`. */
const EXISTING: readonly Row[] = [
  ['no attributes', READ | WRITE, null, SA_AIS_OK],
  ['the same attributes', ALL, attributes(), SA_AIS_OK],
  ['another retention', ALL, attributes({ retentionDuration: 77n }), SA_AIS_OK],
  ['another mode', ALL, attributes({ creationFlags: 2 }), SA_AIS_ERR_EXIST],
  ['another size', ALL, attributes({ checkpointSize: 999 }), SA_AIS_ERR_EXIST],
  ['another number of sections', ALL, attributes({ maxSections: 9 }), SA_AIS_ERR_EXIST],
  ['another section size', ALL, attributes({ maxSectionSize: 999_999 }), SA_AIS_ERR_EXIST],
  ['another id size', ALL, attributes({ maxSectionIdSize: 15 }), SA_AIS_ERR_EXIST],
];

describe('opening a checkpoint', () => {
  test.each(FRESH)('that is not there, with %s', (_what, openFlags, given, rc) => {
    const replica = new FakeReplica();
    const request = { handle: 1n, name: 'c', openFlags, attributes: given };
    expect(replica.call(client, 'open', request).rc).toBe(rc);
    expect(replica.state.checkpoints.size).toBe(rc === SA_AIS_OK ? 1 : 0);
  });

  test.each(EXISTING)('that is there, with %s', (_what, openFlags, given, rc) => {
    const replica = new FakeReplica();
    const request = { name: 'c', openFlags: ALL, attributes: attributes() };
    replica.call(client, 'open', { ...request, handle: 1n });
    const reply = replica.call(client, 'open', {
      handle: 2n,
      name: 'c',
      openFlags,
      attributes: given,
    });
    expect(reply.rc).toBe(rc);
    expect(replica.state.opens).toBe(rc === SA_AIS_OK ? 2 : 1);
  });

  test('keeps the retention of its creation when a reopen names another', () => {
    const replica = new FakeReplica();
    const request = { name: 'c', openFlags: ALL };
    const first = attributes({ retentionDuration: 5n });
    replica.call(client, 'open', { ...request, handle: 1n, attributes: first });
    replica.call(client, 'open', { ...request, handle: 2n, attributes: attributes() });
    const status = replica.call(client, 'status', { handle: 2n });
    expect(status).toMatchObject({
      checkpointStatus: { checkpointCreationAttributes: { retentionDuration: 5n } },
    });
  });

  test.each([
    ['empty', ''],
    ['a lone surrogate', '\ud800'],
  ])('with a name that is %s is refused', (_what, name) => {
    const request = { handle: 1n, name, openFlags: ALL, attributes: attributes() };
    expect(new FakeReplica().call(client, 'open', request).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('with a handle that is in use is refused, and with the same one of another client is not', () => {
    const replica = new FakeReplica();
    const request = { handle: 1n, name: 'c', openFlags: ALL, attributes: attributes() };
    expect(replica.call(client, 'open', request).rc).toBe(SA_AIS_OK);
    expect(replica.call(client, 'open', request).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect(replica.call({ node: 2, connection: 1 }, 'open', request).rc).toBe(SA_AIS_OK);
  });
});
