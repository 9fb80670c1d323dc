/**
 * The file that makes a node a member of a sealed ring: an id and a secret, as a short text that people can
 * copy and compare (docs/security.md). Whoever can read it can be any node, so a file that others can read is
 * refused, as ssh does. Shared with `aisctl keygen`, which is why it stands alone.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { KEY_FILE_BYTES_MAX, KEY_SECRET_BYTES_MAX, KEY_SECRET_BYTES_MIN } from './limits.ts';

/** The key that all nodes of a ring share. */
export interface GroupKey {
  /** 1 to 255, in the clear in every packet: tells which of two keys a packet is sealed with. */
  readonly id: number;
  /** KEY_SECRET_BYTES_MIN to KEY_SECRET_BYTES_MAX random bytes. */
  readonly secret: Uint8Array;
  /** 16 hex digits that tell two keys apart and nothing about the secret: for logs and messages. */
  readonly fingerprint: string;
}

/** Why a key file cannot be used or made; the text says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

const HEAD = 'aisexec-key 1';
const MODE = 0o400;

/** @throws RangeError for an id or a secret that no key has. */
export function groupKey(id: number, secret: Uint8Array): GroupKey {
  if (!Number.isInteger(id) || id < 1 || id > 255) {
    throw new RangeError(`a key id is 1 to 255, not ${id}`);
  }
  if (secret.length < KEY_SECRET_BYTES_MIN || secret.length > KEY_SECRET_BYTES_MAX) {
    throw new RangeError(
      `a secret has ${KEY_SECRET_BYTES_MIN} to ${KEY_SECRET_BYTES_MAX} bytes, not ${secret.length}`,
    );
  }
  const digest = createHash('sha256')
    .update('aisexec key fingerprint')
    .update(secret)
    .digest('hex');
  return { id, secret, fingerprint: digest.slice(0, 16) };
}

/** `id:fingerprint`, the name of a key in logs, answers and messages. */
export function keyName({ id, fingerprint }: GroupKey): string {
  return `${id}:${fingerprint}`;
}

export function formatKey({ id, secret }: GroupKey): string {
  return `${HEAD}\nid ${id}\nsecret ${Buffer.from(secret).toString('base64')}\n`;
}

/** @returns the key, or what is wrong with the text; never a part of the secret. */
export function parseKey(text: string): GroupKey | string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== HEAD) return `does not begin with '${HEAD}'`;
  const id = /^id (\d{1,3})$/.exec(lines[1] ?? '')?.[1];
  if (id === undefined) return "has no line 'id N'";
  const secret = /^secret ([A-Za-z0-9+/]+={0,2})$/.exec(lines[2] ?? '')?.[1];
  if (secret === undefined) return "has no line 'secret BASE64'";
  if (lines.length > 3) return 'has more lines than three';
  try {
    return groupKey(Number(id), Buffer.from(secret, 'base64'));
  } catch (error) {
    return `is no key: ${(error as Error).message}`;
  }
}

/** @throws KeyFileError when it is not there, open to others, or no key. */
export function readKeyFile(path: string): GroupKey {
  const key = parseKey(readPrivate(path));
  if (typeof key === 'string') {
    throw new KeyFileError(`${path}: ${key}. Make one with: aisctl keygen FILE`);
  }
  return key;
}

function readPrivate(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = code === 'ENOENT' ? '. Copy it from another node, or: aisctl keygen FILE' : '';
    throw new KeyFileError(`cannot read the key file: ${message}${hint}`, { cause: error });
  }
  try {
    const { mode, uid, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError(
        `${path} is open to others (mode ${octal}), so the key counts as known: chmod 0400 ${path}, ` +
          'and rotate the key if others may have read it',
      );
    }
    const own = process.getuid?.() ?? uid;
    if (uid !== 0 && uid !== own) {
      throw new KeyFileError(`${path} belongs to uid ${uid}: chown it to uid ${own} or root`);
    }
    if (size > KEY_FILE_BYTES_MAX) throw new KeyFileError(`${path}: ${size} bytes are no key file`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a key file of mode 0400 that is on the disk when this returns.
 * @param id default: drawn, so that it most likely differs from the key in use.
 * @throws KeyFileError when the file exists (never overwritten) or cannot be written.
 */
export function createKeyFile(path: string, id: number = randomInt(1, 256)): GroupKey {
  const key = groupKey(id, randomBytes(KEY_SECRET_BYTES_MIN));
  let fd: number;
  try {
    fd = openSync(path, 'wx', MODE);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new KeyFileError(
      code === 'EEXIST'
        ? `${path} exists and is not overwritten: name another file`
        : `cannot make ${path}: ${message}`,
      { cause: error },
    );
  }
  try {
    fchmodSync(fd, MODE);
    writeSync(
      fd,
      `# A key of an aisexec cluster: the same on every node, and a secret.\n${formatKey(key)}`,
    );
    fsyncSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw new KeyFileError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  } finally {
    closeSync(fd);
  }
  return key;
}
