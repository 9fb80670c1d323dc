import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameDecoder } from './framing.ts';
import { ACK_BYTES, ACK_FRAMES } from './limits.ts';
import { isNumbered, SessionStream } from './session-stream.ts';

const body = (text: string) => new TextEncoder().encode(text);

/** One end: what it wants to send, what has come, and the frames of the connection that lives. */
class End {
  readonly stream = new SessionStream();
  readonly got: string[] = [];
  /** Bytes on their way to the other end. */
  wire: number[] = [];
  decoder = this.#decoder();

  say(text: string, isConnected: boolean): void {
    const frame = body(`n${text}`);
    this.stream.sent(frame);
    if (isConnected) this.put(frame);
  }

  put(frame: Uint8Array): void {
    this.wire.push(frame.length & 255, frame.length >> 8, 0, 0, ...frame);
  }

  /** A new connection, of which `seen` is what the other end has told in its hello or welcome. */
  connect(seen: number): void {
    this.wire = [];
    this.decoder = this.#decoder();
    expect(this.stream.acknowledged(seen)).toBe(true);
    this.stream.told();
    for (const frame of this.stream.unacked()) this.put(frame);
  }

  #decoder(): FrameDecoder {
    return new FrameDecoder((bytes) => {
      const text = new TextDecoder().decode(bytes);
      if (text.startsWith('a')) return this.stream.acknowledged(Number(text.slice(1)));
      this.got.push(text.slice(1));
      if (this.stream.received(bytes.length)) this.put(body(`a${this.stream.seen}`));
      return true;
    });
  }
}

type Step =
  | { readonly kind: 'say'; readonly client: boolean; readonly bytes: number }
  | { readonly kind: 'carry'; readonly client: boolean; readonly bytes: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'connect' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('say' as const),
        client: fc.boolean(),
        bytes: fc.nat(400),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('carry' as const),
        client: fc.boolean(),
        bytes: fc.nat(900),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'connect' as const) }),
    },
  ),
  { maxLength: 200 },
);

function run(script: readonly Step[]): { client: End; server: End; said: [string[], string[]] } {
  const client = new End();
  const server = new End();
  const said: [string[], string[]] = [[], []];
  let isConnected = true;
  const carry = (from: End, to: End, bytes: number) => {
    expect(to.decoder.push(Uint8Array.from(from.wire.splice(0, bytes)))).toBeUndefined();
  };
  const connect = () => {
    isConnected = true;
    const seenByServer = server.stream.seen;
    server.connect(client.stream.seen);
    client.connect(seenByServer);
  };
  for (const step of script) {
    if (step.kind === 'cut') isConnected = false;
    else if (step.kind === 'connect') connect();
    else {
      const [from, to] = step.client ? [client, server] : [server, client];
      if (step.kind === 'say') {
        const text = `${said[step.client ? 0 : 1].length}:${'x'.repeat(step.bytes)}`;
        said[step.client ? 0 : 1].push(text);
        from.say(text, isConnected);
      } else if (isConnected) carry(from, to, step.bytes);
    }
  }
  connect();
  while (client.wire.length + server.wire.length > 0) {
    carry(client, server, Number.POSITIVE_INFINITY);
    carry(server, client, Number.POSITIVE_INFINITY);
  }
  return { client, server, said };
}

describe('a session over connections that are cut', () => {
  test('at any byte loses nothing, repeats nothing and keeps the order, on both sides', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { client, server, said } = run(script);
        expect(server.got).toEqual(said[0]);
        expect(client.got).toEqual(said[1]);
      }),
      { numRuns: 300 },
    );
  });

  test('at every single byte of a conversation goes on with the next frame', () => {
    const say = (client: boolean): Step => ({ kind: 'say', client, bytes: 3 });
    const talk: Step[] = [say(true), say(false), say(true), say(true), say(false)];
    for (let first = 0; first <= 40; first++) {
      for (let second = 0; second <= 30; second++) {
        const { client, server, said } = run([
          ...talk,
          { kind: 'carry', client: true, bytes: first },
          { kind: 'carry', client: false, bytes: second },
          { kind: 'cut' },
          say(true),
          say(false),
        ]);
        expect([server.got, client.got]).toEqual(said);
      }
    }
  });

  test('keeps no more than the other side has not acknowledged', () => {
    const script: Step[] = Array.from({ length: 5_000 }, (_, at) => [
      { kind: 'say' as const, client: at % 3 === 0, bytes: 50 },
      { kind: 'carry' as const, client: true, bytes: 10_000 },
      { kind: 'carry' as const, client: false, bytes: 10_000 },
    ]).flat();
    const { client, server } = run(script);
    for (const { stream } of [client, server]) {
      expect(stream.frames).toBeLessThan(ACK_FRAMES);
      expect(stream.bytes).toBeLessThan(ACK_BYTES);
    }
  });
});

describe('an acknowledgement', () => {
  test('is due after so many frames, or so many bytes', () => {
    const many = new SessionStream();
    const due = Array.from({ length: 2 * ACK_FRAMES }, () => many.received(1));
    expect(due.filter(Boolean).length).toBe(2);
    expect(new SessionStream().received(ACK_BYTES)).toBe(true);
  });

  test.each([[-1], [4], [1.5], ['1'], [undefined], [0]])(
    'of %p frames is refused when 1 of 3 is told',
    (seen) => {
      const stream = new SessionStream();
      for (const text of ['a', 'b', 'c']) stream.sent(body(text));
      expect(stream.acknowledged(1)).toBe(true);
      expect(stream.acknowledged(seen)).toBe(false);
      expect(stream.bytes).toBe(2);
    },
  );

  test('and the frames of the connection itself have no number', () => {
    expect(['hello', 'welcome', 'ack', 'goodbye'].some(isNumbered)).toBe(false);
    expect(['request', 'reply', 'callback', 'hold', 'of a later version'].every(isNumbered)).toBe(
      true,
    );
  });
});
