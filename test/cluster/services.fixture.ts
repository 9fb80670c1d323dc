/** Services of strangers for the tests: an npm package built from the skeleton, and offenders of every kind. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const AISCTL = join(root, 'packages/ctl/dist/bin/aisctl.js');
const execute = promisify(execFile);

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `aisctl`; a code that is not 0 is a result, too. */
export async function aisctl(args: readonly string[]): Promise<Ran> {
  try {
    return { code: 0, ...(await execute(process.execPath, [AISCTL, ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran;
    return { code, stdout, stderr };
  }
}

/** Makes `directory` a place where the packages of this repository are installed, as npm would. */
export async function installPackages(directory: string): Promise<void> {
  const target = join(directory, 'node_modules');
  for (const name of ['ais', 'totem', 'ipc', 'service']) {
    const place = join(target, '@aisexec', name);
    const from = join(root, 'packages', name);
    await cp(join(from, 'dist'), join(place, 'dist'), { recursive: true });
    await cp(join(from, 'package.json'), join(place, 'package.json'));
  }
  for (const name of ['msgpackr', '@types/node', 'undici-types']) {
    await cp(join(root, 'node_modules', name), join(target, name), { recursive: true });
  }
}

/** `aisctl service new NAME`, compiled. @returns its directory. */
export async function newService(directory: string, name: string): Promise<string> {
  const place = join(directory, name);
  const made = await aisctl(['service', 'new', name, '--directory', place]);
  if (made.code !== 0) throw new Error(made.stderr);
  await execute(join(root, 'node_modules/.bin/tsc'), ['-p', place]);
  return place;
}

/** Installs a package as npm would, under a scope. */
export async function installPackage(directory: string, from: string, name: string): Promise<void> {
  const place = join(directory, 'node_modules', name);
  await mkdir(place, { recursive: true });
  await cp(join(from, 'dist'), join(place, 'dist'), { recursive: true });
  const manifest = await readFile(join(from, 'package.json'), 'utf8');
  await writeFile(join(place, 'package.json'), manifest);
}

/** A service that is right but for what `parts` replaces: JavaScript source of its fields. */
export async function writeModule(
  directory: string,
  name: string,
  parts: {
    readonly id: number;
    readonly api?: number;
    readonly fields?: string;
    readonly imports?: string;
  },
): Promise<void> {
  const { id, api = 1, fields = '', imports = '' } = parts;
  const source = `
    import { definePlugin, defineService, s } from '@aisexec/service';
    ${imports}
    const chunk = s.object({ value: s.u32 });
    export const plugin = definePlugin({
      api: ${api},
      create: () => defineService({
        id: ${id},
        name: '${name}',
        versions: [{ releaseCode: 'A', majorVersion: 1, minorVersion: 1 }],
        init: () => ({ value: 0 }),
        lib: {
          get: { request: s.object({}), flow: 'local', handle: (state) => ({ rc: 1, value: state.value }) },
          add: { request: s.object({}), flow: 'ordered', handle: (_state, _request, ctx) => ctx.multicast('add', {}) },
        },
        exec: { add: { message: s.object({}), apply: (state, _message, source, ctx) => {
          state.value++;
          ctx.reply(source, { rc: 1, value: state.value });
        } } },
        sync: { chunk, save: (state) => [state], load: (state, { value }) => { state.value = value; },
          merge: (parts) => parts[0].state },
        inspect: (state) => state,
        ${fields}
      }),
    });
  `;
  await writeFile(join(directory, `${name}.mjs`), source);
}
