import type { Role } from '@aisexec/service';
import { describe, expect, test } from '@jest/globals';
import type { AccessGrant, IpcConfig } from '../config/config.ts';
import { admission, createAccessRule } from './access.ts';

const OWN = 1000;
const ipc = (over: Partial<IpcConfig> = {}): IpcConfig => ({
  socket: '',
  mode: 0o600,
  allowUids: [],
  allowGids: [],
  access: [],
  graceMs: 0,
  ...over,
});
const grant = (
  services: string[],
  role: Role,
  uids: number[],
  gids: number[] = [],
): AccessGrant => ({
  ...{ services, role, uids, gids },
});
const peer = (uid: number, gid = 100) => ({ pid: 1, uid, gid });
const roles = ipc({
  mode: 0o666,
  allowUids: [5],
  access: [
    grant(['lck'], 'reader', [7]),
    grant(['*'], 'reader', [8]),
    grant(['evt', 'ckpt'], 'user', [8]),
    grant(['admin'], 'reader', [], [200]),
    grant(['clm'], 'operator', [5, 9]),
  ],
});

describe('the role of a client', () => {
  test.each<[string, IpcConfig, string, { uid: number; gid: number }, Role | undefined]>([
    ['nobody is named: a user is who can connect', ipc({ mode: 0o666 }), 'lck', peer(7), 'user'],
    ['nobody is named, unknown peer', ipc({ mode: 0o666 }), 'lck', peer(-1, -1), 'user'],
    ['the own uid', ipc({ allowUids: [5] }), 'lck', peer(OWN), 'operator'],
    ['root', ipc({ allowUids: [5] }), 'lck', peer(0), 'operator'],
    ['an allowed uid', ipc({ allowUids: [5] }), 'lck', peer(5), 'user'],
    ['an allowed gid', ipc({ allowGids: [100] }), 'lck', peer(7), 'user'],
    ['neither allowed', ipc({ allowUids: [5], allowGids: [6] }), 'lck', peer(7), undefined],
    [
      'an unknown peer under a list',
      ipc({ allowUids: [5], mode: 0o666 }),
      'lck',
      peer(-1, -1),
      undefined,
    ],
    ['admin for the own uid', ipc(), 'admin', peer(OWN), 'operator'],
    ['admin for root', roles, 'admin', peer(0), 'operator'],
    ['admin for an allowed uid', roles, 'admin', peer(5), undefined],
    ['admin for an unknown peer on a private socket', ipc(), 'admin', peer(-1), 'operator'],
    [
      'admin for an unknown peer on a shared one',
      ipc({ mode: 0o660 }),
      'admin',
      peer(-1),
      undefined,
    ],
    ['admin for whom the star covers', roles, 'admin', peer(8), undefined],
    ['admin for a group that is named', roles, 'admin', peer(99, 200), 'reader'],
    ['a grant for this service', roles, 'lck', peer(7), 'reader'],
    ['a grant for another service', roles, 'evt', peer(7), undefined],
    ['the star', roles, 'lck', peer(8), 'reader'],
    ['the highest of several', roles, 'ckpt', peer(8), 'user'],
    ['more than the allow list gives', roles, 'clm', peer(5), 'operator'],
    ['the allow list elsewhere', roles, 'lck', peer(5), 'user'],
    ['nobody, once somebody is named', roles, 'lck', peer(77), undefined],
  ])('%s', (_, config, service, who, role) => {
    expect(createAccessRule(config, OWN)(service, who)).toBe(role);
  });
});

test('a refusal names the caller and where to change it', () => {
  const ask = admission(createAccessRule(roles, OWN));
  expect(ask('lck', peer(7))).toBe(true);
  expect(ask('lck', peer(77, 3))).toBe(
    'uid 77, gid 3 is not on the allow list (ipc.allow, ipc.access)',
  );
  expect(ask('admin', peer(77))).toMatch(/admin channel.*uid 77.*ipc\.access/);
});
