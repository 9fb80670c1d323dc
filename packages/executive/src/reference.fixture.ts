/** Pages of docs/reference that are printed from tables of the code: compared by tests, written where that is asked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REFERENCE = new URL('../../../docs/reference/', import.meta.url);

/** @returns what the page says now. With UPDATE_REFERENCE in the environment that is what it should say. */
export function referencePage(name: string, expected: string): string {
  const path = fileURLToPath(new URL(name, REFERENCE));
  if (process.env['UPDATE_REFERENCE'] !== undefined) writeFileSync(path, expected);
  return readFileSync(path, 'utf8');
}

export function markdownTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [heading, heading.map(() => '---'), ...rows].map(line).join('');
}
