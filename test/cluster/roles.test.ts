/** Roles by the kernel's word: clients that really are somebody else. Needs root and koffi; skipped elsewhere. */
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SA_AIS_ERR_ACCESS, SA_AIS_ERR_NO_OP, SA_AIS_OK } from '@aisexec/ais';
import { LocalCluster } from '@aisexec/executive/local-cluster';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

jest.setTimeout(TEST_TIMEOUT_MS);

const CHILD = fileURLToPath(new URL('roles.child.mjs', import.meta.url));
const GID = 47_001;
const [READER, USER, OPERATOR, STRANGER] = [47_011, 47_012, 47_013, 47_014] as const;
const hasKoffi = () => {
  try {
    return createRequire(import.meta.url)('koffi') !== undefined;
  } catch {
    return false;
  }
};
const describeHere = process.getuid?.() === 0 && hasKoffi() ? describe : describe.skip;

const status = ['admin', 'status', {}];
const inspect = ['admin', 'inspect', { service: 'lck' }];
const members = ['clm', 'adminStates', {}];
const removal = ['clm', 'administer', { operation: 'unlock', nodeId: 1, supervisionMs: 0 }];
const locks = ['lck', 'limits', null];
const lockOpen = ['lck', 'open', { handle: '1n', name: 'r', create: true, notify: false }];
const listen = { handle: '1n', name: 'c', create: false, publisher: false, subscriber: true };
const speak = ['evt', 'open', { ...listen, create: true, publisher: true }];
const ALL = [status, inspect, members, removal, locks, lockOpen, speak];
/** NO_OP: the service was asked, and the node is unlocked already. */
const [ok, no, noOp] = [SA_AIS_OK, SA_AIS_ERR_ACCESS, SA_AIS_ERR_NO_OP];

describeHere('a client of another user', () => {
  let cluster: LocalCluster;

  beforeAll(async () => {
    const access = [
      { service: '*', role: 'reader', gid: [GID] },
      { service: ['lck', 'evt'], role: 'user', uid: [USER] },
      { service: ['clm', 'lck'], role: 'operator', uid: [OPERATOR] },
      { service: 'admin', role: 'reader', uid: [OPERATOR] },
    ];
    cluster = await LocalCluster.start({ nodes: 1, ipc: { access } });
    chmodSync(cluster.directory, 0o755);
    chmodSync(cluster.nodes[0]!.directory, 0o755);
  });
  afterAll(() => cluster.stop());

  async function codes(uid: number, gid: number, calls: readonly unknown[] = ALL) {
    const { socket } = cluster.nodes[0]!;
    const args = [CHILD, socket, String(uid), String(gid), JSON.stringify(calls)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as number[];
  }

  test.each([
    ['a reader by group', READER, GID, [no, no, ok, no, ok, no, no]],
    ['a user of two services', USER, 100, [no, no, no, no, ok, ok, ok]],
    ['the same in the readers’ group', USER, GID, [no, no, ok, no, ok, ok, ok]],
    ['an operator who may see the status', OPERATOR, 100, [ok, ok, ok, noOp, ok, ok, no]],
    ['a stranger', STRANGER, 100, [no, no, no, no, no, no, no]],
    ['root', 0, 0, [ok, ok, ok, noOp, ok, ok, ok]],
  ])('%s', async (_, uid, gid, expected) => {
    expect(await codes(uid, gid)).toEqual(expected);
  });

  test('a reader listens to a channel that is there and cannot write to it', async () => {
    const publish = { handle: '1n', patterns: [], priority: 3, retention: '0n', publisher: null };
    await codes(USER, 100, [speak]);
    const asked = [
      ['evt', 'open', { ...listen, name: 'none' }],
      ['evt', 'publish', { ...publish, data: null }],
    ];
    const [opened, published] = await codes(READER, GID, asked);
    // Nobody has it open any more: the service itself answered.
    expect(opened).not.toBe(no);
    expect(published).not.toBe(ok);
  });

  test('the orders of the admin channel are not for a reader of it', async () => {
    const orders = ['shutdown', 'key-rotate', 'unload', 'load', 'reload'].map((fn) => [
      ...['admin', fn],
      { service: 'lck' },
    ]);
    expect(await codes(OPERATOR, 100, orders)).toEqual(orders.map(() => no));
    expect(await codes(0, 0, [status])).toEqual([ok]);
  });
});
