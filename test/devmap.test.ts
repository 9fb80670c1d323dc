/** The guide and the skeleton are one text: what is compiled and run by services.test.ts is what people read. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');
const withoutBlank = (text: string) => text.replaceAll(/\n\s*\n/g, '\n').trim();

test('the code of docs/devmap.md is the skeleton, all of it and in its order', () => {
  const blocks = [...read('docs/devmap.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  const guide = withoutBlank(blocks.map(([, code]) => code).join('\n'));
  const files = ['service.ts', 'client.ts', 'service.test.ts'].map((file) =>
    read(`packages/ctl/skeleton/src/${file}`),
  );
  expect(guide).toBe(withoutBlank(files.join('\n')));
});
