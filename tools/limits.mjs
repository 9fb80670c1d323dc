// Compares the constants of every limits.ts with docs/LIMITS.md: each has one row in its package's section, with its value,
// and each row has a constant that something else than its own file uses.
import { existsSync, readFileSync } from 'node:fs';

const UNITS = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, s: 1000 };

/** @param files of the repository. @returns problems, one text each. */
export function checkLimits(files) {
  const problems = [];
  const rows = existsSync('docs/LIMITS.md')
    ? rowsOf(readFileSync('docs/LIMITS.md', 'utf8'), problems)
    : new Map();
  const known = new Set();
  const sources = files
    .filter((file) => /^packages\/.*\/src\/.*\.ts$/.test(file))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  for (const { file, text } of sources.filter((source) => source.file.endsWith('/limits.ts'))) {
    const section = file.split('/')[1];
    for (const [, name, value] of text.matchAll(/^export const (\w+)(?:: \w+)? =\s*([^;]+);/gm)) {
      const key = `${section} ${name}`;
      known.add(key);
      const row = rows.get(key);
      if (row === undefined)
        problems.push(`${file}: ${name} is missing in docs/LIMITS.md, section ${section}`);
      else if (!agree(value, row))
        problems.push(`docs/LIMITS.md: ${name} is ${row}, but ${value} in ${file}`);
      const isUsed = sources.some(
        (other) => other.file !== file && new RegExp(`\\b${name}\\b`).test(other.text),
      );
      if (!isUsed) problems.push(`${file}: nothing uses ${name}`);
    }
  }
  for (const key of rows.keys()) {
    if (!known.has(key))
      problems.push(`docs/LIMITS.md: ${key} is declared in no limits.ts of that package`);
  }
  return problems;
}

function rowsOf(text, problems) {
  const rows = new Map();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^## (\w+)/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\| `(\w+)`\s*\|\s*([^|]*?)\s*\|/.exec(line) ?? [];
    if (name === undefined) continue;
    const key = `${section} ${name}`;
    if (rows.has(key)) problems.push(`docs/LIMITS.md: ${name} has two rows in section ${section}`);
    rows.set(key, value);
  }
  return rows;
}

/** Whether a row shows the constant's value; what is no plain number on either side is for readers. */
function agree(source, shown) {
  const actual = numberOf(source.replace(/n\b/g, ''));
  const match = /^(\d[\d,_  ]*\d|\d)(\^\d+)?(?: (-|\+) (\d+))?(?:\s+(\w+))?/.exec(shown);
  if (actual === undefined || match === null) return true;
  const [, digits, power, sign, more, unit] = match;
  const base = Number(digits.replace(/[^\d]/g, ''));
  const plain = power === undefined ? base : base ** Number(power.slice(1));
  const value = plain + (sign === undefined ? 0 : Number(`${sign}${more}`));
  return (
    [value, value * (UNITS[unit] ?? 1), value * 1_000_000].includes(actual) || shown.includes('+')
  );
}

function numberOf(source) {
  const text = source.replace(/_/g, '').trim();
  if (/^0x[\da-f]+$/i.test(text) || /^\d+$/.test(text)) return Number(text);
  const [, base, power] = /^(\d+) \*\* (\d+)$/.exec(text) ?? [];
  if (base !== undefined) return Number(base) ** Number(power);
  return /^\d+( \* \d+)+$/.test(text)
    ? text.split(' * ').reduce((product, factor) => product * Number(factor), 1)
    : undefined;
}
