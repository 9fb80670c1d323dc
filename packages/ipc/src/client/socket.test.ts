import { createConnection, createServer, type Socket } from 'node:net';
import { SA_AIS_OK } from '@aisexec/ais';
import { afterAll, describe, expect, test } from '@jest/globals';
import { BUNDLE_MARK } from '../bundle.ts';
import { decode, encode } from '../codec.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import { fakeServer, temporaryDirectory } from '../server/server.fixture.ts';
import type { CallbackEvent } from './contract.ts';
import { socketConnector } from './socket.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;
const freshPath = () => directory.path(`s${++names}`);

type Frame = Readonly<Record<string, unknown>>;

/** An executive of before bundles, that answers each request with its argument. Its frames, and when it is closed. */
async function plainExecutive(path: string) {
  const frames: Frame[] = [];
  const take = (socket: Socket) => {
    const writer = new FrameWriter(socket);
    const say = (frame: object) => writer.write(encode(frame) as Uint8Array);
    const decoder = new FrameDecoder((body) => {
      const frame = decode(body)?.value as Frame;
      frames.push(frame);
      const { t, id, arg } = frame;
      if (t === 'hello') say({ t: 'welcome', v: 1 });
      else if (t === 'request') say({ t: 'reply', id, reply: { rc: SA_AIS_OK, argument: arg } });
      return true;
    });
    socket.on('data', (chunk) => decoder.push(chunk));
  };
  const server = createServer(take);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { frames, end: () => new Promise((resolve) => server.close(resolve)) };
}

/** Counts the frames that pass between a client and a server. */
async function relayed(path: string) {
  const through = { toServer: [] as Uint8Array[], toClient: [] as Uint8Array[] };
  const relay = createServer((near) => {
    const far = createConnection(path);
    for (const [from, to, bodies] of [
      [near, far, through.toServer],
      [far, near, through.toClient],
    ] as const) {
      const decoder = new FrameDecoder((body) => bodies.push(Uint8Array.from(body)) > 0);
      from.on('data', (chunk) => {
        decoder.push(chunk);
        to.write(chunk);
      });
      from.on('error', () => {});
      from.on('end', () => to.end());
    }
  });
  await new Promise<void>((resolve) => relay.listen(`${path}r`, resolve));
  const bundles = (bodies: readonly Uint8Array[]) =>
    bodies.filter(([first]) => first === BUNDLE_MARK).length;
  return {
    path: `${path}r`,
    get bundles() {
      return [bundles(through.toServer), bundles(through.toClient)];
    },
    end: () => new Promise((resolve) => relay.close(resolve)),
  };
}

describe('a client', () => {
  test('of an executive that knows no bundles sends a frame for each request', async () => {
    const path = freshPath();
    const executive = await plainExecutive(path);
    const connection = await socketConnector(path).connect('echo');
    const asked = [1, Uint8Array.of(1, 2), { text: 'x' }];
    const replies = await Promise.all(asked.map((it) => connection.request('echo', it)));
    expect(replies.map((reply) => reply['argument'])).toEqual(asked);
    expect(executive.frames.map(({ t, id, bundle }) => t ?? id ?? bundle)).toEqual([
      ...['hello', 'request', 'request', 'request'],
    ]);
    await connection.close();
    await executive.end();
  });

  test('sends the requests of one turn in one frame, and gets their answers in one', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path);
    const relay = await relayed(path);
    const connection = await socketConnector(relay.path).connect('echo');
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const replies = await Promise.all(numbers.map((i) => connection.request('echo', i)));
    expect(replies.map((reply) => reply['argument'])).toEqual(numbers);
    expect(relay.bundles).toEqual([1, 1]);
    await connection.request('echo', Uint8Array.of(1));
    expect(relay.bundles).toEqual([2, 2]);
    await connection.close();
    await server.close();
    await relay.end();
  });

  test('is told that its requests are done after the callbacks that came before', async () => {
    const path = freshPath();
    const { server, backend } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const seen: unknown[] = [];
    connection.onCallback(({ payload }: CallbackEvent) => seen.push(payload));
    const note = (i: number) =>
      connection.request('keep', i).then(({ rc, ...more }) => seen.push([i, rc, more]));
    const asked = [note(1), note(2)];
    while (backend.kept.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const [{ sink }, request] of backend.kept) {
      sink.callback('c', `before ${request}`);
      sink.reply(request, { rc: SA_AIS_OK });
    }
    await Promise.all(asked);
    expect(seen).toEqual(['before 1', 'before 2', [1, SA_AIS_OK, {}], [2, SA_AIS_OK, {}]]);
    await connection.close();
    await server.close();
  });
});
