/** Standard output: JSON documents with a version, text in columns, colour only for people. */

/** Version of every JSON document of `aisctl`; a change that breaks readers raises it. */
export const SCHEMA_VERSION = 1;

export type Format = 'text' | 'json';

/** One JSON document a line. */
export function jsonLine(document: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...document })}\n`;
}

/** Writes the document, or the text for people. */
export async function print(
  format: Format,
  document: Readonly<Record<string, unknown>>,
  text: () => string,
): Promise<void> {
  await write(format === 'json' ? jsonLine(document) : text());
}

/** Resolves when standard output takes more. */
export function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Columns with a heading, two blanks apart. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const lines = [heading, ...rows].map((row) => row.map((cell) => oneLine(String(cell))));
  const widths = heading.map((_, column) => Math.max(...lines.map((row) => width(row[column]))));
  const pad = (cell: string, column: number) =>
    cell + ' '.repeat((widths[column] ?? 0) - width(cell));
  return lines.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** `name  value` lines. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const longest = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(longest)}  ${value}\n`).join('');
}

/** Text that cannot break out of its line or speak to the terminal: control characters as \xNN, \uNNNN. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** Bytes for people, on one line: text, and \xNN for what is none. */
export function bytesLine(bytes: Uint8Array): string {
  const text = utf8(bytes);
  if (text !== undefined) return oneLine(text);
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return byte < 0x7f ? oneLine(character) : `\\x${byte.toString(16)}`;
  }).join('');
}

/** Bytes in JSON: `{text}` where they are UTF-8, else `{base64}`. */
export function bytesJson(
  bytes: Uint8Array,
): { readonly text: string } | { readonly base64: string } {
  const text = utf8(bytes);
  return text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text };
}

export type Colour = 'green' | 'red';

/** Colours where a person looks: a terminal, and no NO_COLOR (https://no-color.org). */
export function paint(
  text: string,
  colour: Colour,
  env: Readonly<Record<string, string | undefined>> = process.env,
  isTerminal: boolean = process.stdout.isTTY === true,
): string {
  if (!isTerminal || env['NO_COLOR'] || env['TERM'] === 'dumb') return text;
  return `\u001b[${CODES[colour]}m${text}\u001b[39m`;
}

const CODES: Readonly<Record<Colour, number>> = { green: 32, red: 31 };

const SHORT: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

// Control characters (C0, DEL, C1), the separators that end a line, and marks that turn the direction.
const UNPRINTABLE = /[\\\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function width(text: string | undefined): number {
  return [...(text ?? '')].length;
}
