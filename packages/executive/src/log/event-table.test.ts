import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { markdownTable, referencePage } from '../reference.fixture.ts';
import { EVENT_GROUPS, EVENTS } from './event-table.ts';

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url));
/** Where events come from. */
const SOURCES = ['executive', 'service', 'totem', 'ipc'];
/** How the code tells one. */
const TELLS = [
  /\btrace\(\s*(?:srp,\s*)?'([a-z][a-z-]*)'/g,
  /#(?:trace|log)\(\s*'([a-z][a-z-]*)'/g,
  /\b(?:options|#options)\.(?:trace|log)\(\s*'([a-z][a-z-]*)'/g,
  /(?<![.#\w])log\(\s*'([a-z][a-z-]*)'/g,
  /\btell\(peer, link, '([a-z][a-z-]*)'/g,
  /\bjournal\.write\(\s*'([a-z][a-z-]*)'/g,
  /\bsay\('[a-z]+', '([a-z][a-z-]*)'/g,
  /\b(?:trace|tell)\(\{\s*event: '([a-z][a-z-]*)'/g,
];

function told(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of SOURCES) {
    const source = join(PACKAGES, name, 'src');
    for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || /\.(test|fixture)\.ts$/.test(file)) continue;
      const text = readFileSync(join(source, file), 'utf8');
      for (const pattern of TELLS) {
        for (const [, event] of text.matchAll(pattern)) found.set(event!, `${name}/src/${file}`);
      }
    }
  }
  return found;
}

describe('the table of events', () => {
  test('has every event that the code tells', () => {
    const found = told();
    expect(found.size).toBeGreaterThan(40);
    const absent = [...found].filter(([event]) => !EVENTS.has(event));
    expect(absent).toEqual([]);
  });

  test('has none that nobody tells', () => {
    const found = told();
    const idle = [...EVENTS.keys()].filter((event) => !found.has(event));
    expect(idle).toEqual([]);
  });

  test('names each event once, and what is asked of somebody where it warns', () => {
    const names = Object.values(EVENT_GROUPS).flatMap((table) => Object.keys(table));
    expect(names).toEqual([...new Set(names)]);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    const mute = [...EVENTS].filter(([, { level, action }]) => level === 'error' && action === '');
    expect(mute).toEqual([]);
  });

  test('is what docs/reference/events.md says', () => {
    const expected = page();
    expect(referencePage('events.md', expected)).toBe(expected);
  });
});

function page(): string {
  const head = `# Events of the log

Every line of the log is one event: \`level\`, \`time\`, \`node\`, \`event\` and its own details, as JSON, or on a terminal for people. The ids
are an interface: they are never renamed. A service's trouble at run time, symptom by symptom: [operations](../operations.md).

Printed from \`packages/executive/src/log/event-table.ts\`; a test compares both, and the table with the code.
`;
  const groups = Object.entries(EVENT_GROUPS).map(([title, table]) => {
    const rows = Object.entries(table).map(([event, { level, when, action }]) => [
      `\`${event}\``,
      level,
      when,
      action,
    ]);
    return `\n## ${title}\n\n${markdownTable(['Event', 'Level', 'When', 'What to do'], rows)}`;
  });
  return [head, ...groups].join('');
}
