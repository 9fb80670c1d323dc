/** What many clients, or one that asks for much, may cost the others (ADR 0219). */
import { SA_AIS_OK } from '@aisexec/ais';
import { afterAll, expect, test } from '@jest/globals';
import { socketConnector } from '../client/socket.ts';
import type { IpcServerLimits } from './contract.ts';
import { fakeServer, rawClient, temporaryDirectory, until } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

/** A server on which nobody but `open` connects, and at most as the limits say. */
async function crowded(name: string, limits: Partial<IpcServerLimits>) {
  const path = directory.path(name);
  let uid = 1000;
  const credentials = () => ({ pid: 1, uid, gid: 1 });
  const { server, backend } = await fakeServer(path, { credentials, limits });
  const open: ReturnType<typeof rawClient>[] = [];
  return {
    ...{ path, server, backend },
    connect(count = 1) {
      const clients = Array.from({ length: count }, () => rawClient(path));
      open.push(...clients);
      return clients;
    },
    as(other: number) {
      uid = other;
    },
    async close() {
      for (const { socket } of open) socket.destroy();
      await server.close();
    },
  };
}

test('who is one too many is told a moment later, and at once where too many wait for that', async () => {
  const { connect, close } = await crowded('moment', {
    ...{ handshakePendingMax: 4, turnedAwayMax: 2, turnedAwayDelayMs: 600_000 },
  });
  connect(4);
  const waiting = connect(2);
  waiting[0]?.hello();
  const [extra] = connect();
  expect(String((await extra?.until('goodbye'))?.['reason'])).toMatch(/too many/);
  expect(waiting.map(({ frames }) => frames)).toEqual([[], []]);
  await close();
});

test('one uid leaves room for the hellos of others', async () => {
  const { path, connect, as, close } = await crowded('uid', {
    ...{ handshakePendingMax: 4, handshakePendingPerUidMax: 3, turnedAwayDelayMs: 1 },
  });
  connect(3);
  const [extra] = connect();
  expect(String((await extra?.until('goodbye'))?.['reason'])).toMatch(/too many/);
  as(1001);
  const other = await socketConnector(path).connect('echo');
  await other.close();
  await close();
});

test('what waits for its turn is not decoded: what is wrong behind it is seen when its turn has come', async () => {
  const { server, backend, connect, close } = await crowded('undecoded', {
    requestsInFlightMax: 4,
  });
  const [client] = connect();
  client!.hello();
  await client!.until('welcome');
  for (let id = 1; id <= 5; id++) client!.send({ t: 'request', id, fn: 'keep', arg: null });
  client!.send('no frame of ours');
  await until(() => backend.kept.length === 4);
  expect(server.stats()).toMatchObject({ malformed: 0, requests: 4 });
  const [kept, request] = backend.kept[0]!;
  kept.sink.reply(request, { rc: SA_AIS_OK });
  expect(String((await client!.until('goodbye'))?.['reason'])).toMatch(/malformed/);
  expect(server.stats()).toMatchObject({ malformed: 1, requests: 5 });
  await close();
});
