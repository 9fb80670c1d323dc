import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

const DAEMON = fileURLToPath(
  new URL('../../packages/executive/dist/bin/aisexec.js', import.meta.url),
);
const directory = mkdtempSync(join(tmpdir(), 'aisexec-cli-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs the daemon to its end; for those that must refuse to start. */
function outcome(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = daemon(args, env);
  return new Promise((resolve) => {
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    child.once('exit', (status) => resolve({ status, stderr }));
  });
}

function daemon(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [DAEMON, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (text) => {
      if (`${text}`.includes('"ready"')) resolve();
    });
    child.once('exit', (status) => reject(new Error(`ended with ${status}`)));
  });
}

function config(name: string, text: string): string {
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

/** A single node with its own socket and state below the test's directory. */
const single = (name: string, port: number): string =>
  config(
    name,
    `node: { id: 1 }
nodelist: [{ id: 1, name: one, address: 127.0.0.1, port: ${port} }]
ipc: { socket: ${join(directory, `${name}.sock`)} }
state_dir: ${join(directory, `${name}-state`)}
log: { format: json }
`,
  );

describe('the command line of aisexec', () => {
  test('an unknown key is refused with file, line and the key that was meant', async () => {
    const file = config('typo', 'totem:\n  transport: udpu\n  tokn: 1000\n');
    const { status, stderr } = await outcome(['--check', '-c', file]);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`${file}:3:3`);
    expect(stderr).toContain('tokn');
    expect(stderr).toContain('token');
  });

  test('a good file passes the check and starts nothing', async () => {
    const { status } = await outcome(['--check', '-c', single('good', 25_405)]);
    expect(status).toBe(0);
  });

  test(
    'makes a key file once, and the check names the key, or what is wrong with its file',
    async () => {
      const key = join(directory, 'key');
      expect((await outcome(['--keygen', key])).status).toBe(0);
      expect(statSync(key).mode & 0o777).toBe(0o400);
      const again = await outcome(['--keygen', key]);
      expect(again.status).toBe(73);
      expect(again.stderr).toContain(`${key} exists and is not overwritten`);
      const file = config(
        'sealed',
        `totem: { key_file: ${key} }\nstate_dir: ${join(directory, 'sealed-state')}`,
      );
      expect((await outcome(['--check', '-c', file])).status).toBe(0);
      chmodSync(key, 0o444);
      for (const args of [
        ['--check', '-c', file],
        ['-c', file],
      ]) {
        const open = await outcome(args);
        expect(open.status).toBe(78);
        expect(open.stderr).toContain(`chmod 0400 ${key}`);
      }
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'the check imports the services from modules and names what is wrong, with file and line',
    async () => {
      const index = new URL('../../packages/service/dist/index.js', import.meta.url).href;
      writeFileSync(
        join(directory, 'mine.mjs'),
        `import { counterService } from '${index.replace('index.js', 'testing/index.js')}';
import { definePlugin, s } from '${index}';
setInterval(() => {}, 1000);
export const plugin = definePlugin({
  api: 1, config: s.object({ polls: s.u8 }), create: () => counterService });
`,
      );
      const checked = (name: string, services: string) =>
        outcome([
          '--check',
          '-c',
          config(name, `state_dir: ${directory}/x\nservices:\n${services}`),
        ]);
      const good = await checked('plugin', '  - module: ./mine.mjs\n    config: { polls: 3 }\n');
      expect(good).toEqual({ status: 0, stderr: '' });
      const bad = await checked(
        'plugins',
        '  - module: ./mine.mjs\n    config: { polls: 300 }\n  - module: ./nowhere.mjs\n',
      );
      expect(bad.status).toBe(78);
      expect(bad.stderr).toMatch(
        /plugins\.yaml:4:\d+: services\[0\]\.config\.polls: .*from 0 to 255/,
      );
      expect(bad.stderr).toMatch(/plugins\.yaml:5:\d+: services\[1\]: \.\/nowhere\.mjs: /);
    },
    TEST_TIMEOUT_MS,
  );

  test('a missing file is named', async () => {
    const { status, stderr } = await outcome(['-c', join(directory, 'nowhere.yaml')]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('nowhere.yaml');
  });

  test(
    'a second daemon on the same socket, state or address says so and exits; the first goes on',
    async () => {
      const file = single('first', 25_406);
      const first = daemon(['-c', file], {});
      try {
        await ready(first);
        const again = await outcome(['-c', file]);
        expect(again.status).not.toBe(0);
        expect(again.stderr).toMatch(/first(\.sock|-state)/);
        const sameAddress = await outcome(['-c', single('second', 25_406)]);
        expect(sameAddress.status).not.toBe(0);
        expect(sameAddress.stderr).toContain('127.0.0.1:25406');
        expect(first.exitCode).toBeNull();
      } finally {
        const gone = new Promise((resolve) => first.once('exit', resolve));
        first.kill('SIGTERM');
        await gone;
      }
      expect(first.exitCode).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
});
