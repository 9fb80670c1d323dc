import { existsSync, linkSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import { socketConnector } from '../client/socket.ts';
import { SocketPathError } from './listen.ts';
import { fakeServer, temporaryDirectory } from './server.fixture.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);
let names = 0;
const freshPath = () => directory.path(`s${++names}`);
const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('the socket file', () => {
  test('has exactly the permissions asked for', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path, { mode: 0o660 });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await server.close();
  });

  test('of a live executive is not taken', async () => {
    const path = freshPath();
    const { server } = await fakeServer(path);
    const error = await failure(fakeServer(path));
    expect(error).toBeInstanceOf(SocketPathError);
    expect(String(error)).toMatch(/another executive already answers on/);
    const connection = await socketConnector(path).connect('echo');
    await connection.close();
    await server.close();
  });

  test('of a dead executive is replaced', async () => {
    const path = freshPath();
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(`${path}x`, resolve));
    linkSync(`${path}x`, path);
    await new Promise((resolve) => dead.close(resolve));
    expect(existsSync(path)).toBe(true);
    const { server } = await fakeServer(path);
    const connection = await socketConnector(path).connect('echo');
    await connection.close();
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  test('is not made over a file that is something else, nor on a path that is too long', async () => {
    const path = freshPath();
    writeFileSync(path, 'precious');
    expect(String(await failure(fakeServer(path)))).toMatch(/is not a socket/);
    expect(String(await failure(fakeServer(`${path}${'x'.repeat(120)}`)))).toMatch(/longer than/);
  });
});
