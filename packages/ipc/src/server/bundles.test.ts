import { SA_AIS_ERR_INVALID_PARAM, SA_AIS_OK } from '@aisexec/ais';
import { afterAll, describe, expect, test } from '@jest/globals';
import { BUNDLE_MARK, BundleWriter, contentOf } from '../bundle.ts';
import { encode } from '../codec.ts';
import { FrameWriter } from '../framing.ts';
import { fakeServer, rawClient, temporaryDirectory, until } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;

async function stage(hello: object, limits = {}) {
  const path = directory.path(`b${++names}`);
  const fake = await fakeServer(path, { limits });
  const raw = rawClient(path);
  const writer = new FrameWriter(raw.socket);
  raw.send({ t: 'hello', v: 1, service: 'echo', ...hello });
  const welcome = await raw.until('welcome');
  return { ...fake, raw, welcome, write: (body: Uint8Array) => writer.write(body) };
}

/** So many requests in one bundle. */
function bundleOf(fn: string, count: number, argument: unknown = null): Uint8Array {
  let bundle = new Uint8Array(0);
  const writer = new BundleWriter((body) => {
    bundle = Uint8Array.from(body);
  });
  for (let i = 0; i < count; i++) writer.request(fn, contentOf(argument)!);
  writer.flush();
  return bundle;
}

describe('a server', () => {
  test.each([[{}], [{ bundle: 2 }], [{ bundle: '1' }]])(
    'does not bundle for a client whose hello has %j, nor read bundles from it',
    async (hello) => {
      const { raw, welcome, write, server } = await stage(hello);
      expect(welcome).toEqual({ t: 'welcome', v: 1 });
      raw.send({ t: 'request', id: 1, fn: 'echo', arg: 5 });
      expect(await raw.until('reply')).toMatchObject({ id: 1, reply: { argument: 5 } });
      write(bundleOf('echo', 1));
      expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_INVALID_PARAM });
      await server.close();
    },
  );

  test.each([
    ['a cut record', [1, 4, 101]],
    ['an unknown record', [99]],
    ['an answer', [4, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]],
    ['a callback', [5, 0, 1, 99, 1, 0, 0, 0, 0xc0]],
    ['an argument that is no msgpack', [1, 1, 102, 1, 0, 0, 0, 0xd9]],
  ])('ends a client whose bundle has %s', async (_what, record) => {
    const { raw, write, server } = await stage({ bundle: 1 });
    write(Uint8Array.from([BUNDLE_MARK, ...record]));
    expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_INVALID_PARAM });
    await server.close();
  });

  test('numbers requests across frames of both kinds', async () => {
    const { raw, welcome, write, backend, server } = await stage({ bundle: 1 });
    expect(welcome).toEqual({ t: 'welcome', v: 1, bundle: 1 });
    write(bundleOf('keep', 2));
    write(encode({ t: 'request', id: 3, fn: 'keep', arg: 1 }) as Uint8Array);
    write(bundleOf('keep', 1));
    await until(() => backend.kept.length === 4);
    expect(backend.kept.map(([, id]) => id)).toEqual([1, 2, 3, 4]);
    write(encode({ t: 'request', id: 7, fn: 'keep', arg: 1 }) as Uint8Array);
    expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_INVALID_PARAM });
    await server.close();
  });

  test('takes no more of a bundle than may be in flight, and the rest as answers leave', async () => {
    const { write, backend, server } = await stage({ bundle: 1 }, { requestsInFlightMax: 10 });
    write(bundleOf('keep', 25));
    await until(() => backend.kept.length === 10);
    for (const expected of [20, 25]) {
      for (const [{ sink }, id] of backend.kept.splice(0)) sink.reply(id, { rc: SA_AIS_OK });
      const more = expected === 20 ? 10 : 5;
      await until(() => backend.kept.length === more);
      expect(backend.kept.at(-1)![1]).toBe(expected);
    }
    await server.close();
  });

  test('ends a client that asks for much and does not read it, whatever it bundles', async () => {
    const { raw, write, backend, server } = await stage({ bundle: 1 }, { socketBytesMax: 4e6 });
    raw.socket.pause();
    write(bundleOf('keep', 100));
    await until(() => backend.kept.length === 100);
    let answered = 0;
    for (const [{ sink }, id] of backend.kept) {
      if (backend.gone.length > 0) break;
      sink.reply(id, { rc: SA_AIS_OK, data: new Uint8Array(1e6) });
      answered++;
    }
    expect(answered).toBeLessThan(10);
    expect(backend.gone).toHaveLength(1);
    expect(server.stats()).toMatchObject({ slow: 1, clients: 0 });
    raw.socket.destroy();
    await server.close();
  });
});
