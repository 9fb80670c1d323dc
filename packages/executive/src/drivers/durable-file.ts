/**
 * Small files that must survive a crash at any point: a temporary file, fsync, rename, fsync of the directory.
 * Where the generation before stays beside the file, one that was lost is told from a first start.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Why the stable store cannot be used; the text is for people. */
export class StableStoreError extends Error {
  override readonly name = 'StableStoreError';
}

/** Where the generation before is. */
export function previousOf(path: string): string {
  return `${path}.previous`;
}

/** @throws StableStoreError */
export function ensureDirectory(directory: string): void {
  attempt(`cannot create the state directory ${directory}`, () =>
    mkdirSync(directory, { recursive: true, mode: 0o700 }),
  );
}

/** @returns undefined when there is no such file. @throws StableStoreError */
export function readIfThere(path: string): Uint8Array | undefined {
  return attempt(`cannot read ${path}`, () => {
    try {
      return readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/**
 * Durable when it returns, and never half. @param what for the text, like `the ring sequence`.
 * @throws StableStoreError
 */
export function replaceDurably(path: string, bytes: Uint8Array, what: string): void {
  replace(path, bytes, what, () => {});
}

/** The same, and what the file held until now is then at {@link previousOf}. @throws StableStoreError */
export function replaceKeepingPrevious(path: string, bytes: Uint8Array, what: string): void {
  replace(path, bytes, what, () => {
    const previous = previousOf(path);
    // The current file is never absent: the previous generation is a second name of it first.
    rmSync(previous, { force: true });
    if (readIfThere(path) !== undefined) linkSync(path, previous);
  });
}

function replace(path: string, bytes: Uint8Array, what: string, before: () => void): void {
  attempt(`cannot store ${what} in ${path}`, () => {
    const next = `${path}.next`;
    writeDurably(next, bytes);
    before();
    renameSync(next, path);
    syncDirectory(dirname(path));
  });
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    if (writeSync(fd, bytes) !== bytes.length) throw new Error('short write');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof StableStoreError) throw error;
    throw new StableStoreError(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
