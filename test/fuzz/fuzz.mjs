// `npm run fuzz`: inputs for every decoder of bytes from outside. No exception but the documented one, no decode
// above DECODE_MS_MAX, no growth. An input that breaks a rule is written to the corpus, which each run feeds first.
//
//   npm run fuzz                                    every decoder, 100,000 inputs each
//   npm run fuzz -- --decoder join --inputs 1e7     one decoder; several are separated by commas
//   npm run fuzz -- --seed 7                        other inputs
//   npm run fuzz -- --list                          the decoders
//   npm run fuzz -- --corpus DIR                    another corpus than the committed one
//
// Exit status: 0 all rules kept, 1 one broken, 64 wrong usage.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { groupDecoders } from './decoders/groups.mjs';
import { ringDecoders } from './decoders/ring.mjs';
import { serviceDecoders } from './decoders/services.mjs';
import { textDecoders } from './decoders/texts.mjs';
import { createRandom, mutate } from './mutate.mjs';

const DECODE_MS_MAX = 5;
/**
 * A slow decode is repeated: only what is slow each time is slow, the rest was a collection. By the clock or by this
 * process's own time, whichever is less: on a loaded machine most of the clock's goes to others.
 */
const RETRIES = 8;
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;
const INPUTS_DEFAULT = 100_000;
const WARM_UP = 2_000;
const CORPUS_DEFAULT = fileURLToPath(new URL('./corpus', import.meta.url));
const DECODERS = [...ringDecoders, ...groupDecoders, ...serviceDecoders, ...textDecoders];

const hoard = [];
let slowCalls = 0;
/** Decoders that break a rule, only by name: they show that the rules are looked at. */
const PLANTED = [
  {
    name: 'planted-throw',
    decode(bytes) {
      if (bytes.length > 3 && bytes[2] === 0x80) throw new RangeError('planted');
    },
  },
  {
    name: 'planted-slow',
    decode() {
      if (++slowCalls <= WARM_UP) return;
      const own = process.cpuUsage();
      while (ownMs(process.cpuUsage(own)) < 2 * DECODE_MS_MAX);
    },
  },
  { name: 'planted-growth', decode: (bytes) => hoard.push(new Array(500).fill(bytes.length)) > 0 },
];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.exitCode = main();

function main() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        decoder: { type: 'string' },
        inputs: { type: 'string', default: String(INPUTS_DEFAULT) },
        seed: { type: 'string', default: '1' },
        corpus: { type: 'string', default: CORPUS_DEFAULT },
        list: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return usage(error.message);
  }
  if (values.list) {
    for (const { name, text } of DECODERS) console.log(`${name.padEnd(22)} ${text}`);
    return 0;
  }
  const inputs = Number(values.inputs);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(inputs) || inputs < 1)
    return usage('--inputs takes a whole number from 1');
  if (!Number.isSafeInteger(seed) || seed < 0) return usage('--seed takes a whole number from 0');
  const names = values.decoder?.split(',') ?? DECODERS.map(({ name }) => name);
  const byName = new Map([...DECODERS, ...PLANTED].map((decoder) => [decoder.name, decoder]));
  const unknown = names.find((name) => !byName.has(name));
  if (unknown !== undefined) return usage(`no decoder is called "${unknown}"; --list names them`);
  const failed = names.filter((name) => !fuzz(byName.get(name), inputs, seed, values.corpus));
  console.log(`${names.length} decoders, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

/** @returns whether every rule was kept. */
function fuzz(decoder, inputs, seed, directory) {
  const corpus = readCorpus(join(directory, decoder.name));
  const random = createRandom(seed);
  let slowestMs = 0;
  let accepted = 0;
  const feed = (bytes) => {
    const ms = timed(decoder, bytes);
    if (ms > slowestMs) slowestMs = ms;
  };
  const begin = performance.now();
  let current = new Uint8Array(0);
  try {
    for (current of corpus) decoder.decode(current.slice());
    for (let i = 0; i < Math.min(WARM_UP, inputs); i++) {
      current = mutate(random, corpus, decoder.isText);
      accepted += decoder.decode(current.slice()) === true ? 1 : 0;
    }
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = WARM_UP; i < inputs; i++) {
      current = mutate(random, corpus, decoder.isText);
      feed(current);
      if (slowestMs > DECODE_MS_MAX)
        throw new Error(`takes ${slowestMs.toFixed(1)} ms, at most ${DECODE_MS_MAX}`);
    }
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    if (grown > GROWTH_BYTES_MAX)
      throw new Error(`the heap grew by ${grown} bytes, at most ${GROWTH_BYTES_MAX}`);
    const seconds = (performance.now() - begin) / 1000;
    console.log(
      `${decoder.name.padEnd(22)} ${inputs} inputs, ${corpus.length} samples, ${percent(accepted, inputs)} accepted, slowest ${slowestMs.toFixed(2)} ms, ${seconds.toFixed(1)} s`,
    );
    return true;
  } catch (error) {
    console.log(
      `${decoder.name}: ${error.stack ?? error}\n  input kept as ${keep(join(directory, decoder.name), current)}`,
    );
    return false;
  }

  function timed(target, bytes) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= RETRIES && best > DECODE_MS_MAX; i++) {
      const input = bytes.slice();
      // Asking for the processor time costs more than most decodes: only a suspect is asked.
      const own = i > 0 ? process.cpuUsage() : undefined;
      const start = performance.now();
      const ok = target.decode(input);
      best = Math.min(best, performance.now() - start);
      if (own !== undefined) best = Math.min(best, ownMs(process.cpuUsage(own)));
      if (i === 0 && ok === true) accepted++;
    }
    return best;
  }
}

function ownMs({ user, system }) {
  return (user + system) / 1000;
}

function readCorpus(directory) {
  // A decoder without samples lives on noise.
  const files = existsSync(directory) ? readdirSync(directory).sort() : [];
  return files.map((file) => {
    const content = readFileSync(join(directory, file));
    if (!file.endsWith('.hex')) return Uint8Array.from(content);
    return Uint8Array.from(Buffer.from(content.toString().replace(/\s/g, ''), 'hex'));
  });
}

function keep(directory, bytes) {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `found-${digest}.hex`);
  writeFileSync(
    path,
    `${Buffer.from(bytes)
      .toString('hex')
      .replace(/(.{96})/g, '$1\n')}\n`,
  );
  return path;
}

function percent(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

function usage(text) {
  console.error(`fuzz: ${text}`);
  console.error(
    'Use: npm run fuzz -- [--decoder NAME,…] [--inputs N] [--seed S] [--corpus DIR] [--list]',
  );
  return 64;
}
