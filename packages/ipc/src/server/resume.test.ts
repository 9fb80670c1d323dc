import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { SA_AIS_ERR_BAD_HANDLE, SA_AIS_ERR_LIBRARY, SA_AIS_OK } from '@aisexec/ais';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { ClientConnection } from '../client/contract.ts';
import { socketConnector } from '../client/socket.ts';
import { encode } from '../codec.ts';
import { processStart } from './peer-process.ts';
import { fakeServer, rawClient, temporaryDirectory, until } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;
const freshPath = () => directory.path(`r${++names}`);
const me = { pid: process.pid, uid: 1, gid: 1 };

/** A server whose clients are told apart by `who`, and a way to it that can be cut. */
async function stage(
  graceMs = 60_000,
  who = () => me,
  start: (pid: number) => string | undefined = () => 'x',
) {
  const path = freshPath();
  const fake = await fakeServer(path, {
    credentials: who,
    processStart: start,
    limits: { graceMs },
  });
  const pairs = new Set<[Socket, Socket]>();
  let isOpen = true;
  const relay = createServer((near) => {
    if (!isOpen) return void near.destroy();
    const far = createConnection(path);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to, { end: false });
    }
    near.on('close', () => pairs.delete(pair));
  });
  const relayPath = `${path}r`;
  await new Promise<void>((resolve) => relay.listen(relayPath, resolve));
  const cut = () => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  };
  return {
    ...fake,
    path,
    relayPath,
    cut,
    close: (on: boolean) => {
      isOpen = !on;
      if (on) cut();
    },
    async end() {
      await fake.server.close();
      cut();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}

const lossOf = (connection: ClientConnection) =>
  new Promise<string>((resolve) => connection.onLost(resolve));

describe('a cut connection', () => {
  test('is made again: calls in flight are answered, callbacks go on, the client stays', async () => {
    const { backend, server, relayPath, cut, close, end } = await stage();
    const connection = await socketConnector(relayPath).connect('echo');
    const seen: unknown[] = [];
    connection.onCallback(({ payload }) => seen.push(payload));
    const kept = connection.request('keep', {});
    await connection.request('echo', 0);
    const [client, id] = backend.kept[0]!;
    client.sink.callback('n', 0);
    close(true);
    const during = connection.request('echo', 'during');
    client.sink.reply(id, { rc: SA_AIS_OK, late: true });
    client.sink.callback('n', 1);
    await until(() => server.stats()['cut'] === 1);
    client.sink.callback('n', 2);
    close(false);
    expect(await kept).toMatchObject({ late: true });
    expect(await during).toMatchObject({ argument: 'during' });
    await until(() => seen.length === 3);
    cut();
    client.sink.callback('n', 3);
    expect(await connection.request('echo', 'after')).toMatchObject({ argument: 'after' });
    await until(() => seen.length === 4);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(backend.clients.length).toBe(1);
    expect(backend.gone).toEqual([]);
    await connection.close();
    expect(backend.gone).toEqual([client]);
    await end();
  });

  test('is given up after the grace time: the client is gone, its calls are LIBRARY', async () => {
    const { backend, relayPath, close, end } = await stage(50);
    const connection = await socketConnector(relayPath).connect('echo');
    const lost = lossOf(connection);
    const open = connection.request('keep', {});
    await connection.request('echo', 1);
    close(true);
    expect((await open).rc).toBe(SA_AIS_ERR_LIBRARY);
    expect(await lost).toMatch(/not connected again in 50 ms/);
    expect((await connection.request('echo', 1)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    await until(() => backend.gone.length === 1);
    await end();
  });

  test('ends at once when the client wants no grace, or the executive gives none', async () => {
    for (const [given, wanted] of [
      [60_000, 0],
      [0, 60_000],
    ] as const) {
      const { backend, relayPath, close, end } = await stage(given);
      const connection = await socketConnector(relayPath, { graceMs: wanted }).connect('echo');
      const lost = lossOf(connection);
      close(true);
      await lost;
      await until(() => backend.gone.length === 1);
      await end();
    }
  });

  test('while closing still tells the executive', async () => {
    const { backend, relayPath, close, end } = await stage();
    const connection = await socketConnector(relayPath).connect('echo');
    close(true);
    const closed = connection.close();
    close(false);
    await closed;
    expect(backend.gone.length).toBe(1);
    await end();
  });

  test('does not hide why the executive ended the session meanwhile', async () => {
    const { backend, server, relayPath, close, end } = await stage();
    const connection = await socketConnector(relayPath).connect('echo');
    const lost = lossOf(connection);
    close(true);
    await until(() => server.stats()['cut'] === 1);
    backend.clients[0]?.sink.closed('service failed');
    close(false);
    expect(await lost).toBe('service failed');
    await end();
  });

  test('keeps no more callbacks than a slow client may have, and ends with the reason', async () => {
    const { backend, server, relayPath, close, end } = await stage();
    const connection = await socketConnector(relayPath).connect('echo');
    const lost = lossOf(connection);
    close(true);
    await until(() => server.stats()['cut'] === 1);
    for (let i = 0; i < 20_000 && backend.gone.length === 0; i++) {
      backend.clients[0]?.sink.callback('storm', new Uint8Array(1_000));
    }
    expect(backend.gone.length).toBe(1);
    close(false);
    expect(await lost).toMatch(/too slow: its queue of callbacks is full/);
    await end();
  });
});

describe('a session', () => {
  async function openRaw(path: string) {
    const raw = rawClient(path);
    raw.send({ t: 'hello', v: 1, service: 'echo', grace: 60_000 });
    return { raw, token: (await raw.until('welcome'))?.['session'] };
  }
  const resume = (path: string, session: unknown, seen: unknown = 0, service = 'echo') => {
    const raw = rawClient(path);
    raw.send({ t: 'hello', v: 1, service, session, seen });
    return raw;
  };

  test('is for its owner: another process with its name is told that there is none', async () => {
    let who = me;
    const { backend, path, end } = await stage(60_000, () => who);
    const { raw, token } = await openRaw(path);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    for (const stranger of [
      { ...me, pid: 1 },
      { ...me, uid: 2 },
      { ...me, gid: 2 },
    ]) {
      who = stranger;
      expect(await resume(path, token).until('goodbye')).toMatchObject({
        rc: SA_AIS_ERR_BAD_HANDLE,
      });
    }
    who = me;
    for (const guess of ['', 'x', 7, null, {}]) {
      expect(await resume(path, guess).until('goodbye')).toMatchObject({
        rc: SA_AIS_ERR_BAD_HANDLE,
      });
    }
    expect(await resume(path, token, 9).until('goodbye')).toMatchObject({
      rc: SA_AIS_ERR_BAD_HANDLE,
    });
    expect(await resume(path, token).until('welcome')).toMatchObject({ seen: 0 });
    // The former connection is given up, whether it was noticed as cut or not.
    await raw.end();
    expect(backend.gone).toEqual([]);
    await end();
  });

  test('is not offered where nobody tells whether its process lives', async () => {
    for (const [who, start] of [
      [{ pid: -1, uid: -1, gid: -1 }, () => 'x'],
      [{ pid: 0, uid: 1, gid: 1 }, () => 'x'],
      [me, () => undefined],
    ] as const) {
      const { path, end } = await stage(60_000, () => who, start);
      const { raw, token } = await openRaw(path);
      expect(token).toBeUndefined();
      raw.socket.destroy();
      await end();
    }
  });

  test('whose client reads and never acknowledges is ended', async () => {
    const { server, path, end } = await stage();
    const { raw } = await openRaw(path);
    for (let id = 1; id <= 20; id++) raw.send({ t: 'request', id, fn: 'big', arg: 1_000_000 });
    expect(String((await raw.until('goodbye'))?.['reason'])).toMatch(/does not acknowledge/);
    expect(server.stats()['slow']).toBe(1);
    await end();
  });

  test('ends at once when its process is killed, whatever the grace time', async () => {
    let child: ChildProcess | undefined;
    const { backend, path, end } = await stage(
      60_000,
      () => ({ ...me, pid: child?.pid ?? -1 }),
      processStart,
    );
    const script = `
      const body = Buffer.from('84a174a568656c6c6fa17601a773657276696365a46563686fa56772616365cdea60', 'hex');
      const head = Buffer.alloc(4);
      head.writeUInt32LE(body.length);
      require('node:net').connect(process.argv[1]).on('data', () => console.log('open')).write(Buffer.concat([head, body]));`;
    child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout!, 'data');
    expect(backend.gone).toEqual([]);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    // Far below the grace time, which is the time-out of nothing here.
    await until(() => backend.gone.length === 1);
    await end();
  });
});

test('a cut connection of a thread ends at once when the thread ends, its process notwithstanding', async () => {
  const { backend, path, end } = await stage(60_000, () => me, processStart);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.once('message', (hello) =>
      require('node:net').connect(workerData).on('data', () => parentPort.postMessage('open')).write(hello));
    parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self').split('/').pop());`;
  const worker = new Worker(script, { eval: true, workerData: path });
  const [thread] = (await once(worker, 'message')) as [string];
  const who = { t: 'hello', v: 1, service: 'echo', grace: 60_000 };
  const body = encode({ ...who, thread: Number(thread) }) as Uint8Array;
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  worker.postMessage(Buffer.concat([head, body]));
  await once(worker, 'message');
  // A thread that nobody sees: of another namespace, or no thread.
  const stranger = rawClient(path);
  stranger.send({ ...who, thread: 2 ** 31 });
  expect(await stranger.until('welcome')).toMatchObject({ session: expect.any(String) });
  expect(backend.gone).toEqual([]);
  await worker.terminate();
  await until(() => backend.gone.length === 1);
  stranger.socket.destroy();
  await end();
});

describe('the start time of a process', () => {
  test('is that of a live one, and none of a dead one', async () => {
    expect(processStart(process.pid)).toMatch(/^\d+$/);
    expect(processStart(process.pid)).toBe(processStart(process.pid));
    const child = spawn(process.execPath, ['-e', '0']);
    const pid = child.pid as number;
    await once(child, 'exit');
    expect(processStart(pid)).toBeUndefined();
    expect(processStart(-1)).toBeUndefined();
  });
});
