import { afterAll, describe, expect, test } from '@jest/globals';
import type { ShutdownListener, ShutdownRequest } from '../client/contract.ts';
import { socketConnector } from '../client/socket.ts';
import { VETO_TEXT_MAX } from '../limits.ts';
import { fakeServer, rawClient, temporaryDirectory, until } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;

async function stage(...listeners: (ShutdownListener | undefined)[]) {
  const path = directory.path(`l${++names}`);
  const fake = await fakeServer(path, { credentials: () => ({ pid: 7, uid: 8, gid: 9 }) });
  const clients = await Promise.all(
    listeners.map((onShutdown) =>
      socketConnector(path, { ...(onShutdown && { onShutdown }) }).connect('echo'),
    ),
  );
  return {
    ...fake,
    path,
    clients,
    async end() {
      await Promise.all(clients.map((client) => client.close()));
      await fake.server.close();
    },
  };
}

const never = () => new Promise<void>(() => {});

describe('an executive that wants to leave', () => {
  test('hears the vetoes of those who asked to be asked, with who and why', async () => {
    const requests: ShutdownRequest[] = [];
    const { server, end } = await stage(
      undefined,
      (request) => void requests.push(request),
      async () => 'still writing',
      () => {
        throw new Error('broken');
      },
    );
    const vetoes = await server.askLeave(60_000);
    const who = { service: 'echo', pid: 7, uid: 8 };
    expect(vetoes).toHaveLength(2);
    expect(vetoes).toContainEqual({ ...who, reason: 'still writing' });
    expect(vetoes).toContainEqual({ ...who, reason: 'broken' });
    // Who agreed hears that it stays.
    expect(requests[0]?.withinMs).toBe(60_000);
    await until(() => requests[0]?.signal.aborted === true);
    expect(await server.askLeave(60_000)).toHaveLength(2);
    await end();
  });

  test('waits for nobody when all have agreed, nobody wants to be asked, or who was asked is gone', async () => {
    expect.assertions(4);
    const agreed = await stage(
      () => undefined,
      async () => 7,
    );
    expect(await agreed.server.askLeave(60_000)).toEqual([]);
    await agreed.end();
    const unasked = await stage(undefined);
    expect(await unasked.server.askLeave(60_000)).toEqual([]);
    await unasked.end();
    const leaving = await stage(never);
    const asked = leaving.server.askLeave(60_000);
    expect(leaving.server.askLeave(60_000)).toBe(asked);
    await leaving.clients[0]?.close();
    expect(await asked).toEqual([]);
    await leaving.end();
  });

  test('takes silence for consent, after the time it gave', async () => {
    const { server, end } = await stage(never, () => 'no');
    expect((await server.askLeave(20)).map(({ reason }) => reason)).toEqual(['no']);
    await end();
  });

  test('lets no client write into its log: a reason is one short line', async () => {
    const { server, path, end } = await stage();
    const raw = rawClient(path);
    raw.send({ t: 'hello', v: 1, service: 'echo', leave: true });
    await raw.until('welcome');
    const asked = server.askLeave(60_000);
    const id = (await raw.until('may-leave'))?.['id'];
    raw.send({ t: 'leave', id: 99, veto: 'of another question' });
    raw.send({ t: 'leave', id, veto: `a\n\u001b[31mb${'x'.repeat(1_000)}` });
    const [veto] = await asked;
    expect(veto?.reason).toMatch(/^a \[31mbx+$/);
    expect(veto?.reason.length).toBeLessThanOrEqual(VETO_TEXT_MAX);
    raw.socket.destroy();
    await end();
  });
});
