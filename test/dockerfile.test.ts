/** The Dockerfile, as far as it can be judged without an engine: what it copies and starts is there, and as whom. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = new URL('../', import.meta.url);
const at = (path: string) => fileURLToPath(new URL(path, ROOT));

/** `[instruction, rest]`, continuation lines joined, comments left out. */
function instructions(): readonly (readonly [string, string])[] {
  const text = readFileSync(at('Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ');
  return text.split('\n').flatMap((line) => {
    const [, instruction, rest] = /^([A-Z]+) (.+)$/.exec(line.trim()) ?? [];
    return instruction === undefined || rest === undefined ? [] : [[instruction, rest] as const];
  });
}

const all = instructions();
const argumentsOf = (wanted: string) =>
  all.filter(([instruction]) => instruction === wanted).map(([, rest]) => rest);

describe('the Dockerfile', () => {
  test('is two stages on a release of Node that the packages run on', () => {
    const stages = argumentsOf('FROM');
    expect(stages).toHaveLength(2);
    for (const stage of stages) expect(stage).toMatch(/^node:(22|24)-bookworm-slim\b/);
  });

  test('copies from the build what a build leaves there', () => {
    const copied = argumentsOf('COPY').flatMap((rest) => {
      const source = /^--from=build \/src\/(\S+) /.exec(rest)?.[1];
      return source === undefined ? [] : [source];
    });
    expect(copied.length).toBeGreaterThan(2);
    for (const source of copied) expect([source, existsSync(at(source))]).toEqual([source, true]);
  });

  test('starts, and asks for its health with, commands that the packages have', () => {
    const commands = [...argumentsOf('ENTRYPOINT'), ...argumentsOf('HEALTHCHECK')].map(
      (rest) => (JSON.parse(/\[.*\]/.exec(rest)?.[0] ?? '[]') as string[])[0],
    );
    expect(commands).toEqual(['aisexec', 'aisctl']);
    // Not node_modules/.bin: npm links there what is built already, which is so after the prune of the build stage.
    const packages = ['executive', 'ctl'].map((name) => {
      const text = readFileSync(at(`packages/${name}/package.json`), 'utf8');
      return Object.entries((JSON.parse(text) as { bin: Record<string, string> }).bin);
    });
    for (const [[command, file] = ['', '']] of packages) {
      expect(commands).toContain(command);
      expect(existsSync(at(`packages/${command === 'aisctl' ? 'ctl' : 'executive'}/${file}`))).toBe(
        true,
      );
    }
    expect(argumentsOf('ENV').join(' ')).toContain('PATH=/app/node_modules/.bin:$PATH');
  });

  test('runs as nobody in particular, who owns the places that the environment names', () => {
    const user = argumentsOf('USER').at(-1);
    expect(user).toBe('aisexec');
    const run = argumentsOf('RUN').join('\n');
    for (const place of ['/var/lib/aisexec', '/run/aisexec']) {
      expect(run).toMatch(new RegExp(`install -d -o ${user} [^&]*${place}`));
      expect(argumentsOf('VOLUME').join()).toContain(place);
    }
    const environment = argumentsOf('ENV').join(' ');
    expect(environment).toContain('AISEXEC_SOCKET=/run/aisexec/aisexec.sock');
    expect(environment).toContain('XDG_STATE_HOME=/var/lib');
  });

  test('is built from the sources alone', () => {
    const ignored = readFileSync(at('.dockerignore'), 'utf8').split('\n');
    for (const path of ['.git', '**/node_modules', '**/dist']) expect(ignored).toContain(path);
  });
});
