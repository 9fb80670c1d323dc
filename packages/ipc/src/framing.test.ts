import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from './codec.ts';
import { FrameDecoder, FrameWriter, HEADER_BYTES } from './framing.ts';

function framed(...bodies: Uint8Array[]): Uint8Array {
  return Buffer.concat(
    bodies.map((body) => {
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32LE(body.length);
      return Buffer.concat([header, body]);
    }),
  );
}

function collect(bytesMax?: number) {
  const bodies: Uint8Array[] = [];
  const onFrame = (body: Uint8Array) => {
    bodies.push(Uint8Array.from(body));
    return true;
  };
  return { bodies, decoder: new FrameDecoder(onFrame, bytesMax) };
}

const body = fc.uint8Array({ minLength: 1, maxLength: 9000 });

describe('FrameDecoder', () => {
  test('finds the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        (sent, cuts) => {
          const stream = framed(...sent);
          const { bodies, decoder } = collect();
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + (cuts[i % cuts.length] as number);
            expect(decoder.push(stream.subarray(at, end))).toBeUndefined();
            at = end;
          }
          expect(bodies.map((b) => [...b])).toEqual(sent.map((b) => [...b]));
          expect(decoder.atBoundary).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('finds them, too, when it is held at any of them and released at any later time', () => {
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }),
        (sent, cuts, holds) => {
          const stream = framed(...sent);
          const bodies: Uint8Array[] = [];
          let held = 0;
          const decoder: FrameDecoder = new FrameDecoder((body) => {
            bodies.push(Uint8Array.from(body));
            held = holds[bodies.length % holds.length] as number;
            if (held > 0) decoder.hold();
            return true;
          });
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + (cuts[i % cuts.length] as number);
            expect(decoder.push(stream.subarray(at, end))).toBeUndefined();
            if (decoder.isHeld && --held <= 0) decoder.release();
            at = end;
          }
          while (decoder.isHeld) decoder.release();
          expect(bodies.map((b) => [...b])).toEqual(sent.map((b) => [...b]));
          expect(decoder.atBoundary).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('takes nothing more of a chunk when it is held, and is not done with the stream', () => {
    let frames = 0;
    const decoder: FrameDecoder = new FrameDecoder(() => {
      frames++;
      decoder.hold();
      return true;
    });
    decoder.push(framed(Uint8Array.of(1), Uint8Array.of(2)));
    expect([frames, decoder.atBoundary]).toEqual([1, false]);
    decoder.release();
    expect([frames, decoder.atBoundary]).toEqual([2, true]);
  });

  test('byte by byte is the same stream', () => {
    const { bodies, decoder } = collect();
    for (const byte of framed(Uint8Array.of(1, 2, 3), Uint8Array.of(4))) {
      decoder.push(Uint8Array.of(byte));
    }
    expect(bodies).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  });

  test.each([
    ['zero', [0, 0, 0, 0]],
    ['one too many', [17, 0, 0, 0]],
    ['negative in two’s complement', [255, 255, 255, 255]],
  ])('a length of %s is a fault, and the stream is ignored afterwards', (_, header) => {
    const { bodies, decoder } = collect(16);
    expect(decoder.push(Uint8Array.from(header))).toMatch(/expected 1 to 16/);
    expect(decoder.push(framed(Uint8Array.of(1)))).toBeUndefined();
    expect(bodies).toEqual([]);
  });

  test('any rubbish is a fault or frames, never an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), (chunks) => {
        const { bodies, decoder } = collect(256);
        for (const chunk of chunks) decoder.push(chunk);
        for (const b of bodies) decode(b);
      }),
      { numRuns: 300 },
    );
  });

  test('a claimed length is not allocated before its bytes come', () => {
    const { decoder } = collect(1 << 30);
    const before = process.memoryUsage().arrayBuffers;
    decoder.push(Uint8Array.of(0, 0, 0, 0x40, 1, 2, 3));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(decoder.atBoundary).toBe(false);
  });

  test('a handler that refuses stops the decoder in the middle of a chunk', () => {
    let frames = 0;
    const decoder = new FrameDecoder(() => ++frames < 2);
    decoder.push(framed(Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)));
    expect(frames).toBe(2);
  });
});

describe('FrameWriter', () => {
  test('joins the frames of one turn into one write', async () => {
    const path = join(tmpdir(), `aisexec-framing-${process.pid}.sock`);
    const received: Uint8Array[] = [];
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const client = createConnection(path);
    const peer = await accepted;
    const decoder = new FrameDecoder((b) => received.push(Uint8Array.from(b)) > 0);
    const ended = new Promise<void>((resolve) => peer.on('end', resolve));
    peer.on('data', (chunk) => decoder.push(chunk));
    const writer = new FrameWriter(client);
    const writes: number[] = [];
    const write = client.write.bind(client);
    client.write = ((chunk: Uint8Array) => {
      writes.push(chunk.length);
      return write(chunk);
    }) as typeof client.write;
    for (let i = 1; i <= 3; i++) writer.write(Uint8Array.of(i));
    expect(writer.backlog).toBe(3 * (HEADER_BYTES + 1));
    await new Promise((resolve) => setImmediate(resolve));
    client.end();
    await ended;
    expect(received).toEqual([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
    expect(writes).toEqual([15]);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('codec', () => {
  test('keeps 64-bit integers, bytes and absence, and copies bytes out of the input', () => {
    const packed = Uint8Array.from(encode({ a: 5n, b: Uint8Array.of(1), c: undefined }) ?? []);
    const value = decode(packed)?.value as { a: bigint; b: Uint8Array; c: unknown };
    packed.fill(0);
    expect(value.a).toBe(5n);
    expect([...value.b]).toEqual([1]);
    expect(value.c ?? null).toBeNull();
  });

  test('what cannot be packed or unpacked is undefined, not an exception', () => {
    expect(encode(1n << 64n)).toBeUndefined();
    expect(decode(Uint8Array.of(0x91))).toBeUndefined();
    expect(decode(new Uint8Array(1_000_000).fill(0x91))).toBeUndefined();
  });
});
