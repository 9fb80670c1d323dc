// The house linter: what Biome and dependency-cruiser cannot say. Reads sources, changes nothing.
//   * a file stays within 400 lines and a function within 60 (tests: 600 / no limit)
//   * pure code has no clock, no randomness, no timers, no promises (DESIGN: "Rules of the house")
//   * every limit in a `limits.ts` stands in docs/LIMITS.md with its value, and the other way round (limits.mjs)

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { checkLimits } from './limits.mjs';

const FILE_LINES_MAX = 400;
const TEST_FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 60;
const PURE =
  /^packages\/((ais|totem|service)\/src\/|(clm|lck|evt|ckpt|cpg|tmr)\/src\/(service\/|protocol\.ts)|executive\/src\/engines\/corosync\/core\/)/;
/** Watches the globals in order to forbid them. */
const WATCHES = 'packages/service/src/testing/watch-world.ts';
const IMPURE_GLOBALS = new Set([
  'Date',
  'performance',
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Promise',
  'WeakRef',
  'FinalizationRegistry',
  'fetch',
  'console',
  'globalThis',
]);

const problems = [];
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|mjs|cjs)$/.test(file) && existsSync(file));

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const isTest = /\.(test|fixture)\.ts$|^test\//.test(file);
  const lines = text.split('\n').length;
  const limit = isTest ? TEST_FILE_LINES_MAX : FILE_LINES_MAX;
  if (lines > limit)
    problems.push(`${file}: ${lines} lines, at most ${limit}: split it by concern`);
  if (isTest || !file.endsWith('.ts')) continue;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  visit(source, source, file, PURE.test(file) && file !== WATCHES);
}
problems.push(...checkLimits(files));

function visit(node, source, file, pure) {
  if (ts.isFunctionLike(node) && node.body !== undefined) checkFunction(node, source, file, pure);
  if (pure) checkPurity(node, source, file);
  ts.forEachChild(node, (child) => visit(child, source, file, pure));
}

function checkFunction(node, source, file, pure) {
  const first = source.getLineAndCharacterOfPosition(node.getStart()).line;
  const length = source.getLineAndCharacterOfPosition(node.end).line - first + 1;
  const isFactory = /^create[A-Z]/.test(node.name?.getText() ?? '');
  if (length > FUNCTION_LINES_MAX && !isFactory) {
    problems.push(
      `${at(node, source, file)}: function of ${length} lines, at most ${FUNCTION_LINES_MAX}`,
    );
  }
  if (pure && node.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword)) {
    problems.push(`${at(node, source, file)}: async function in pure code`);
  }
}

function checkPurity(node, source, file) {
  if (ts.isAwaitExpression(node)) problems.push(`${at(node, source, file)}: await in pure code`);
  if (!ts.isIdentifier(node)) return;
  const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
  const isType = ts.isTypeReferenceNode(node.parent);
  const isRandom =
    isMember && node.text === 'random' && node.parent.expression.getText() === 'Math';
  const isKey =
    (ts.isPropertyAssignment(node.parent) || ts.isPropertySignature(node.parent)) &&
    node.parent.name === node;
  if (isRandom || (!isMember && !isType && !isKey && IMPURE_GLOBALS.has(node.text))) {
    problems.push(
      `${at(node, source, file)}: ${isRandom ? 'Math.random' : node.text} in pure code`,
    );
  }
}

function at(node, source, file) {
  return `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

for (const problem of problems) console.error(problem);
console.log(`tidy: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
