/** The daemon under a service manager (sd_notify), and its units as systemd reads them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyFile } from '@aisexec/executive/key-file';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type NotifySocket, notifySocket } from './notify-socket.fixture.ts';
import { eventually, TEST_TIMEOUT_MS } from './support.fixture.ts';

const PACKAGE = new URL('../../packages/executive/', import.meta.url);
const DAEMON = fileURLToPath(new URL('dist/bin/aisexec.js', PACKAGE));
const UNIT = fileURLToPath(new URL('systemd/aisexec.service', PACKAGE));

let directory: string;
let child: ChildProcess | undefined;
let log = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ais-unit-'));
  log = '';
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true });
});

function start(more: string, env: Readonly<Record<string, string>>): ChildProcess {
  const file = join(directory, 'aisexec.yaml');
  writeFileSync(
    file,
    `state_dir: ${join(directory, 'state')}\nipc: {socket: ${join(directory, 's')}}\n${more}`,
  );
  const started = spawn(process.execPath, [DAEMON, '-c', file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  child = started;
  return started;
}

async function gone(process: ChildProcess): Promise<number | null> {
  // `close` and not `exit`: the log is complete then.
  const [code] = (await once(process, 'close')) as [number | null];
  return code;
}

const here = join(tmpdir(), `ais-probe-${process.pid}.sock`);
const probe = notifySocket(here);
probe?.close();
rmSync(here, { force: true });
const withKoffi = probe === undefined ? test.skip : test;

describe('a daemon under a service manager', () => {
  withKoffi(
    'is ready after its first membership, is fed by its ring, tells of a reload and of its end',
    async () => {
      const path = join(directory, 'notify');
      const socket = notifySocket(path) as NotifySocket;
      const all: string[] = [];
      const heard = (text: string) =>
        eventually(
          () => {
            all.push(...socket.received());
            return all;
          },
          (said) => said.some((datagram) => datagram.includes(text)),
          `nothing says ${text}; the log: ${log}`,
        );
      const daemon = start('', { NOTIFY_SOCKET: path, WATCHDOG_USEC: '300000' });
      await heard('READY=1');
      // The log comes by another way, perhaps later.
      await eventually(
        () => log,
        (text) => text.includes('"event":"view"'),
        'the view in the log',
      );
      expect(all.find((text) => text.includes('READY=1'))).toContain('STATUS=quorate: 1 members');
      await heard('WATCHDOG=1');
      daemon.kill('SIGHUP');
      await heard('RELOADING=1');
      await eventually(
        () => {
          all.push(...socket.received());
          return all;
        },
        (said) => said.filter((text) => text.startsWith('READY=1')).length === 2,
        'READY after the reload',
      );
      expect(all.find((text) => text.includes('RELOADING'))).toMatch(/\nMONOTONIC_USEC=\d+$/);
      daemon.kill('SIGTERM');
      await heard('STOPPING=1');
      expect(await gone(daemon)).toBe(0);
      socket.close();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'whose configuration is wrong ends with 78 before it says a word, which the unit does not restart',
    async () => {
      const path = join(directory, 'notify');
      const socket = notifySocket(path);
      expect(await gone(start('nonsense: 1\n', { NOTIFY_SOCKET: path }))).toBe(78);
      expect(socket?.received() ?? []).toEqual([]);
      socket?.close();
      expect(readFileSync(UNIT, 'utf8')).toMatch(/^RestartPreventExitStatus=.*\b78\b/m);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'refuses a NOTIFY_SOCKET that is no path',
    async () => {
      expect(await gone(start('', { NOTIFY_SOCKET: 'nonsense' }))).toBe(78);
      expect(log).toContain('"event":"start-refused"');
    },
    TEST_TIMEOUT_MS,
  );
});

describe('a crash', () => {
  test(
    'leaves a flight record with what happened before it, the level of the log notwithstanding',
    async () => {
      const fuse = join(directory, 'fuse');
      writeFileSync(
        join(directory, 'bomb.mjs'),
        `import { existsSync } from 'node:fs';
        export default {};
        setInterval(() => {
          if (existsSync(${JSON.stringify(fuse)})) throw new Error('a planted defect');
        }, 10);`,
      );
      const key = join(directory, 'key');
      const { secret } = createKeyFile(key, 7);
      const daemon = start(
        `totem: {key_file: ${key}}\nservices: [lck, {module: ./bomb.mjs}]\n`,
        {},
      );
      await eventually(
        () => log,
        (text) => text.includes('"event":"ready"'),
        'ready',
      );
      writeFileSync(fuse, '');
      expect(await gone(daemon)).toBe(70);
      const flight = join(directory, 'state', 'flight');
      const [name] = readdirSync(flight);
      const text = readFileSync(join(flight, name as string), 'utf8');
      expect(text).toContain('"event":"sealed-ring"');
      for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const) {
        expect(text).not.toContain(Buffer.from(secret).toString(form));
      }
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; reason?: string });
      expect(lines[0]).toMatchObject({
        event: 'flight-record',
        reason: 'crash: a planted defect',
        status: { cluster: 'aisexec' },
      });
      const events = lines.map(({ event }) => event);
      for (const event of ['start', 'service-refused', 'enter-gather', 'sync-start', 'view']) {
        expect(events).toContain(event);
      }
      expect(lines.at(-1)).toMatchObject({ event: 'crash', stack: expect.any(String) });
      expect(log).not.toContain('sync-start');
    },
    TEST_TIMEOUT_MS,
  );
});

describe('a main thread that stands still', () => {
  test(
    'is named, and leaves a flight record before a service manager ends it, without any service from a module',
    async () => {
      const fuse = join(directory, 'fuse');
      const stall = join(directory, 'stall.mjs');
      writeFileSync(
        stall,
        `import { existsSync, rmSync } from 'node:fs';
        import { isMainThread } from 'node:worker_threads';
        if (isMainThread) setInterval(() => {
          if (!existsSync(${JSON.stringify(fuse)})) return;
          rmSync(${JSON.stringify(fuse)});
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
        }, 10).unref();`,
      );
      const daemon = start('services: [lck]\nwatchdog: {warn: 300, kill: 3000}\n', {
        NODE_OPTIONS: `--import ${stall}`,
      });
      const says = (event: string) =>
        eventually(
          () => log,
          (text) => text.includes(`"event":"${event}"`),
          event,
        );
      await says('ready');
      const flight = join(directory, 'state', 'flight');
      const names = () => (existsSync(flight) ? readdirSync(flight) : []);
      // A machine with too much to do may have stalled the start already.
      const before = names();
      log = '';
      writeFileSync(fuse, '');
      const text = await eventually(
        () => {
          const name = names().find((one) => !before.includes(one));
          return name === undefined ? '' : readFileSync(join(flight, name), 'utf8');
        },
        (written) => written.endsWith('\n'),
        'a flight record',
      );
      // Written while the thread stood still: it had taken the fuse away before.
      expect(existsSync(fuse)).toBe(false);
      expect(log).toMatch(/"event":"loop-stalled"/);
      expect(log).not.toMatch(/service-stuck/);
      expect(JSON.parse(text.split('\n', 1)[0] as string)).toMatchObject({
        reason: 'loop-stalled',
      });
      expect(text).toContain('"event":"enter-gather"');
      await says('loop-resumed');
      daemon.kill('SIGTERM');
      expect(await gone(daemon)).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});

describe('a module that never ends to be imported', () => {
  test(
    'is named, its process ends, and the next start leaves it out',
    async () => {
      writeFileSync(join(directory, 'loop.mjs'), 'for (;;) {}');
      const config = `services: [lck, {module: ./loop.mjs}]\nwatchdog: {warn: 200, kill: 1000}\n`;
      expect(await gone(start(config, {}))).toBeNull();
      expect(log).toMatch(/"event":"loop-stalled"/);
      expect(log).toMatch(/"event":"service-stuck-end","service":"\.\/loop\.mjs"/);
      log = '';
      const daemon = start(config, {});
      await eventually(
        () => log,
        (text) => text.includes('"event":"ready"'),
        'ready',
      );
      expect(log).toMatch(/"event":"service-refused".*did not give the thread back/);
      daemon.kill('SIGTERM');
      expect(await gone(daemon)).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
describe('the unit', () => {
  (hasSystemd ? test : test.skip)('is what systemd understands, to the last key', () => {
    // What it starts must exist for `verify`; the installed paths are another host's.
    const unit = readFileSync(UNIT, 'utf8').replaceAll(
      /\/usr\/(local\/)?bin\/ais(exec|ctl)/g,
      '/bin/true',
    );
    const copy = join(directory, 'aisexec.service');
    writeFileSync(copy, unit);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', copy], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
