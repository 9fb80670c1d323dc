import { describe, expect, test } from '@jest/globals';
import type { ExecutiveConfig } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { RELOAD_LINE_CHARS_MAX } from '../limits.ts';
import { differences, differenceText, refusals } from './difference.ts';

const HEAD =
  'nodelist: [{id: 1, address: 127.0.0.1}, {id: 2, address: 127.0.0.2}]\nnode: {id: 1}\nstate_dir: /s\n';

function config(text: string): ExecutiveConfig {
  const { config: found, problems } = parseConfig(HEAD + text, 'test');
  if (found === undefined) throw new Error(problems.join('\n'));
  return found;
}

const between = (from: string, to: string) => differences(config(from), config(to));

describe('the difference of two configurations', () => {
  test('is nothing between equal ones, however they are written', () => {
    expect(between('log: {level: info}', '')).toEqual([]);
  });

  test('names the keys that change while it runs, with both values', () => {
    const found = between(
      "ipc: {socket: /a, mode: '0660'}",
      "log: {level: debug}\nipc: {socket: /a, mode: '0600', allow: {gid: [7]}}\nmetrics: {port: 9664}",
    );
    expect(found.map(differenceText)).toEqual([
      'ipc.mode: 432 -> 384',
      'ipc.allow.gid: [] -> [7]',
      'log.level: "info" -> "debug"',
      'metrics.address: none -> "127.0.0.1"',
      'metrics.port: none -> 9664',
    ]);
    expect(refusals(found)).toEqual([]);
  });

  test('refuses, by name and with what to do, each key that needs a restart', () => {
    const found = between(
      '',
      'cluster: {name: x}\ntotem: {token: 900}\nlog: {level: debug, format: json}\nservices: [lck]',
    );
    const refused = refusals(found);
    expect(refused).toContain(
      'cluster.name: "aisexec" -> "x": cannot change while it runs; restart this node',
    );
    for (const key of ['totem.token', 'log.format', 'services']) {
      expect(refused.some((line) => line.startsWith(`${key}: `))).toBe(true);
    }
    expect(refused.some((line) => line.startsWith('log.level'))).toBe(false);
  });

  test('of the nodelist is one key, and is cut where it is long', () => {
    const more = config('');
    const nodes = Array.from({ length: 100 }, (_, i) => ({ ...more.node, id: i + 1 }));
    const [line] = refusals(differences(more, { ...more, nodes }));
    expect(line).toMatch(/^nodelist: /);
    expect(line?.length).toBe(RELOAD_LINE_CHARS_MAX + 1);
  });

  test("never shows what is in a plugin's own section", () => {
    const found = between(
      'services: [{module: ./a.js, config: {password: one-secret}}]',
      'services: [{module: ./a.js, config: {password: another-secret}}]',
    );
    expect(found.length).toBe(1);
    expect(refusals(found).join()).not.toContain('secret');
  });
});
