/** What an operator does to a cluster of daemons that goes on running: look at it, reload it, turn its log up. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalNode } from '@aisexec/executive/local-cluster';
import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { ENGINE } from './engine.fixture.ts';
import { eventually, TEST_TIMEOUT_MS, useCluster } from './support.fixture.ts';

const AISCTL = fileURLToPath(new URL('../../packages/ctl/dist/bin/aisctl.js', import.meta.url));
const logs = new Map<string, string[]>();
const cluster = useCluster({
  nodes: 3,
  onLog(node, line) {
    logs.set(node.name, [...(logs.get(node.name) ?? []), line]);
  },
});

function aisctl(node: LocalNode, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [AISCTL, ...args, '--socket', node.socket],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

type Config = Record<string, unknown>;

function configOf(node: LocalNode) {
  const file = join(node.directory, 'aisexec.yaml');
  return { file, text: readFileSync(file, 'utf8') };
}

function edit(node: LocalNode, change: (config: Config) => Config): void {
  const { file, text } = configOf(node);
  writeFileSync(file, stringify(change(parse(text) as Config)));
}

const withLevel = (level: string) => (config: Config) => ({
  ...config,
  log: { level, format: 'json' },
});
const levels = () => cluster.nodes.map((node) => aisctl(node, 'log', 'level').stdout.trim());

describe('a cluster that goes on running', () => {
  test(
    'is reloaded by all nodes or by none, and the difference is printed node by node',
    () => {
      const [one, two, three] = cluster.nodes as [LocalNode, LocalNode, LocalNode];
      for (const node of cluster.nodes) edit(node, withLevel('warn'));
      edit(three, (config) => ({ ...config, cluster: { name: 'another' } }));
      const refused = aisctl(one, 'reload');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain('nothing was changed, on no node');
      expect(refused.stderr).toContain('node 3: cluster.name: "local" -> "another"');
      expect(levels()).toEqual(['info', 'info', 'info']);

      const whole = configOf(two);
      writeFileSync(whole.file, 'nonsense: [');
      const broken = aisctl(one, 'reload');
      expect(broken.status).toBe(1);
      expect(broken.stderr).toMatch(/node [23]: /);
      expect(levels()).toEqual(['info', 'info', 'info']);
      writeFileSync(whole.file, whole.text);
      edit(three, (config) => ({ ...config, cluster: { name: 'local' } }));
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'takes over what can change while it runs; metrics included',
    async () => {
      const [one, two] = cluster.nodes as [LocalNode, LocalNode];
      const socket = join(one.directory, 'metrics.sock');
      edit(one, (config) => ({ ...config, metrics: { socket } }));
      const dry = aisctl(two, 'reload', '--dry-run');
      expect(dry.stderr).toBe('');
      expect(dry.stdout).toContain('nothing was changed (--dry-run)');
      expect(levels()).toEqual(['info', 'info', 'info']);
      const { status, stdout, stderr } = aisctl(two, 'reload', '--format', 'json');
      expect([status, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({
        schemaVersion: 1,
        outcome: 'applied',
        nodes: [
          {
            node: 1,
            changed: ['log.level: "info" -> "warn"', `metrics.socket: none -> "${socket}"`],
          },
          { node: 2, changed: ['log.level: "info" -> "warn"'] },
          { node: 3, changed: ['log.level: "info" -> "warn"'] },
        ],
      });
      await eventually(levels, (found) => found.every((level) => level === 'warn'), 'warn');
      const scraped = spawnSync(process.execPath, ['-e', SCRAPE, socket], { encoding: 'utf8' });
      expect(scraped.stdout).toMatch(/^ais_members 3$/m);
      expect(scraped.stdout).toMatch(/^ais_config_last_reload_success 1$/m);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'shows more in its log when it is asked to, and less again',
    async () => {
      const [one] = cluster.nodes as [LocalNode];
      expect(aisctl(one, 'log', 'level', 'info').stdout).toBe('info\n');
      process.kill(one.pid as number, 'SIGUSR1');
      await eventually(
        () => logs.get(one.name) ?? [],
        (lines) => lines.some((line) => line.includes('"from":"info","to":"debug"')),
        'the log at debug',
      );
      expect(aisctl(one, 'log', 'level').stdout).toBe('debug\n');
      expect(aisctl(one, 'log', 'level', 'loud').status).toBe(64);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'writes its last events on demand, of levels that the log did not show, too',
    () => {
      const [, two] = cluster.nodes as [LocalNode, LocalNode];
      const { status, stdout } = aisctl(two, 'dump');
      expect(status).toBe(0);
      const text = readFileSync(stdout.trim(), 'utf8');
      expect(text).toContain('"reason":"asked for"');
      expect(text).toContain('"event":"sync-start"');
      expect(logs.get(two.name)?.join()).not.toContain('sync-start');
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'gives its metrics to aisctl, the ring and the loop side by side',
    () => {
      for (const node of cluster.nodes) {
        const { stdout } = aisctl(node, 'metrics');
        expect(stdout).toMatch(/^ais_quorate 1$/m);
        // Corosync's own ring is looked at with its own tools.
        const rotations = /^ais_totem_token_rotation_seconds_count [1-9]\d*$/m;
        expect(rotations.test(stdout)).toBe(ENGINE === 'totem');
        expect(stdout).toMatch(/^ais_event_loop_delay_seconds\{statistic="p99"\} /m);
      }
    },
    TEST_TIMEOUT_MS,
  );
});

const SCRAPE = `
require('node:http').get({ socketPath: process.argv[1], path: '/metrics' }, (response) =>
  response.pipe(process.stdout));
`;
