/** Turns what the schema refuses into texts: what was found, what is expected, what to do. */
import type { z } from 'zod';
import { configSchema, FOREIGN_NAMES } from './schema.ts';
import type { ConfigSource, Path, Position } from './source.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  readonly position: Position;
  /** Like `nodelist[1].address`; empty for the file as a whole. */
  readonly key: string;
  readonly text: string;
}

/** `file:line:col: key: text`, the form that editors jump to. */
export function problemText(file: string, { position, key, text }: Problem): string {
  const place = `${file}:${position.line}:${position.column}:`;
  return key === '' ? `${place} ${text}` : `${place} ${key}: ${text}`;
}

export function keyText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

export function schemaProblems(
  source: ConfigSource,
  issues: readonly z.core.$ZodIssue[],
): readonly Problem[] {
  // A misspelt key is also a missing one: its own complaint says more, so it comes first.
  const unknownFirst = [...issues].sort(
    (a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'),
  );
  return unknownFirst.flatMap((issue) => {
    if (issue.code === 'invalid_union') {
      // A name, or a mapping: what was meant is seen from what was written.
      const isMapping = typeof issue.input === 'object' && issue.input !== null;
      const meant = (isMapping ? issue.errors.at(-1) : issue.errors[0]) ?? [];
      const inner = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
      return schemaProblems(source, inner);
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(source, [...issue.path, key]));
    }
    const position = source.positionOf(issue.path);
    return [{ position, key: keyText(issue.path), text: issueText(issue) }];
  });
}

function unknownKey(source: ConfigSource, path: Path): Problem {
  const key = String(path.at(-1));
  const known = knownKeys(path.slice(0, -1));
  const near = FOREIGN_NAMES[key.toLowerCase()] ?? nearest(key, known);
  const advice =
    near === undefined ? `known here are ${known.join(', ')}` : `did you mean '${near}'?`;
  return {
    position: source.positionOfKey(path),
    key: keyText(path),
    text: `unknown key; ${advice}`,
  };
}

function issueText(issue: z.core.$ZodIssue): string {
  const found = 'input' in issue ? `, found ${foundText(issue.input)}` : '';
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing; expected ${typeText(issue.expected)}`
        : `expected ${typeText(issue.expected)}${found}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}${found}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unitText(issue.origin)}${found}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unitText(issue.origin)}${found}`;
    default:
      return `${issue.message}${found}`;
  }
}

function typeText(expected: string): string {
  const names: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text',
    boolean: 'true or false',
    object: 'a mapping (key: value)',
    array: 'a list (- item)',
  };
  return names[expected] ?? expected;
}

function unitText(origin: string): string {
  if (origin === 'array') return ' entries';
  return origin === 'string' ? ' characters' : '';
}

/** Long or structured values are named, not quoted. */
function foundText(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

/** The keys the schema has at a place. */
function knownKeys(path: Path): readonly string[] {
  let at: unknown = configSchema;
  for (const part of path) {
    at = unwrap(at);
    if (typeof part === 'number') at = (at as { element?: unknown } | undefined)?.element;
    else at = (at as { shape?: Record<PropertyKey, unknown> } | undefined)?.shape?.[part];
  }
  const shape = (unwrap(at) as { shape?: object } | undefined)?.shape;
  return shape === undefined ? [] : Object.keys(shape);
}

function unwrap(schema: unknown): unknown {
  const { options } = (schema ?? {}) as { options?: readonly { shape?: unknown }[] };
  const mapping = Array.isArray(options)
    ? options.find((one) => one.shape !== undefined)
    : undefined;
  if (mapping !== undefined) return mapping;
  const optional = schema as { unwrap?: () => unknown; shape?: unknown; element?: unknown };
  const isWrapper =
    optional?.unwrap !== undefined &&
    optional.shape === undefined &&
    optional.element === undefined;
  return isWrapper ? optional.unwrap?.() : schema;
}

/** The known key within two typing errors, or that starts alike. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '');
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of known) {
    const distance = editDistance(plain(key), plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
