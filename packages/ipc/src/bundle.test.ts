import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BUNDLE_MARK, BundleReader, BundleWriter, callbackRecords, contentOf } from './bundle.ts';
import { BATCH_BYTES_MAX, BUNDLE_RECORDS_MAX, FRAME_BYTES_MAX } from './limits.ts';

type Said =
  | { readonly kind: 'request'; readonly fn: string; readonly argument: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: unknown }
  | { readonly kind: 'done'; readonly id: number }
  | {
      readonly kind: 'callback';
      readonly name: string;
      readonly payload: unknown;
      readonly priority: number;
    };

const value = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.record({
    text: fc.string(),
    bytes: fc.uint8Array(),
    big: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  }),
  fc.constant(null),
);
const name = fc.string({ maxLength: 20, unit: 'grapheme' });
const id = fc.maxSafeNat();
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), fn: name, argument: value }),
  fc.record({ kind: fc.constant('reply' as const), id, reply: value.filter((v) => !isBytes(v)) }),
  fc.record({ kind: fc.constant('done' as const), id: fc.oneof(id, fc.nat(3)) }),
  fc.record({
    kind: fc.constant('callback' as const),
    ...{ name, payload: value, priority: fc.nat(3) },
  }),
);

function isBytes(it: unknown): boolean {
  return it instanceof Uint8Array;
}

/** What is said comes out of the bundles that it made. */
function carry(all: readonly Said[]): { bodies: Uint8Array[]; heard: Said[] } {
  const bodies: Uint8Array[] = [];
  const writer = new BundleWriter((body) => bodies.push(body));
  for (const it of all) say(writer, it);
  writer.flush();
  const heard: Said[] = [];
  const reader = listening(heard);
  for (const body of bodies) expect(reader.read(body)).toBeUndefined();
  return { bodies, heard };
}

function say(writer: BundleWriter, it: Said): boolean {
  if (it.kind === 'done') writer.done(it.id);
  else if (it.kind === 'request') return writer.request(it.fn, contentOf(it.argument)!);
  else if (it.kind === 'reply') return writer.reply(it.id, contentOf(it.reply)!.bytes);
  else return writer.callback(it.name, contentOf(it.payload)!, it.priority);
  return true;
}

function listening(heard: Said[]): BundleReader {
  return new BundleReader({
    request: (fn, argument) => heard.push({ kind: 'request', fn, argument }) > 0,
    reply: (id, reply) => heard.push({ kind: 'reply', id, reply }) > 0,
    done(from, count) {
      for (let id = from; id < from + count; id++) heard.push({ kind: 'done', id });
      return true;
    },
    callback: (name, payload, priority) =>
      heard.push({ kind: 'callback', name, payload, priority }) > 0,
  });
}

const inOrder = (all: readonly Said[], isDone: boolean) =>
  all.filter(({ kind }) => (kind === 'done') === isDone);

