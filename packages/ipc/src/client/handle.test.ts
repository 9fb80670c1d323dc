import {
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_VERSION,
  SA_AIS_OK,
  SA_DISPATCH_ALL,
  SA_DISPATCH_BLOCKING,
  SA_DISPATCH_ONE,
  SaAisError,
  type SaDispatchFlagsT,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { CallbackEvent, ClientConnection } from './contract.ts';
import { createAisHandle, openHandle } from './handle.ts';
import { createHandleTable } from './handle-table.ts';

const B01 = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };
const B04 = { releaseCode: 'B', majorVersion: 4, minorVersion: 1 };

function fakeConnection() {
  const holds: boolean[] = [];
  let lost: (reason: string) => void = () => {};
  let callback: (event: CallbackEvent) => void = () => {};
  const connection: ClientConnection = {
    request: async () => ({ rc: SA_AIS_OK }),
    onCallback: (listener) => {
      callback = listener;
    },
    onLost: (listener) => {
      lost = listener;
    },
    hold: (on) => holds.push(on),
    close: async () => {},
    ref: () => {},
    unref: () => {},
  };
  return {
    connection,
    holds,
    lose: (reason: string) => lost(reason),
    callback: (event: CallbackEvent) => callback(event),
  };
}

function fakeHandle(queueMax?: number) {
  const fake = fakeConnection();
  const options = { version: B01, connection: fake.connection };
  const handle = createAisHandle(queueMax === undefined ? options : { ...options, queueMax });
  const ran: string[] = [];
  const queue = (name: string, priority = 0, owner?: unknown) =>
    handle.enqueue({ priority, owner, run: () => void ran.push(name) });
  return { ...fake, handle, ran, queue };
}

