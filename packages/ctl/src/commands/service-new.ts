/**
 * `aisctl service new NAME`: a working service with its client and test. The skeleton is the service of the
 * guide (docs/devmap.md) under another name, so what is written here is what is tested there.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../exit-codes.ts';
import { Failure, UsageError } from '../problems.ts';

const SKELETON = fileURLToPath(new URL('../../skeleton', import.meta.url));
const FILES = [
  'package.json',
  'tsconfig.json',
  'src/service.ts',
  'src/client.ts',
  'src/service.test.ts',
];
const ID_DEFAULT = '50';

export interface NewServiceArguments {
  readonly name: string;
  readonly id: string | undefined;
  readonly directory: string | undefined;
}

export async function newService(args: NewServiceArguments): Promise<number> {
  const { name, id = ID_DEFAULT } = args;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new UsageError(`name: lower-case letters, digits and dashes, not '${name}'`);
  }
  if (!/^\d{2}$/.test(id) || Number(id) < 32 || Number(id) > 63) {
    throw new UsageError(`--id must be a whole number from 32 to 63, not '${id}'`);
  }
  const directory = resolve(args.directory ?? name);
  const found = await readdir(directory).catch(() => []);
  if (found.length > 0) {
    throw new Failure(`${directory} is not empty`, EXIT.failed, 'another name or --directory');
  }
  for (const file of FILES) {
    const text = await readFile(join(SKELETON, file), 'utf8');
    const target = join(directory, file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, named(text, name, id));
  }
  process.stdout.write(
    `${directory}: service '${name}' with id ${id}\n` +
      `  cd ${args.directory ?? name} && npm install && npm test\n` +
      `  aisctl services load ./dist/service.js\n`,
  );
  return EXIT.ok;
}

/** The skeleton under another name: `tally`, `Tally` and its id are all that is special about it. */
function named(text: string, name: string, id: string): string {
  const pascal = name.replaceAll(/(?:^|-)([a-z0-9])/g, (_match, letter: string) =>
    letter.toUpperCase(),
  );
  return text
    .replaceAll('Tally', pascal)
    .replaceAll('tally', name)
    .replace(`id: ${ID_DEFAULT},`, `id: ${id},`);
}
