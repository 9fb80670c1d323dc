/**
 * Takes possession of a unix socket path. The socket is bound under a private name with its final
 * permissions and then linked to the public one, which is atomic: nobody connects too early, and of two
 * executives one wins. A socket file that a dead executive left is replaced.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, type Stats } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** sun_path of Linux, without the final NUL. */
const PATH_BYTES_MAX = 107;

/** Why a socket path cannot be had; the text is for people. */
export class SocketPathError extends Error {
  /** `in-use`: another executive answers there. */
  readonly kind: 'in-use' | 'unusable';

  constructor(kind: 'in-use' | 'unusable', message: string) {
    super(message);
    this.name = 'SocketPathError';
    this.kind = kind;
  }
}

/** Listens on `path`. @returns the function that gives the path back. */
export async function listenOn(server: Server, path: string, mode: number): Promise<() => void> {
  const own = join(dirname(path), `.${randomBytes(6).toString('hex')}`);
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(own)) > PATH_BYTES_MAX) {
    throw new SocketPathError(
      'unusable',
      `socket path ${path} is longer than ${PATH_BYTES_MAX} bytes: set a shorter one (ipc.socket)`,
    );
  }
  prepareDirectory(dirname(path), mode);
  await bind(server, own, mode);
  try {
    chmodSync(own, mode);
    const inode = lstatSync(own).ino;
    await publish(own, path);
    return () => {
      if (statOf(path)?.ino === inode) rmSync(path, { force: true });
    };
  } catch (error) {
    server.close();
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function prepareDirectory(directory: string, mode: number): void {
  const open = (mode & 0o077) !== 0;
  try {
    mkdirSync(directory, { recursive: true, mode: open ? 0o755 : 0o700 });
    const stats = lstatSync(directory);
    const uid = process.getuid?.();
    // In a place like /tmp somebody else may have made the directory, to be in the middle.
    if (/\/aisexec-[^/]*$/.test(directory) && uid !== undefined && stats.uid !== uid) {
      throw new Error(`it belongs to uid ${stats.uid}`);
    }
  } catch (error) {
    throw new SocketPathError(
      'unusable',
      `cannot use directory ${directory} for the socket: ${(error as Error).message}`,
    );
  }
}

function bind(server: Server, path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) =>
      reject(new SocketPathError('unusable', `cannot listen on ${path}: ${error.message}`));
    server.once('error', onError);
    // The bind happens inside the call, so the umask is nobody else's.
    const umask = isMainThread ? process.umask(0o777 & ~mode) : undefined;
    try {
      server.listen(path, () => {
        server.off('error', onError);
        resolve();
      });
    } finally {
      if (umask !== undefined) process.umask(umask);
    }
  });
}

/** Links `own` to `path`; a dead socket in the way is moved aside first. */
async function publish(own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      linkSync(own, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        const text = `cannot create ${path}: ${(error as Error).message}`;
        throw new SocketPathError('unusable', text);
      }
    }
    await removeDead(path, `${own}x`);
  }
  throw new SocketPathError('in-use', `another executive is starting on ${path}`);
}

async function removeDead(path: string, aside: string): Promise<void> {
  const before = statOf(path);
  if (before === undefined) return;
  if (!before.isSocket()) {
    throw new SocketPathError('unusable', `${path} exists and is not a socket: remove it`);
  }
  if (await answers(path)) {
    throw new SocketPathError('in-use', `another executive already answers on ${path}`);
  }
  // Between the look and the move another starter may have put its own socket there: give it back.
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (statOf(aside)?.ino !== before.ino && statOf(path) === undefined) linkSync(aside, path);
  rmSync(aside, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    // A socket that may not be connected to is somebody's: only a refusal means that nobody listens.
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
