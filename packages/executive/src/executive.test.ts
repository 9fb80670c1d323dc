import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import {
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
} from '@aisexec/ais';
import { type Connector, type ShutdownRequest, socketConnector } from '@aisexec/ipc';
import { SocketPathError } from '@aisexec/ipc/server';
import { counterService } from '@aisexec/service/testing';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ExecutiveConfig } from './config/config.ts';
import { loadPeerCredentials } from './drivers/native.ts';
import { StateInUseError } from './drivers/state-lock.ts';
import { TransportError } from './drivers/udp/socket.ts';
import {
  configs,
  eventsOf,
  freePorts,
  memoryEngines,
  temporary,
  until,
} from './executive.fixture.ts';
import { Executive, type ExecutiveOptions } from './executive.ts';
import type { LogEvent } from './log/events.ts';
import type { ExecutiveStatus } from './status.ts';

let place: ReturnType<typeof temporary>;
let running: Executive[] = [];
beforeEach(() => {
  place = temporary();
});
afterEach(async () => {
  await Promise.all(running.map((executive) => executive.stop()));
  running = [];
  place.remove();
});

async function start(options: ExecutiveOptions): Promise<Executive> {
  const executive = await Executive.start(options);
  running.push(executive);
  return executive;
}

const seesAll = (count: number) => () =>
  running.every((executive) => executive.view?.members.length === count);

async function add(connector: Connector, name: string, amount: number): Promise<unknown> {
  const connection = await connector.connect('counter');
  const reply = await connection.request('add', { name, amount });
  await connection.close();
  return reply.rc === SA_AIS_OK ? reply['value'] : reply.rc;
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => SA_AIS_OK,
    (error: { code: number }) => error.code,
  );

describe('an executive on the memory engine', () => {
  const services = [counterService];

  test('serves clients on its socket and in its process alike', async () => {
    const { engine } = memoryEngines();
    const all = configs(place.directory, [5405, 5406, 5407]);
    for (const config of all) await start({ config, services, engine });
    await until(seesAll(3));
    const [one, two] = running as [Executive, Executive];
    expect(await add(socketConnector(all[0]?.ipc.socket), 'x', 2)).toBe(2n);
    expect(await add(two.connector(), 'x', 3)).toBe(5n);
    const watcher = await one.connector().connect('counter');
    const changed = new Promise((resolve) => watcher.onCallback(resolve));
    expect((await watcher.request('watch', { name: 'x' })).rc).toBe(SA_AIS_OK);
    await add(two.connector(), 'x', 1);
    expect(await changed).toMatchObject({ name: 'changed', payload: { name: 'x', value: 6n } });
    expect(await code(one.connector().connect('absent'))).toBe(SA_AIS_ERR_NOT_SUPPORTED);
  });

  test('tells clients that it leaves, removes its socket and lets nobody in any more', async () => {
    const { engine } = memoryEngines();
    const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
    const executive = await start({ config, services, engine });
    const connections = [
      await socketConnector(config.ipc.socket).connect('counter'),
      await executive.connector().connect('counter'),
      await executive.connector().connect('admin'),
    ];
    const reasons = connections.map(
      (connection) => new Promise<string>((resolve) => connection.onLost(resolve)),
    );
    await executive.stop();
    expect(await Promise.all(reasons)).toEqual(Array(3).fill('the executive leaves'));
    expect(existsSync(config.ipc.socket)).toBe(false);
    expect(await code(executive.connector().connect('counter'))).toBe(SA_AIS_ERR_TRY_AGAIN);
  });

  test('a second one on the same socket is refused and the first goes on', async () => {
    const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
    const first = await start({ config, services, engine: memoryEngines().engine });
    await expect(start({ config, services, engine: memoryEngines().engine })).rejects.toThrow(
      SocketPathError,
    );
    await until(() => first.view !== undefined);
    expect(await add(socketConnector(config.ipc.socket), 'x', 1)).toBe(1n);
  });

  test('a service that throws is stopped, its clients are told, the executive goes on', async () => {
    const broken = {
      ...counterService,
      exec: {
        ...counterService.exec,
        add: {
          ...counterService.exec['add']!,
          apply: () => {
            throw new Error('a defect');
          },
        },
      },
    };
    const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
    const log: LogEvent[] = [];
    const executive = await start({
      config,
      services: [broken],
      engine: memoryEngines().engine,
      onLog: (event) => log.push(event),
    });
    const connection = await socketConnector(config.ipc.socket).connect('counter');
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    void connection.request('add', { name: 'x', amount: 1 });
    expect(await lost).toBe('service counter failed');
    expect(executive.status().services).toMatchObject([
      { id: 60, name: 'counter', state: 'failed' },
    ]);
    expect(log.find(({ event }) => event === 'service-failed')).toMatchObject({
      level: 'error',
      detail: { service: 'counter', message: 'a defect' },
    });
  });

  test.each([
    ['in a handler', { add: true }, 'exec add: a defect'],
    ['where it is inspected', {}, 'inspect: a defect'],
  ])('what a service that throws %s has to show is its reason', async (_where, asked, reason) => {
    const defect = () => {
      throw new Error('a defect');
    };
    const add = { ...counterService.exec['add']!, apply: defect };
    const broken = { ...counterService, exec: { ...counterService.exec, add }, inspect: defect };
    const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
    const engine = memoryEngines().engine;
    const executive = await start({ config, services: [broken], engine });
    await until(() => executive.view !== undefined);
    if ('add' in asked) {
      const client = await socketConnector(config.ipc.socket).connect('counter');
      const lost = new Promise<string>((resolve) => client.onLost(resolve));
      void client.request('add', { name: 'x', amount: 1 });
      await lost;
    }
    const admin = await socketConnector(config.ipc.socket).connect('admin');
    expect(await admin.request('inspect', { service: 'counter' })).toEqual({
      rc: SA_AIS_OK,
      refused: `service 'counter' has failed: ${reason}`,
    });
  });
});

