/** Roles: who may do what with which service. */
import { expect, test } from '@jest/globals';
import { parse } from './config.fixture.ts';

test('roles are given by service, uid and gid, and a shared socket follows', () => {
  const { config } = parse(`
ipc:
  access:
    - {service: '*', role: reader, gid: [50]}
    - {service: [lck, evt], role: user, uid: [5]}`);
  expect(config?.ipc).toMatchObject({
    mode: 0o666,
    access: [
      { services: ['*'], role: 'reader', uids: [], gids: [50] },
      { services: ['lck', 'evt'], role: 'user', uids: [5], gids: [] },
    ],
  });
});

test.each([
  ['a role for nobody', '{service: lck, role: user}', 'ipc.access[0]: says nobody'],
  [
    'an unknown role',
    '{service: lck, role: admin, uid: [5]}',
    'ipc.access[0].role: expected one of',
  ],
  [
    'a misspelt key',
    '{service: lck, services: lck, role: user, uid: [5]}',
    "ipc.access[0].services: unknown key; did you mean 'service'?",
  ],
  [
    'a user by name',
    '{service: lck, role: user, uid: [bob]}',
    'ipc.access[0].uid[0]: expected a number',
  ],
])('%s is refused with its place', (_, entry, problem) => {
  const { problems } = parse(`ipc:\n  access:\n    - ${entry}\n`);
  expect(problems).toEqual([expect.stringMatching(/^c\.yaml:3:\d+: /)]);
  expect(problems?.join()).toContain(problem);
});