describe('a bundle', () => {
  test('says everything that it was told, in order; bare answers in an order of their own', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 60 }), (all) => {
        const { heard } = carry(all);
        expect(inOrder(heard, false)).toEqual(inOrder(all, false));
        expect(inOrder(heard, true)).toEqual(inOrder(all, true));
      }),
    );
  });

  test('tells thousands of answers between callbacks in a few bytes more than the callbacks', () => {
    const payload = new Uint8Array(1);
    const all = Array.from({ length: 2_000 }, (_, i): Said[] => [
      { kind: 'callback', name: 'm', payload, priority: 0 },
      { kind: 'done', id: i + 1 },
    ]).flat();
    const { bodies, heard } = carry(all);
    expect(heard).toHaveLength(4_000);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]!.length).toBe(1 + 2_000 * (1 + 1 + 2 + 4 + 1) + 13);
  });

  test('is no larger than a batch, but for a record that is larger alone', () => {
    const large = new Uint8Array(FRAME_BYTES_MAX - 100).fill(7);
    const all = [10, 30_000, 30_000, 30_000, large.length, 10].map(
      (bytes): Said => ({ kind: 'request', fn: 'f', argument: large.subarray(0, bytes) }),
    );
    const { bodies, heard } = carry(all);
    const lengths = (of: readonly Said[]) =>
      of.map((it) => it.kind === 'request' && (it.argument as Uint8Array).length);
    expect(lengths(heard)).toEqual(lengths(all));
    const sizes = bodies.map(({ length }) => length);
    expect(sizes.filter((size) => size > BATCH_BYTES_MAX)).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(FRAME_BYTES_MAX);
  });

  test('has no more records than a reader takes', () => {
    const all = Array.from({ length: BUNDLE_RECORDS_MAX + 1 }, (): Said => {
      return { kind: 'request', fn: '', argument: new Uint8Array(0) };
    });
    expect(carry(all).bodies).toHaveLength(2);
  });

  test('refuses what no frame can hold, and goes on', () => {
    const all: Said[] = [];
    const writer = new BundleWriter((body) => void listening(all).read(body));
    const tooMuch = new Uint8Array(FRAME_BYTES_MAX);
    expect(say(writer, { kind: 'request', fn: 'f', argument: tooMuch })).toBe(false);
    expect(say(writer, { kind: 'request', fn: 'ä'.repeat(128), argument: null })).toBe(false);
    expect(say(writer, { kind: 'request', fn: 'f', argument: null })).toBe(true);
    writer.flush();
    expect(all).toEqual([{ kind: 'request', fn: 'f', argument: null }]);
    expect(contentOf(2n ** 64n)).toBeUndefined();
  });

  test('leaves at the end of the turn in which it was begun', async () => {
    const bodies: Uint8Array[] = [];
    const writer = new BundleWriter((body) => bodies.push(body));
    writer.done(1);
    await Promise.resolve().then(() => writer.done(2));
    expect(bodies).toHaveLength(0);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(bodies).toHaveLength(1);
    writer.done(3);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(bodies).toHaveLength(2);
  });

  test('takes callbacks that had to wait as they would have gone', () => {
    const payload = { a: 1 };
    const record = callbackRecords()('late', payload, 2)!;
    const heard: Said[] = [];
    const writer = new BundleWriter((body) => void listening(heard).read(body));
    writer.append(record);
    writer.flush();
    expect(heard).toEqual([{ kind: 'callback', name: 'late', payload, priority: 2 }]);
  });
});

describe('a reader of bundles', () => {
  test('takes any bytes without an exception', () => {
    const reader = listening([]);
    const kinds = fc.array(fc.oneof(fc.nat(7), fc.nat(255)), { maxLength: 80 });
    fc.assert(
      fc.property(kinds, (bytes) => {
        expect(['string', 'undefined']).toContain(
          typeof reader.read(Uint8Array.from([BUNDLE_MARK, ...bytes])),
        );
      }),
    );
  });

  test('finds every cut inside a record, and takes what stands before it', () => {
    const all: Said[] = [
      { kind: 'request', fn: 'f', argument: { a: 1 } },
      { kind: 'callback', name: 'c', payload: Uint8Array.of(1, 2), priority: 1 },
      { kind: 'reply', id: 7, reply: { rc: 1 } },
      { kind: 'done', id: 8 },
    ];
    const [body] = carry(all).bodies as [Uint8Array];
    const whole = new Set<number>();
    for (let length = 1; length <= body.length; length++) {
      const heard: Said[] = [];
      const fault = listening(heard).read(body.subarray(0, length));
      expect(heard.length).toBeLessThanOrEqual(all.length);
      expect(heard).toEqual(all.slice(0, heard.length));
      if (fault === undefined) whole.add(heard.length);
    }
    expect([...whole]).toEqual([0, 1, 2, 3, 4]);
  });

  test('keeps nothing of the memory it is given', () => {
    const heard: Said[] = [];
    const payload = Uint8Array.of(1, 2, 3);
    const writer = new BundleWriter((body) => {
      listening(heard).read(body);
      body.fill(0);
    });
    say(writer, { kind: 'callback', name: 'c', payload, priority: 0 });
    writer.flush();
    expect(heard).toEqual([{ kind: 'callback', name: 'c', payload, priority: 0 }]);
  });

  test('refuses more records than a bundle has, and answers to more requests than there can be', () => {
    const request = [2, 0, 0, 0, 0, 0];
    const many = Array.from({ length: BUNDLE_RECORDS_MAX + 1 }, () => request).flat();
    const heard: Said[] = [];
    expect(listening(heard).read(Uint8Array.from([BUNDLE_MARK, ...many]))).toMatch(/more than/);
    expect(heard).toHaveLength(BUNDLE_RECORDS_MAX);
    const done = [4, 1, 0, 0, 0, 0, 0, 0, 0, 1, 16, 0, 0];
    expect(listening([]).read(Uint8Array.from([BUNDLE_MARK, ...done]))).toBeDefined();
  });
});
