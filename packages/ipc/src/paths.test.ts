import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { clientSocketPath, SYSTEM_SOCKET, serverSocketPath } from './paths.ts';

describe('the socket that nobody named', () => {
  test('is AISEXEC_SOCKET for both sides', () => {
    const env = { AISEXEC_SOCKET: '/x/y.sock', XDG_RUNTIME_DIR: '/run/user/1' };
    expect(clientSocketPath(env)).toBe('/x/y.sock');
    expect(serverSocketPath(env)).toBe('/x/y.sock');
  });

  test('of a client is the first that is there, else where its own executive would listen', () => {
    const runtime = mkdtempSync(join(tmpdir(), 'ais-run-'));
    const env = { XDG_RUNTIME_DIR: runtime };
    const own = join(runtime, 'aisexec.sock');
    expect([serverSocketPath(env), SYSTEM_SOCKET]).toContain(clientSocketPath(env));
    mkdirSync(runtime, { recursive: true });
    writeFileSync(own, '');
    expect([own, SYSTEM_SOCKET]).toContain(clientSocketPath(env));
    rmSync(runtime, { recursive: true });
  });

  test('of an unprivileged executive is in a directory of its user', () => {
    const isRoot = process.getuid?.() === 0;
    const expected = isRoot ? SYSTEM_SOCKET : '/run/user/7/aisexec.sock';
    expect(serverSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' })).toBe(expected);
    if (!isRoot) expect(serverSocketPath({})).toMatch(/aisexec-\d+\/aisexec\.sock$/);
  });
});