describe('openHandle', () => {
  const connector = (connection: ClientConnection) => ({ connect: async () => connection });

  test('a missing version is INVALID_PARAM and a wrong type throws TypeError', async () => {
    const open = (version: unknown) =>
      openHandle({ service: 'x', supported: [B01], version: version as typeof B01 });
    expect((await open(null)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
    expect((await open(undefined)).rc).toBe(SA_AIS_ERR_INVALID_PARAM);
    await expect(open({ releaseCode: 66 })).rejects.toThrow(TypeError);
  });

  test('the version is overwritten even when it is refused, without connecting', async () => {
    const version = { releaseCode: 'C', majorVersion: 1, minorVersion: 0 };
    const connect = { connector: { connect: () => Promise.reject(new Error('not reached')) } };
    const opened = await openHandle({ service: 'x', supported: [B01, B04], version, connect });
    expect(opened.rc).toBe(SA_AIS_ERR_VERSION);
    expect(version).toEqual(B04);
  });

  test('a handle speaks the generation that was negotiated and passes events on', async () => {
    const fake = fakeConnection();
    const events: string[] = [];
    const opened = await openHandle({
      service: 'x',
      supported: [B01, B04],
      version: { releaseCode: 'B', majorVersion: 2, minorVersion: 9 },
      connect: { connector: connector(fake.connection) },
      onEvent: (event) => events.push(event.name),
    });
    expect(opened.handle?.version).toEqual(B04);
    fake.callback({ name: 'grant', payload: 1, priority: 0 });
    await opened.handle?.finalize();
    fake.callback({ name: 'late', payload: 1, priority: 0 });
    expect(events).toEqual(['grant']);
  });

  test.each([
    [new SaAisError(SA_AIS_ERR_TRY_AGAIN, 'connect'), SA_AIS_ERR_TRY_AGAIN],
    [new SaAisError(SA_AIS_ERR_NOT_SUPPORTED, 'connect'), SA_AIS_ERR_NOT_SUPPORTED],
    [new Error('a bug'), SA_AIS_ERR_LIBRARY],
  ])('a connector that fails with %p gives its code, not an exception', async (error, rc) => {
    const connect = { connector: { connect: () => Promise.reject(error) } };
    const opened = await openHandle({
      service: 'x',
      supported: [B01],
      version: { ...B01 },
      connect,
    });
    expect(opened).toEqual({ rc, cause: error });
  });
});

describe('dispatch', () => {
  test('ONE runs one callback, highest priority first, and is OK with nothing to do', async () => {
    const { handle, ran, queue } = fakeHandle();
    queue('low', 3);
    queue('high', 0);
    expect(await handle.dispatch(SA_DISPATCH_ONE)).toBe(SA_AIS_OK);
    expect(ran).toEqual(['high']);
    await handle.dispatch(SA_DISPATCH_ONE);
    expect(await handle.dispatch(SA_DISPATCH_ONE)).toBe(SA_AIS_OK);
    expect(ran).toEqual(['high', 'low']);
  });

  test('ALL drains what was queued when it was called, not what comes meanwhile', async () => {
    const { handle, ran, queue } = fakeHandle();
    queue('first', 2);
    handle.enqueue({ priority: 1, run: () => queue('meanwhile', 0) });
    await handle.dispatch(SA_DISPATCH_ALL);
    expect(ran).toEqual(['first']);
    await handle.dispatch(SA_DISPATCH_ALL);
    expect(ran).toEqual(['first', 'meanwhile']);
  });

  test('BLOCKING serves until the handle is finalised inside a callback, then is OK', async () => {
    const { handle, ran, queue } = fakeHandle();
    const blocking = handle.dispatch(SA_DISPATCH_BLOCKING);
    queue('one');
    handle.enqueue({ priority: 0, run: async () => void (await handle.finalize()) });
    queue('dropped');
    expect(await blocking).toBe(SA_AIS_OK);
    expect(ran).toEqual(['one']);
    expect(await handle.dispatch(SA_DISPATCH_ALL)).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(await handle.finalize()).toBe(SA_AIS_ERR_BAD_HANDLE);
  });

  test.each([0, 4, 1.5, null])('flag %p is INVALID_PARAM', async (flag) => {
    const { handle } = fakeHandle();
    expect(await handle.dispatch(flag as SaDispatchFlagsT)).toBe(SA_AIS_ERR_INVALID_PARAM);
  });

  test('an exception of a callback rejects its dispatch, and the next dispatch goes on', async () => {
    const { handle, ran, queue } = fakeHandle();
    handle.enqueue({ priority: 0, run: () => Promise.reject(new Error('mine')) });
    queue('after');
    await expect(handle.dispatch(SA_DISPATCH_ALL)).rejects.toThrow('mine');
    await handle.dispatch(SA_DISPATCH_ALL);
    expect(ran).toEqual(['after']);
  });

  test('callbacks of a closed owner are dropped', async () => {
    const { handle, ran, queue } = fakeHandle();
    const owner = {};
    queue('mine', 0, owner);
    queue('other');
    handle.dropCallbacks(owner);
    await handle.dispatch(SA_DISPATCH_ALL);
    expect(ran).toEqual(['other']);
  });

  test('a full queue holds the executive until it is half empty', async () => {
    const { handle, holds, queue } = fakeHandle(4);
    for (let i = 0; i < 6; i++) queue(`c${i}`);
    expect(holds).toEqual([true]);
    for (let i = 0; i < 3; i++) await handle.dispatch(SA_DISPATCH_ONE);
    expect(holds).toEqual([true]);
    await handle.dispatch(SA_DISPATCH_ONE);
    expect(holds).toEqual([true, false]);
  });
});

describe('a lost executive', () => {
  test('ends dispatch with BAD_HANDLE, tells once, and leaves finalize to the caller', async () => {
    const { handle, lose } = fakeHandle();
    const reasons: string[] = [];
    handle.onLost((reason) => reasons.push(reason));
    const blocking = handle.dispatch(SA_DISPATCH_BLOCKING);
    lose('gone');
    lose('again');
    expect(await blocking).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(await handle.dispatch(SA_DISPATCH_ONE)).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect((await handle.request('f', {})).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(reasons).toEqual(['gone']);
    const late = new Promise<string>((resolve) => handle.onLost(resolve));
    expect(await late).toBe('gone');
    expect(await handle.finalize()).toBe(SA_AIS_OK);
  });
});

describe('the selection object', () => {
  test('is ready while a callback is queued and wakes those who wait', async () => {
    const { handle, queue } = fakeHandle();
    const order: string[] = [];
    const waiting = handle
      .selectionObject()
      .ready()
      .then(() => order.push('ready'));
    order.push('queue');
    queue('x');
    await waiting;
    expect(order).toEqual(['queue', 'ready']);
    await handle.selectionObject().ready();
    expect(handle.selectionObject()).toBe(handle.selectionObject());
  });

  test('iterates once per readiness and ends on finalize', async () => {
    const { handle, ran, queue } = fakeHandle();
    queue('a');
    queue('b');
    for await (const _ of handle.selectionObject()) {
      await handle.dispatch(SA_DISPATCH_ONE);
      if (ran.length === 2) await handle.finalize();
    }
    expect(ran).toEqual(['a', 'b']);
  });

  test('gives one more turn to see BAD_HANDLE when the executive is lost', async () => {
    const { handle, lose } = fakeHandle();
    lose('gone');
    const codes: number[] = [];
    for await (const _ of handle.selectionObject()) codes.push(await handle.dispatch(2));
    expect(codes).toEqual([SA_AIS_ERR_BAD_HANDLE]);
  });

  test('does not starve the event loop when nobody dispatches', async () => {
    const { handle, queue } = fakeHandle();
    queue('never taken');
    let turns = 0;
    setImmediate(() => void handle.finalize());
    for await (const _ of handle.selectionObject()) turns++;
    expect(turns).toBeGreaterThan(0);
  });
});

test('handles are unique over tables and never zero', () => {
  const locks = createHandleTable<'lock', string>();
  const events = createHandleTable<'event', string>();
  const handles = Array.from({ length: 100 }, (_, i) => (i % 2 ? locks : events).add(`${i}`));
  expect(new Set(handles).size).toBe(100);
  expect(handles).not.toContain(0n);
  expect(events.get(handles[1])).toBeUndefined();
  expect(locks.get(handles[1])).toBe('1');
});
