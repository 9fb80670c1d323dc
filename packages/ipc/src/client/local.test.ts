import {
  isSaAisError,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { CallbackEvent } from './contract.ts';
import { type BackendSink, localConnector } from './local.ts';

/** A backend of one service: `echo` answers, `keep` never does. */
function fakeBackend() {
  const gone: number[] = [];
  const asked: number[] = [];
  let sink: BackendSink | undefined;
  return {
    gone,
    asked,
    sink: () => sink as BackendSink,
    connect(service: string, _uid: number, given: BackendSink): number | undefined {
      sink = given;
      return service === 'echo' ? 7 : undefined;
    },
    request(_client: number, request: number, fn: string, argument: unknown) {
      asked.push(request);
      if (fn === 'echo') sink?.reply(request, { rc: SA_AIS_OK, argument });
    },
    isWaiting: () => false,
    disconnect: (client: number) => void gone.push(client),
  };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('localConnector', () => {
  test('requests are answered, and share no memory with the backend', async () => {
    const connection = await localConnector(fakeBackend()).connect('echo');
    const bytes = new Uint8Array([1, 2, 3]);
    const pending = connection.request('echo', { bytes, time: 5n, missing: undefined });
    bytes[0] = 9;
    const reply = await pending;
    expect(reply.rc).toBe(SA_AIS_OK);
    const argument = reply['argument'] as { bytes: Uint8Array; time: bigint };
    expect([...argument.bytes]).toEqual([1, 2, 3]);
    expect(argument.time).toBe(5n);
  });

  test('who returns is told to try again until the executive has met the others, who is new is not', async () => {
    let hasMet = false;
    const connector = localConnector({ ...fakeBackend(), hasMet: () => hasMet });
    const codeOf = (connecting: Promise<unknown>) =>
      connecting.then(
        () => SA_AIS_OK,
        (error: { code: number }) => error.code,
      );
    expect(await codeOf(connector.connect('echo'))).toBe(SA_AIS_OK);
    expect(await codeOf(connector.connect('echo', { returning: true }))).toBe(SA_AIS_ERR_TRY_AGAIN);
    hasMet = true;
    expect(await codeOf(connector.connect('echo', { returning: true }))).toBe(SA_AIS_OK);
  });

  test('no service is NOT_SUPPORTED, no executive TRY_AGAIN, no msgpack INVALID_PARAM', async () => {
    const refused = await localConnector(fakeBackend())
      .connect('other')
      .catch((e: unknown) => e);
    expect(isSaAisError(refused, SA_AIS_ERR_NOT_SUPPORTED)).toBe(true);
    const absent = await localConnector(() => undefined)
      .connect('echo')
      .catch((e: unknown) => e);
    expect(isSaAisError(absent, SA_AIS_ERR_TRY_AGAIN)).toBe(true);
    const connection = await localConnector(fakeBackend()).connect('echo');
    expect((await connection.request('echo', 1n << 64n)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('callbacks wait for a listener and while they are held back, in their priorities', async () => {
    const backend = fakeBackend();
    const connection = await localConnector(backend).connect('echo');
    backend.sink().callback('early', 1);
    const events: CallbackEvent[] = [];
    connection.onCallback((event) => events.push(event));
    await tick();
    connection.hold(true);
    backend.sink().callback('low', 2, { priority: 3 });
    backend.sink().callback('high', 3);
    await tick();
    expect(events.map((event) => event.name)).toEqual(['early']);
    connection.hold(false);
    await tick();
    expect(events.map((event) => event.name)).toEqual(['early', 'high', 'low']);
    expect(events[2]).toEqual({ name: 'low', payload: 2, priority: 3 });
  });

  test('a backend that closes answers what is open with LIBRARY and later calls with BAD_HANDLE', async () => {
    const backend = fakeBackend();
    const connection = await localConnector(backend).connect('echo');
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    const open = connection.request('keep', {});
    await tick();
    backend.sink().closed('service failed');
    expect((await open).rc).toBe(SA_AIS_ERR_LIBRARY);
    expect(await lost).toBe('service failed');
    expect((await connection.request('echo', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    await connection.close();
    expect(backend.gone).toEqual([]);
  });

  test('close disconnects once and answers what is open with BAD_HANDLE', async () => {
    const backend = fakeBackend();
    const connection = await localConnector(backend).connect('echo');
    const open = connection.request('keep', {});
    await connection.close();
    await connection.close();
    expect((await open).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(backend.gone).toEqual([7]);
  });

  test('outstanding requests are bounded: more are TRY_AGAIN until one is answered', async () => {
    const backend = fakeBackend();
    const connection = await localConnector(backend).connect('echo');
    for (let i = 0; i < 4096; i++) void connection.request('keep', i);
    expect((await connection.request('keep', {})).rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    backend.sink().reply(1, { rc: SA_AIS_OK });
    expect((await connection.request('echo', {})).rc).toBe(SA_AIS_OK);
    expect(backend.asked.length).toBe(4097);
  });

  test('a client that never takes what cannot be dropped is cut off', async () => {
    const backend = fakeBackend();
    const connection = await localConnector(backend).connect('echo');
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    for (let i = 0; i < 5000; i++) backend.sink().callback('x', i);
    expect(await lost).toMatch(/too slow/);
    await tick();
    expect(backend.gone).toEqual([7]);
  });
});
