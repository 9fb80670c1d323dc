import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { TEST_TIMEOUT_MS } from './support.fixture.ts';

const MAIN = fileURLToPath(new URL('../../examples/live/main.mjs', import.meta.url));

function run(args: readonly string[]): ReturnType<typeof spawn> {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

const directories = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('aisexec-'));

describe('the live example without a terminal', () => {
  test(
    'kills and revives a node, prints one JSON document, and all nodes agree',
    async () => {
      const child = run(['--seconds', '8', '--format', 'json']);
      let output = '';
      child.stdout?.on('data', (text) => {
        output += text;
      });
      const status = await new Promise((resolve) => child.once('exit', resolve));
      const report = JSON.parse(output);
      expect(report.checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
      expect(report.nodes).toHaveLength(3);
      expect(status).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'Ctrl-C leaves no process and no directory behind',
    async () => {
      const before = directories();
      const child = run(['--seconds', '60']);
      const created = await new Promise<string>((resolve) => {
        const timer = setInterval(() => {
          const found = directories().find((name) => !before.includes(name));
          if (found === undefined) return;
          clearInterval(timer);
          resolve(found);
        }, 10);
      });
      child.kill('SIGINT');
      await new Promise((resolve) => child.once('exit', resolve));
      expect(directories()).not.toContain(created);
      expect(processesNaming(created)).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  test('without a terminal and without --seconds it says what to do', async () => {
    const child = run([]);
    let complaint = '';
    child.stderr?.on('data', (text) => {
      complaint += text;
    });
    const status = await new Promise((resolve) => child.once('exit', resolve));
    expect(status).toBe(64);
    expect(complaint).toContain('--seconds');
  });
});

/** Command lines of processes that mention a directory (Linux). */
function processesNaming(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLineOf)
    .filter((line) => line.includes(directory));
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it ended meanwhile
  }
}
