import {
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SaAisError,
} from '@aisexec/ais';
import { describe, expect, test } from '@jest/globals';
import type { Errand } from './contract.ts';
import type { BackendSink } from './local.ts';
import { localConnector } from './local.ts';
import { type FailedReopen, reopeningConnector } from './reopen.ts';

/** An executive that restarts: what a client opened is known until then. */
function restarting() {
  const asked: string[][] = [];
  const sinks: BackendSink[] = [];
  const refused = new Set<string>();
  let isUp = true;
  let error: SaAisError | undefined;
  const backend = {
    connect(_service: string, _uid: number, sink: BackendSink) {
      sinks.push(sink);
      asked.push([]);
      return sinks.length - 1;
    },
    request(client: number, request: number, fn: string, argument: unknown) {
      asked[client]!.push(`${fn} ${argument}`);
      if (fn === 'keep') return;
      const rc = refused.has(`${argument}`) ? SA_AIS_ERR_NOT_EXIST : SA_AIS_OK;
      sinks[client]!.reply(request, { rc });
    },
    isWaiting: () => false,
    disconnect: () => {},
  };
  return {
    asked,
    refused,
    sinks,
    down(reason: string) {
      isUp = false;
      sinks.at(-1)!.closed(reason);
    },
    up(withError?: SaAisError) {
      error = withError;
      isUp = true;
    },
    attach() {
      if (error !== undefined) throw error;
      return isUp ? backend : undefined;
    },
  };
}

async function opened() {
  const executive = restarting();
  const told: string[] = [];
  const reopened: { reason: string; failed: readonly FailedReopen[] }[] = [];
  let wake = () => {};
  const connection = await reopeningConnector(localConnector(executive.attach), {
    note(fn, argument) {
      const [key = '', parent] = `${argument}`.split('/').reverse();
      if (fn === 'keep' && argument === 'read') return { isRead: true };
      if (fn === 'open') return { keep: key, ...(parent && { under: parent }) };
      return fn === 'close' ? { drop: key } : undefined;
    },
    cut: () => told.push('cut'),
    reopened(reason, failed) {
      reopened.push({ reason, failed });
      wake();
    },
  }).connect('x');
  return {
    executive,
    connection,
    told,
    reopened,
    again: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}

describe('a connection whose executive restarts', () => {
  test('opens again, in order, what is open, and nothing that was closed or refused', async () => {
    const { executive, connection, told, reopened, again } = await opened();
    executive.refused.add('no');
    for (const name of ['a', 'b', 'a/c', 'b/d', 'no']) await connection.request('open', name);
    await connection.request('other', 'e');
    await connection.request('close', 'b');
    const open = connection.request('keep', 0);
    const read = connection.request('keep', 'read');
    const isBack = again();
    await connection.request('other', 'f');
    executive.down('restart');
    expect((await open).rc).toBe(SA_AIS_ERR_LIBRARY);
    expect((await read).rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    expect((await connection.request('other', 'g')).rc).toBe(SA_AIS_ERR_TRY_AGAIN);
    expect(told).toEqual(['cut']);
    executive.up();
    await isBack;
    expect(executive.asked[1]).toEqual(['open a', 'open a/c']);
    expect(reopened).toEqual([{ reason: 'restart', failed: [] }]);
    expect((await connection.request('other', 'h')).rc).toBe(SA_AIS_OK);
    await connection.close();
    expect((await connection.request('other', 'i')).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
  });

  test('tells what could not be opened, and does not try its parts, nor it again', async () => {
    const { executive, connection, reopened, again } = await opened();
    for (const name of ['a', 'a/c', 'b']) await connection.request('open', name);
    executive.refused.add('a');
    for (const isBack of [again(), undefined]) {
      executive.down('restart');
      executive.up();
      await (isBack ?? again());
    }
    expect(executive.asked.slice(1)).toEqual([['open a', 'open b'], ['open b']]);
    const failed = { fn: 'open', argument: 'a', code: SA_AIS_ERR_NOT_EXIST };
    expect(reopened.map((event) => event.failed)).toEqual([[failed], []]);
    await connection.close();
  });

  test('is lost when the next executive refuses it for good', async () => {
    const { executive, connection, reopened } = await opened();
    const lost = new Promise<string>((resolve) => connection.onLost(resolve));
    executive.down('restart');
    executive.up(new SaAisError(SA_AIS_ERR_ACCESS, 'connect', 'not any more'));
    expect(await lost).toMatch(/not any more/);
    expect((await connection.request('other', 1)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(reopened).toEqual([]);
  });

  test('comes back as one who returns, with what it came with', async () => {
    const errands: (Errand | undefined)[] = [];
    const executive = restarting();
    const inner = localConnector(executive.attach);
    const plan = { note: () => undefined, cut: () => {} };
    const isBack = new Promise<void>((resolve) => {
      const connector = {
        connect(service: string, errand?: Errand) {
          errands.push(errand);
          return inner.connect(service, errand);
        },
      };
      const onShutdown = () => 'no';
      void reopeningConnector(connector, { ...plan, reopened: () => resolve() })
        .connect('x', { onShutdown })
        .then(() => executive.down('restart'))
        .then(() => executive.up());
    });
    await isBack;
    const onShutdown = expect.any(Function);
    expect(errands[0]).toEqual({ onShutdown });
    expect(errands.at(-1)).toEqual({ onShutdown, returning: true });
  });

  test('that is closed while the executive is away tells nobody', async () => {
    const { executive, connection, reopened } = await opened();
    executive.down('restart');
    await connection.close();
    executive.up();
    expect((await connection.request('other', 1)).rc).toBe(SA_AIS_ERR_BAD_HANDLE);
    expect(executive.asked).toHaveLength(1);
    expect(reopened).toEqual([]);
  });
});
