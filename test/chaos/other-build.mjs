// The daemon of another commit, built beside this one: its sources from git, transpiled without a check of their
// types (they had one), with this repository's node_modules but its own packages.
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FORMAT = 'packages/service/src/sync/messages.ts';

/**
 * @returns { commit, program, remove }, or { skipped: why not }: no such commit here (a shallow clone, an archive
 * without history), or one whose formats are declared to be others.
 */
export function buildOther(ref) {
  let commit;
  try {
    commit = git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`).trim();
  } catch {
    return { skipped: `there is no commit ${ref} here` };
  }
  const [theirs, ours] = [
    formatOf(git('show', `${commit}:${FORMAT}`)),
    formatOf(readFileSync(join(ROOT, FORMAT), 'utf8')),
  ];
  if (theirs !== ours) {
    return {
      skipped: `${ref} speaks format ${theirs}, these sources ${ours}: such rings are not mixed`,
    };
  }
  const directory = mkdtempSync(join(tmpdir(), 'aisexec-other-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const archive = execFileSync('git', ['archive', commit, 'packages'], {
      cwd: ROOT,
      maxBuffer: 1 << 29,
    });
    execFileSync('tar', ['-x', '-C', directory], { input: archive });
    const packages = readdirSync(join(directory, 'packages'));
    for (const name of packages) transpile(join(directory, 'packages', name));
    linkModules(directory, packages);
    return { commit, program: join(directory, 'packages/executive/dist/bin/aisexec.js'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function git(...args) {
  return execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const formatOf = (source) => source.match(/PROTOCOL_VERSION = (\d+)/)?.[1];

function transpile(directory) {
  const sources = join(directory, 'src');
  for (const file of filesBelow(sources)) {
    if (!file.endsWith('.ts') || /\.(test|fixture|d)\.ts$/.test(file)) continue;
    const { code } = transformFileSync(file, {
      configFile: false,
      swcrc: false,
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', explicitResourceManagement: true },
        rewriteRelativeImportExtensions: true,
      },
      module: { type: 'es6' },
    });
    const target = join(directory, 'dist', relative(sources, file)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Every module of this repository, and for our own packages those of the other commit. */
function linkModules(directory, packages) {
  const modules = join(directory, 'node_modules');
  mkdirSync(join(modules, '@aisexec'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name === '@aisexec') continue;
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of packages) {
    symlinkSync(join(directory, 'packages', name), join(modules, '@aisexec', name));
  }
}
