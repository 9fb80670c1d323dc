/** The text of a corosync.conf as a tree: `section {`, `key: value`, `}`, a thing a line, `#` begins a comment line. */
import type { Position } from './source.ts';

export interface CorosyncSection {
  readonly name: string;
  readonly position: Position;
  /** The last one counts, as with Corosync. */
  readonly keys: ReadonlyMap<string, CorosyncValue>;
  readonly sections: readonly CorosyncSection[];
}

export interface CorosyncValue {
  readonly text: string;
  readonly position: Position;
}

export interface SyntaxProblem {
  readonly position: Position;
  readonly text: string;
}

interface OpenSection extends CorosyncSection {
  readonly keys: Map<string, CorosyncValue>;
  readonly sections: OpenSection[];
}

export function parseCorosync(text: string): {
  readonly root: CorosyncSection;
  readonly problems: readonly SyntaxProblem[];
} {
  const problems: SyntaxProblem[] = [];
  const root = sectionOf('', { line: 1, column: 1 });
  const open: OpenSection[] = [root];
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim();
    const position = { line: i + 1, column: raw.length - raw.trimStart().length + 1 };
    const inner = open.at(-1)!;
    if (line === '' || line.startsWith('#')) return;
    if (line.endsWith('{')) {
      const section = sectionOf(line.slice(0, -1).trim(), position);
      inner.sections.push(section);
      open.push(section);
    } else if (line === '}') {
      if (open.length > 1) open.pop();
      else problems.push({ position, text: "'}' without a section that it could close" });
    } else {
      const colon = line.indexOf(':');
      if (colon > 0) {
        const value = line.slice(colon + 1).trim();
        inner.keys.set(line.slice(0, colon).trim(), { text: value, position });
      } else {
        problems.push({ position, text: "expected 'key: value', 'section {' or '}'" });
      }
    }
  });
  for (const { name, position } of open.slice(1)) {
    problems.push({ position, text: `section '${name}' is not closed` });
  }
  return { root, problems };
}

function sectionOf(name: string, position: Position): OpenSection {
  return { name, position, keys: new Map(), sections: [] };
}
