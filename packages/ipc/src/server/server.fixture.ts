/** A server with a scripted backend, and raw sockets that misbehave: for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SA_AIS_OK } from '@aisexec/ais';
import type { BackendSink } from '../client/local.ts';
import { decode, encode } from '../codec.ts';
import { FrameDecoder, FrameWriter } from '../framing.ts';
import type { IpcEvent, IpcServerOptions } from './contract.ts';
import { createIpcServer } from './server.ts';

export interface FakeClient {
  readonly service: string;
  readonly uid: number;
  readonly sink: BackendSink;
}

/** `echo` answers at once, `big` with many bytes, `keep` never, `storm` with callbacks. */
export function fakeBackend() {
  const clients: FakeClient[] = [];
  const gone: FakeClient[] = [];
  const kept: [FakeClient, number][] = [];
  let bigAnswers = 0;
  return {
    bigAnswers: () => bigAnswers,
    clients,
    gone,
    kept,
    connect(service: string, uid: number, sink: BackendSink): FakeClient | undefined {
      if (service !== 'echo') return undefined;
      const client = { service, uid, sink };
      clients.push(client);
      return client;
    },
    isJoining: (service: string) => service === 'late',
    request(client: FakeClient, request: number, fn: string, argument: unknown) {
      if (fn === 'keep') kept.push([client, request]);
      else if (fn === 'big') {
        bigAnswers++;
        client.sink.reply(request, { rc: SA_AIS_OK, data: new Uint8Array(Number(argument)) });
      } else if (fn === 'storm') {
        for (let i = 0; i < Number(argument); i++) {
          client.sink.callback('storm', new Uint8Array(1000));
        }
      } else client.sink.reply(request, { rc: SA_AIS_OK, argument });
    },
    isWaiting: () => false,
    disconnect: (client: FakeClient) => void gone.push(client),
  };
}

export function temporaryDirectory(): { path: (name: string) => string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'ais-'));
  return {
    path: (name) => join(directory, name),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export async function fakeServer(
  path: string,
  options: Partial<IpcServerOptions<FakeClient>> = {},
) {
  const backend = fakeBackend();
  const events: IpcEvent[] = [];
  const onEvent = (event: IpcEvent) => events.push(event);
  const server = await createIpcServer<FakeClient>({ path, backend, onEvent, ...options });
  return { server, backend, events };
}

/** A connection without manners: what it writes is up to the test. */
export function rawClient(path: string) {
  const socket: Socket = createConnection(path);
  const frames: Record<string, unknown>[] = [];
  const waiting: (() => void)[] = [];
  let ended = false;
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const decoder = new FrameDecoder((body) => {
    const frame = decode(body)?.value;
    // Bundles are for those who asked for them.
    if (frame !== undefined) frames.push(frame as Record<string, unknown>);
    wake();
    return true;
  });
  socket.on('data', (chunk) => decoder.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    ended = true;
    wake();
  });
  const writer = new FrameWriter(socket);
  return {
    socket,
    frames,
    send: (frame: unknown) => writer.write(encode(frame) as Uint8Array),
    hello: () => writer.write(encode({ t: 'hello', v: 1, service: 'echo' }) as Uint8Array),
    /** The next frame that fits, or undefined when the connection ends without. */
    async until(t: string): Promise<Record<string, unknown> | undefined> {
      while (true) {
        const found = frames.find((frame) => frame['t'] === t);
        if (found !== undefined || ended) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async end(): Promise<void> {
      while (!ended) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

/** Waits, turn by turn of the event loop, until the condition holds; the test's own time-out is the end. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
