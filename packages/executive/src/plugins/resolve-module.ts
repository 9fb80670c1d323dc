/**
 * From what the configuration names to a file: a path relative to the configuration, or a package found from
 * there upwards, as Node.js does it for an import in a file beside it. `require.resolve` alone would not find
 * packages that export to `import` only, which is what most new ones do.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONDITIONS: readonly string[] = ['node', 'import', 'module-sync', 'default'];

/** @returns the file. @throws Error that says what was looked for and where. */
export function resolveModule(specifier: string, directory: string): string {
  if (specifier.startsWith('file:')) return existing(fileURLToPath(specifier), specifier);
  if (/^\.{1,2}\//.test(specifier) || isAbsolute(specifier)) {
    return existing(resolve(directory, specifier), specifier);
  }
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.*))?$/.exec(specifier) ?? [];
  if (name === undefined) throw new Error(`'${specifier}' is neither a path nor a package`);
  for (let at = resolve(directory); ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return entryOf(folder, rest);
    if (dirname(at) === at) break;
  }
  throw new Error(`no package '${name}' in ${directory} or above: npm install ${name} there`);
}

function existing(file: string, specifier: string): string {
  if (!existsSync(file)) throw new Error(`no module '${specifier}' (looked for ${file})`);
  return realpathSync(file);
}

function entryOf(folder: string, rest: string | undefined): string {
  const file = join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { exports?: unknown };
  if (manifest.exports === undefined) return createRequire(file).resolve(rest ? `./${rest}` : '.');
  const subpath = rest === undefined ? '.' : `./${rest}`;
  const target = targetOf(manifest.exports, subpath);
  if (target === undefined) throw new Error(`${file} exports no '${subpath}'`);
  return existing(join(folder, target), subpath);
}

/** The file that `exports` gives for a subpath; patterns are not looked at. */
function targetOf(exported: unknown, subpath: string): string | undefined {
  const isTable =
    typeof exported === 'object' &&
    exported !== null &&
    Object.keys(exported).some((key) => key.startsWith('.'));
  if (isTable) return conditional((exported as Record<string, unknown>)[subpath]);
  return subpath === '.' ? conditional(exported) : undefined;
}

function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    if (!CONDITIONS.includes(condition)) continue;
    const found = conditional(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}
