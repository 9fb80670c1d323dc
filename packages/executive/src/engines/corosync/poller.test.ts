import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadKoffi } from '../../drivers/native.ts';
import { createKoffiPoller, createThreadPoller, type Poller } from './poller.ts';

const { koffi } = loadKoffi();
const describePollers = koffi === undefined ? describe.skip : describe;
const pollers: readonly (readonly [string, () => Poller])[] = [
  ['koffi', () => createKoffiPoller(koffi!)],
  ['a thread', () => createThreadPoller()],
];

/** A pipe with both ends open in this process. */
function pipe() {
  const directory = mkdtempSync(join(tmpdir(), 'aisexec-pipe-'));
  const path = join(directory, 'pipe');
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  return {
    fd,
    close() {
      closeSync(fd);
      rmSync(directory, { recursive: true });
    },
  };
}

describePollers.each(pollers)('polling with %s', (_name, create) => {
  test('tells every time, as long as there is something, and reads nothing itself', async () => {
    const { fd, close } = pipe();
    const byte = Buffer.alloc(1);
    const read: number[] = [];
    writeSync(fd, Buffer.from([1, 2, 3]));
    await new Promise<void>((resolve) => {
      const watched = create().watch(fd, () => {
        readSync(fd, byte);
        read.push(byte[0]!);
        if (read.length === 3) writeSync(fd, Buffer.from([4]));
        if (read.length < 4) return;
        watched.close();
        resolve();
      });
    });
    expect(read).toEqual([1, 2, 3, 4]);
    close();
  });
});
