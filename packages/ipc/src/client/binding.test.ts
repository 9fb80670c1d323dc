import { SA_AIS_ERR_TIMEOUT, SA_AIS_OK, SA_TIME_END, SA_TIME_ONE_MILLISECOND } from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import { connectHandle, withinTimeout } from './binding.ts';
import type { ClientConnection, Connector } from './contract.ts';
import { deadlineOf } from './retry.ts';

const VERSION = { releaseCode: 'B', majorVersion: 1, minorVersion: 1 };

/** A connector whose connection comes about only when the test says so. */
function slowConnector() {
  let arrive: () => void = () => {};
  let closed: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const connection: ClientConnection = {
    request: () => Promise.resolve({ rc: SA_AIS_OK }),
    onCallback: () => {},
    onLost: () => {},
    hold: () => {},
    close: () => Promise.resolve(closed()),
    ref: () => {},
    unref: () => {},
  };
  const connector: Connector = {
    connect: () =>
      new Promise((resolve) => {
        arrive = () => resolve(connection);
      }),
  };
  return { connector, ended, arrive: () => arrive() };
}

const connectTo = (connector: Connector, options: { timeoutMs?: number; signal?: AbortSignal }) =>
  connectHandle({
    call: 'saXxxInitialize',
    deadline: deadlineOf(options, 'saXxxInitialize'),
    retry: false,
    service: 'xxx',
    supported: [VERSION],
    version: { ...VERSION },
    connect: { connector },
  });

describe('connecting in an idiomatic layer', () => {
  test('a time-out is kept while the connection is being made, and a late connection is ended', async () => {
    const { connector, ended, arrive } = slowConnector();
    const connecting = connectTo(connector, { timeoutMs: 1 });
    await expect(connecting).rejects.toMatchObject({ code: SA_AIS_ERR_TIMEOUT });
    arrive();
    await ended;
  });

  test('an abort ends the wait at once', async () => {
    const { connector, ended, arrive } = slowConnector();
    const stop = new AbortController();
    const connecting = connectTo(connector, { signal: stop.signal });
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    arrive();
    await ended;
  });
});

describe('an AIS time-out', () => {
  test('answers TIMEOUT when it is over, and never where there is none', async () => {
    const never = new Promise<{ rc: typeof SA_AIS_OK }>(() => {});
    expect(await withinTimeout(never, SA_TIME_ONE_MILLISECOND)).toEqual({ rc: SA_AIS_ERR_TIMEOUT });
    const answer = Promise.resolve({ rc: SA_AIS_OK });
    expect(await withinTimeout(answer, SA_TIME_END)).toEqual({ rc: SA_AIS_OK });
  });
});
