import diagnostics from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import {
  isSaAisError,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
} from '@aisexec/ais';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { CallbackEvent } from '../client/contract.ts';
import { socketConnector } from '../client/socket.ts';
import { encode } from '../codec.ts';
import { fakeServer, rawClient, temporaryDirectory, until } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;
const freshPath = () => directory.path(`s${++names}`);
const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('a client of the server', () => {
  test('asks, is answered in any order, is called back and takes its leave', async () => {
    const path = freshPath();
    const { server, backend } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const kept = connection.request('keep', {});
    const echoed = await connection.request('echo', { time: 7n, bytes: Uint8Array.of(1, 2) });
    expect(echoed).toMatchObject({ rc: SA_AIS_OK, argument: { time: 7n } });
    const [client, request] = backend.kept[0]!;
    client.sink.reply(request, { rc: SA_AIS_OK, late: true });
    expect(await kept).toEqual({ rc: SA_AIS_OK, late: true });
    const event = new Promise<CallbackEvent>((resolve) => connection.onCallback(resolve));
    client.sink.callback('grant', { id: 1n }, { priority: 2 });
    expect(await event).toEqual({ name: 'grant', payload: { id: 1n }, priority: 2 });
    const open = connection.request('keep', {});
    await connection.close();
    expect((await open).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(backend.gone).toEqual([client]);
    expect((await connection.request('echo', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  test('that holds gets its replies, and its callbacks only later', async () => {
    const path = freshPath();
    const { server, backend } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const events: string[] = [];
    connection.onCallback((event) => events.push(event.name));
    connection.hold(true);
    await connection.request('echo', 1);
    backend.clients[0]?.sink.callback('held', 1);
    await connection.request('echo', 2);
    expect(events).toEqual([]);
    connection.hold(false);
    await until(() => events.length === 1);
    await connection.close();
    await server.close();
  });

  test('hears that the executive left: open calls LIBRARY, later ones BAD_HANDLE', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    const open = connection.request('keep', {});
    await connection.request('echo', {});
    await server.close();
    expect((await open).rc).toBe(SA_AIS_ERR_LIBRARY);
    expect(await lost).toBe('the executive leaves');
    expect((await connection.request('echo', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    const again = await fakeServer(path);
    const second = await socketConnector(path).connect('echo');
    expect((await second.request('echo', 1)).rc).toBe(SA_AIS_OK);
    await second.close();
    await again.server.close();
  });

  test('hears why when its service is stopped', async () => {
    const path = freshPath();
    const { server, backend } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    backend.clients[0]?.sink.closed('service failed');
    expect(await lost).toBe('service failed');
    expect(backend.gone).toEqual([]);
    await server.close();
  });

  test('is answered TOO_BIG for a request and for an answer over the bound', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    const huge = new Uint8Array(1_200_000);
    expect((await connection.request('echo', huge)).rc).toBe(SA_AIS_ERR_TOO_BIG);
    expect((await connection.request('big', 1_200_000)).rc).toBe(SA_AIS_ERR_TOO_BIG);
    const whole = await connection.request('big', 1_048_576);
    expect((whole['data'] as Uint8Array).length).toBe(1_048_576);
    await connection.close();
    await server.close();
  });
});

describe('who may connect', () => {
  test('an unknown service is NOT_SUPPORTED, a joining one TRY_AGAIN, a refused one ACCESS with the reason', async () => {
    const path = freshPath();
    const { server, events } = await fakeServer(path, {
      credentials: () => ({ pid: 1, uid: 1234, gid: 5 }),
      access: (service, { uid }) => service !== 'secret' || `uid ${uid} may not use it`,
    });
    const connect = (service: string) => failure(socketConnector(path).connect(service));
    expect(isSaAisError(await connect('other'), SA_AIS_ERR_NOT_SUPPORTED)).toBe(true);
    expect(isSaAisError(await connect('late'), SA_AIS_ERR_TRY_AGAIN)).toBe(true);
    const refused = await connect('secret');
    expect(isSaAisError(refused, SA_AIS_ERR_ACCESS)).toBe(true);
    expect(String(refused)).toMatch(/uid 1234 may not use it/);
    expect(events.map((event) => event.event)).toEqual([
      'client-refused',
      'client-refused',
      'client-refused',
    ]);
    await server.close();
  });

  test('the backend is told which process a client belongs to, where the kernel knows it', async () => {
    const pids = [7, 0, -1];
    const path = freshPath();
    const credentials = () => ({ pid: pids.shift() as number, uid: 1, gid: 1 });
    const { server, backend } = await fakeServer(path, { credentials });
    for (let i = 0; i < 3; i++) await socketConnector(path).connect('echo');
    expect(backend.clients.map(({ sink }) => sink.process)).toEqual([7, undefined, undefined]);
    await server.close();
  });

  test('nobody there is TRY_AGAIN, a foreign server LIBRARY', async () => {
    const absent = await failure(socketConnector(directory.path('absent')).connect('echo'));
    expect(isSaAisError(absent, SA_AIS_ERR_TRY_AGAIN)).toBe(true);
    expect(String(absent)).toMatch(/is aisexec running/);
    const path = freshPath();
    const foreign = createServer((socket) =>
      socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await new Promise<void>((resolve) => foreign.listen(path, resolve));
    const rubbish = await failure(socketConnector(path).connect('echo'));
    expect(isSaAisError(rubbish, SA_AIS_ERR_LIBRARY)).toBe(true);
    await new Promise((resolve) => foreign.close(resolve));
  });

  test('another protocol version is told which one is spoken', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path);
    const raw = rawClient(path);
    raw.send({ t: 'hello', v: 2, service: 'echo' });
    expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_VERSION });
    await raw.end();
    await server.close();
  });

  test('the number of clients is bounded, in total and for one uid', async () => {
    const path = freshPath();
    let uid = 1;
    const { server } = await fakeServer(path, {
      credentials: () => ({ pid: 1, uid, gid: 1 }),
      limits: { clientsMax: 3, clientsPerUidMax: 2 },
    });
    const connect = () => socketConnector(path).connect('echo');
    const two = [await connect(), await connect()];
    expect(String(await failure(connect()))).toMatch(/already 2 clients of uid 1/);
    uid = 2;
    two.push(await connect());
    expect(String(await failure(connect()))).toMatch(/already 3 clients/);
    await two[0]?.close();
    two.push(await connect());
    await Promise.all(two.map((connection) => connection.close()));
    await server.close();
  });
});

describe('hostile clients, while a good one goes on', () => {
  async function besideGood(
    attack: (path: string, fake: Awaited<ReturnType<typeof fakeServer>>) => Promise<void>,
    limits = {},
  ) {
    const path = freshPath();
    const fake = await fakeServer(path, { limits });
    const good = await socketConnector(path).connect('echo');
    const reasons: string[] = [];
    good.onLost((reason) => reasons.push(reason));
    let going = true;
    let answered = 0;
    const work = (async () => {
      while (going) if ((await good.request('echo', answered)).rc === SA_AIS_OK) answered++;
    })();
    await attack(path, fake);
    const before = answered;
    await until(() => answered > before + 10);
    going = false;
    await work;
    expect(reasons).toEqual([]);
    await good.close();
    await fake.server.close();
    expect(fake.backend.gone.length).toBe(fake.backend.clients.length);
  }

  test('half a frame and silence instead of hello', () =>
    besideGood(
      async (path) => {
        const raw = rawClient(path);
        raw.socket.write(Uint8Array.of(10, 0, 0));
        expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_TIMEOUT });
        await raw.end();
      },
      { handshakeTimeoutMs: 20 },
    ));

  test('half a frame and silence after hello hurts nobody and ends with the client', () =>
    besideGood(async (path, { backend }) => {
      const raw = rawClient(path);
      raw.hello();
      await raw.until('welcome');
      raw.socket.write(Uint8Array.of(200, 0, 0, 0, 1));
      raw.socket.destroy();
      await until(() => backend.gone.length === 1);
    }));

  test.each([
    ['an oversized length', Uint8Array.of(255, 255, 255, 255)],
    ['a zero length', Uint8Array.of(0, 0, 0, 0)],
    ['rubbish', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame that is no msgpack', Uint8Array.of(2, 0, 0, 0, 0x92, 1)],
    ['a frame that is no map', Uint8Array.of(1, 0, 0, 0, 1)],
    ['an empty map', Uint8Array.of(1, 0, 0, 0, 0x80)],
  ])('%s is told, counted and cut off', (_, bytes) =>
    besideGood(async (path, { server, events }) => {
      for (const first of [true, false]) {
        const raw = rawClient(path);
        if (!first) raw.hello();
        if (!first) await raw.until('welcome');
        raw.socket.write(bytes);
        expect(String((await raw.until('goodbye'))?.['reason'])).toMatch(/malformed/);
        await raw.end();
      }
      expect(server.stats()['malformed']).toBe(2);
      expect(events.every((event) => event.event === 'client-malformed')).toBe(true);
    }),
  );

  test.each([
    ['ids that repeat', [1, 1]],
    ['ids that jump', [1, 3]],
    ['ids that are no numbers', ['x']],
  ])('request %s', (_, ids) =>
    besideGood(async (path) => {
      const raw = rawClient(path);
      raw.hello();
      for (const id of ids) raw.send({ t: 'request', id, fn: 'echo', arg: 1 });
      expect(String((await raw.until('goodbye'))?.['reason'])).toMatch(/ids/);
      await raw.end();
    }),
  );

  // msgpackr: ext 0x69 names a structure, ext 0x70 refers to it; 0xff is a date, 0x73 a set, 0x65 an error.
  test.each([
    ['contains itself', [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]],
    ['is a date', [0xd6, 0xff, 0, 0, 0, 1]],
    ['is a set', [0xd6, 0x73, 0x40, 0, 0, 0, 0x91, 1]],
    ['is an error', [0xd6, 0x65, 0x40, 0, 0, 0, 0x93, 1, 2, 3]],
    ['is nested without end', [...new Array(1_000).fill(0x91), 0xc0]],
  ])('an argument that %s never reaches a service', (_, odd) =>
    besideGood(async (path, { backend }) => {
      const raw = rawClient(path);
      raw.hello();
      await raw.until('welcome');
      const served = backend.clients.length;
      const frame = encode({ t: 'request', id: 1, fn: 'echo', arg: 1 }) as Uint8Array;
      const body = Buffer.concat([frame.subarray(0, -1), Uint8Array.from(odd)]);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(body.length);
      raw.socket.write(Buffer.concat([head, body]));
      expect((await raw.until('goodbye'))?.['reason']).toBe('malformed: no plain data in a frame');
      await raw.end();
      expect(raw.frames.some(({ t }) => t === 'reply')).toBe(false);
      expect(backend.clients).toHaveLength(served);
    }),
  );

  test('a flood of connects is accepted one in a turn of the event loop', () =>
    besideGood(async (path) => {
      const inTurn: number[] = [];
      let now = 0;
      let going = true;
      const onTurn = () => {
        inTurn.push(now);
        now = 0;
        if (going) setImmediate(onTurn);
      };
      const count = () => now++;
      diagnostics.subscribe('net.server.socket', count);
      setImmediate(onTurn);
      const flood = Array.from({ length: 200 }, () => rawClient(path));
      await until(() => inTurn.reduce((sum, each) => sum + each, 0) >= flood.length);
      going = false;
      diagnostics.unsubscribe('net.server.socket', count);
      expect(Math.max(...inTurn)).toBe(1);
      for (const { socket } of flood) socket.destroy();
    }));

  test('more requests than may be in flight are not read, and go on when answers come', () =>
    besideGood(
      async (path, { backend }) => {
        const raw = rawClient(path);
        raw.hello();
        for (let id = 1; id <= 1000; id++) raw.send({ t: 'request', id, fn: 'keep', arg: 1 });
        await until(() => backend.kept.length >= 128);
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(backend.kept.length).toBe(128);
        while (raw.frames.length < 1001) {
          for (const [client, id] of backend.kept.splice(0)) {
            client.sink.reply(id, { rc: SA_AIS_OK });
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        raw.socket.destroy();
      },
      { requestsInFlightMax: 128 },
    ));

  test('asking for much and never reading it stops its own requests only', () =>
    besideGood(async (path, { server, backend }) => {
      const raw = rawClient(path);
      raw.hello();
      await raw.until('welcome');
      raw.socket.pause();
      for (let id = 1; id <= 500; id++) raw.send({ t: 'request', id, fn: 'big', arg: 100_000 });
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(server.stats()['clients']).toBe(2);
      const bytesAnswered = backend.bigAnswers() * 100_000;
      expect(bytesAnswered).toBeGreaterThan(100_000);
      expect(bytesAnswered).toBeLessThan(2_000_000);
      raw.socket.destroy();
    }));

  test('never reading callbacks that may not be dropped: told, and cut off', () =>
    besideGood(async (path, { server, backend }) => {
      const raw = rawClient(path);
      raw.hello();
      await raw.until('welcome');
      raw.socket.pause();
      raw.send({ t: 'request', id: 1, fn: 'storm', arg: 20_000 });
      await until(() => server.stats()['slow'] === 1);
      expect(backend.gone.length).toBe(1);
      raw.socket.resume();
      expect(await raw.until('goodbye')).toMatchObject({ rc: SA_AIS_ERR_NO_RESOURCES });
      await raw.end();
    }));

  test('a flood of bad clients is no flood of events', () =>
    besideGood(async (path, { server, events }) => {
      const start = performance.now();
      for (let i = 0; i < 60; i++) {
        const raw = rawClient(path);
        raw.send({ t: 'rubbish' });
        await raw.end();
      }
      expect(server.stats()['malformed']).toBe(60);
      const secondsTouched = Math.ceil((performance.now() - start) / 1_000) + 1;
      expect(events.length).toBeLessThanOrEqual(21 * secondsTouched);
    }));

  test('connections that never say hello fill only their own queue', () =>
    besideGood(
      async (path) => {
        const silent = Array.from({ length: 4 }, () => rawClient(path));
        const extra = rawClient(path);
        expect(String((await extra.until('goodbye'))?.['reason'])).toMatch(/too many/);
        for (const raw of [...silent, extra]) raw.socket.destroy();
      },
      { handshakePendingMax: 4 },
    ));
});
