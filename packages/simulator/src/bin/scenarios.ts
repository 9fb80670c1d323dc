/** `aissim --scenario`: plays one file, or every one of a directory, and compares with the golden traces. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseScenario, ScenarioError } from '../scenarios/parse.ts';
import { play } from '../scenarios/play.ts';

const SUFFIX = '.scenario.txt';

/** `update` writes the golden traces of scenarios without problems anew. @returns whether all was well. */
export function playAll(path: string, update: boolean, print: (line: string) => void): boolean {
  if (!existsSync(path)) {
    print(`${path}: no such file or directory`);
    return false;
  }
  if (!statSync(path).isDirectory()) return playOne(path, update, true, print);
  const files = readdirSync(path).filter((file) => file.endsWith(SUFFIX));
  const failed = files.filter((file) => !playOne(join(path, file), update, false, print));
  print(`${files.length} scenarios, ${failed.length} failed`);
  return files.length > 0 && failed.length === 0;
}

function playOne(
  path: string,
  update: boolean,
  show: boolean,
  print: (line: string) => void,
): boolean {
  const golden = path.endsWith(SUFFIX) ? path.replace(/\.scenario\.txt$/, '.trace.txt') : undefined;
  try {
    const { text, problems } = play(parseScenario(readFileSync(path, 'utf8')));
    if (show) print(text);
    for (const problem of problems) print(`${path}: ${problem}`);
    if (problems.length > 0 || golden === undefined) return problems.length === 0;
    if (update) writeFileSync(golden, text);
    const expected = existsSync(golden) ? readFileSync(golden, 'utf8') : undefined;
    if (expected === text) return true;
    const why = expected === undefined ? 'is missing' : 'differs';
    print(`${golden}: ${why}; --update writes it anew, then read the difference`);
    return false;
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    print(`${path}: ${error.message}`);
    return false;
  }
}