test('an executive asks the clients in its own process before it leaves, and tells them when it stays', async () => {
  const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
  const executive = await start({
    config,
    services: [counterService],
    engine: memoryEngines().engine,
    listen: false,
  });
  let answer: string | undefined = 'still writing';
  const signals: AbortSignal[] = [];
  const onShutdown = ({ signal }: ShutdownRequest) => {
    signals.push(signal);
    return answer;
  };
  const connection = await executive.connector().connect('counter', { onShutdown });
  await executive.connector().connect('counter');
  expect(await executive.leave()).toEqual([
    { service: 'counter', reason: 'still writing', pid: process.pid },
  ]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  answer = undefined;
  const lost = new Promise((resolve) => connection.onLost(resolve));
  expect(await executive.leave()).toEqual([]);
  expect(await lost).toBe('the executive leaves');
});

describe('the admin channel', () => {
  test('answers status and inspect, refuses the rest, and shuts down after its answer', async () => {
    const [config] = configs(place.directory, [5405]) as [ExecutiveConfig];
    const executive = await start({
      config,
      services: [counterService],
      engine: memoryEngines().engine,
    });
    await until(() => executive.view !== undefined);
    await add(executive.connector(), 'x', 4);
    const admin = await socketConnector(config.ipc.socket).connect('admin');
    const { rc, status } = (await admin.request('status', {})) as unknown as {
      rc: number;
      status: ExecutiveStatus;
    };
    expect(rc).toBe(SA_AIS_OK);
    expect(status).toMatchObject({
      node: { id: 1, name: 'n1' },
      view: { quorate: true, members: [{ id: 1, name: 'n1' }] },
      quorum: { provider: 'votequorum', quorate: true, votes: 1, needed: 1 },
      services: [{ name: 'counter', state: 'running' }],
      counters: { host: { messagesApplied: 1 }, ipc: { clients: 1 } },
    });
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
    const inspected = await admin.request('inspect', { service: 'counter' });
    expect(inspected).toMatchObject({ rc: SA_AIS_OK, state: expect.anything() });
    expect((await admin.request('inspect', { service: 'no' })).rc).toBe(SA_AIS_ERR_NOT_EXIST);
    expect((await admin.request('inspect', null)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect((await admin.request('reboot', {})).rc).toBe(SA_AIS_ERR_BAD_OPERATION);
    const stopped = new Promise<void>((resolve) => executive.once('stopped', resolve));
    expect((await admin.request('shutdown', {})).rc).toBe(SA_AIS_OK);
    await stopped;
    expect(existsSync(config.ipc.socket)).toBe(false);
  });
});

describe('who may use what', () => {
  const here = loadPeerCredentials().read === undefined ? test.skip : test;
  here('the kernel says who connects, and an allow list keeps others out', async () => {
    const own = process.getuid?.() ?? -1;
    const socket = place.path('s');
    const more = `ipc: {socket: ${socket}, allow: {uid: [4242]}}`;
    const [config] = configs(place.directory, [5405], more) as [ExecutiveConfig];
    let seen = -2;
    const spying = {
      ...counterService,
      lib: {
        who: {
          request: { check: (_value: unknown): _value is unknown => true },
          flow: 'local' as const,
          handle: (_state: unknown, _request: unknown, { uid }: { uid: number }) => {
            seen = uid;
            return { rc: SA_AIS_OK };
          },
        },
      },
    };
    const executive = await start({
      config,
      services: [spying],
      engine: memoryEngines().engine,
    });
    await until(() => executive.view !== undefined);
    const connection = await socketConnector(socket).connect('counter');
    expect((await connection.request('who', {})).rc).toBe(SA_AIS_OK);
    expect(seen).toBe(own);
    await connection.close();
  });
});

describe('executives on a ring over UDP', () => {
  test('three form a ring, agree, survive the loss of one and take it back', async () => {
    const all = configs(place.directory, await freePorts(3));
    const services = [counterService];
    for (const config of all) await start({ config, services });
    await until(seesAll(3));
    await Promise.all(
      running.map(async (executive) => {
        for (let i = 0; i < 50; i++) await add(executive.connector(), 'x', 1);
      }),
    );
    expect(await add(running[0]!.connector(), 'x', 0)).toBe(150n);
    await until(() =>
      running.every((one) => one.status().counters['host']?.['messagesApplied'] === 151),
    );
    const hashes = running.map((executive) =>
      JSON.stringify(executive.inspect('counter'), bigints),
    );
    expect(new Set(hashes).size).toBe(1);

    const [third] = running.splice(2, 1);
    await third!.stop();
    await until(seesAll(2));
    expect(await add(running[1]!.connector(), 'x', 1)).toBe(151n);
    await start({ config: all[2]!, services });
    await until(seesAll(3));
    expect(await add(running[2]!.connector(), 'x', 1)).toBe(152n);
    expect(readdirSync(place.path('state')).filter((name) => /ringid_\d$/.test(name))).toHaveLength(
      3,
    );
  }, 30_000);

  test('the same node twice, or the same address, is refused in words', async () => {
    const [port] = await freePorts(1);
    const [config] = configs(place.directory, [port!]) as [ExecutiveConfig];
    const services = [counterService];
    await start({ config, services });
    await expect(start({ config, services })).rejects.toThrow(StateInUseError);
    const elsewhere = { ...config, stateDir: place.path('other') };
    const refused = start({ config: elsewhere, services });
    await expect(refused).rejects.toThrow(TransportError);
    await expect(refused).rejects.toThrow(`127.0.0.1:${port} is in use`);
  });

  test('a ring sequence that cannot be stored ends the executive, and says so', async () => {
    const ports = await freePorts(2);
    const [one, two] = configs(place.directory, ports) as [ExecutiveConfig, ExecutiveConfig];
    const services = [counterService];
    const log: LogEvent[] = [];
    const victim = await start({ config: one, services, onLog: (event) => log.push(event) });
    const failed = new Promise<Error>((resolve) => victim.once('failed', resolve));
    await until(() => victim.view !== undefined);
    // From now on the next file cannot be written: a directory has its name.
    mkdirSync(`${one.stateDir}/ringid_1.next`);
    writeFileSync(`${one.stateDir}/ringid_1.next/x`, '');
    await start({ config: two, services });
    expect((await failed).message).toMatch(/cannot store the ring sequence/);
    expect(eventsOf(log)).toContain('failed');
    await victim.stop();
    expect(existsSync(one.ipc.socket)).toBe(false);
  }, 30_000);
});

const bigints = (_key: string, value: unknown) =>
  typeof value === 'bigint' ? value.toString() : value;
