/**
 * Where the executive's socket is when nobody says: `/run/aisexec` for the system's executive,
 * else a directory that only this user can write to.
 */
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SOCKET_NAME = 'aisexec.sock';
export const SYSTEM_SOCKET = `/run/aisexec/${SOCKET_NAME}`;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a client looks: `AISEXEC_SOCKET`, else the first default place where a socket is. */
export function clientSocketPath(env: Environment = process.env): string {
  if (env['AISEXEC_SOCKET']) return env['AISEXEC_SOCKET'];
  const places = [SYSTEM_SOCKET, ...userSocketPaths(env)];
  return places.find((path) => existsSync(path) && isTrusted(path)) ?? serverSocketPath(env);
}

/** Where an executive listens: `AISEXEC_SOCKET`, else the first default place it may write to. */
export function serverSocketPath(env: Environment = process.env): string {
  if (env['AISEXEC_SOCKET']) return env['AISEXEC_SOCKET'];
  if (process.getuid?.() === 0 || isWritable(dirname(SYSTEM_SOCKET))) return SYSTEM_SOCKET;
  return userSocketPaths(env)[0] ?? SYSTEM_SOCKET;
}

function userSocketPaths(env: Environment): readonly string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const temporary = join(tmpdir(), `aisexec-${process.getuid?.() ?? 'user'}`, SOCKET_NAME);
  return runtime ? [join(runtime, SOCKET_NAME), temporary] : [temporary];
}

/** In a directory that anyone may create, like one in /tmp, the owner must be this user or root. */
function isTrusted(path: string): boolean {
  try {
    const owner = lstatSync(dirname(path)).uid;
    return path === SYSTEM_SOCKET || owner === 0 || owner === process.getuid?.();
  } catch {
    return false;
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
