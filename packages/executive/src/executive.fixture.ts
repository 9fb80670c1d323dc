/** Executives in this process for tests: on the memory bus, or on UDP over loopback. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryBus, type MemoryBus } from '@aisexec/service/testing';
import type { ExecutiveConfig } from './config/config.ts';
import { parseConfig } from './config/load.ts';
import type { Engine, EngineFactory } from './engine.ts';
import type { LogEvent } from './log/events.ts';

export function temporary() {
  const directory = mkdtempSync(join(tmpdir(), 'ais-exec-'));
  return {
    directory,
    path: (name: string) => join(directory, name),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Configurations of a cluster on loopback, one per node. */
export function configs(
  directory: string,
  ports: readonly number[],
  more = '',
): readonly ExecutiveConfig[] {
  const nodelist = ports.map(
    (port, i) => `  - {id: ${i + 1}, name: n${i + 1}, address: 127.0.0.1, port: ${port}}`,
  );
  return ports.map((_, i) => {
    const text = [
      `node: {id: ${i + 1}}`,
      'nodelist:',
      ...nodelist,
      more.includes('ipc:') ? '' : `ipc: {socket: ${join(directory, `${i + 1}.sock`)}}`,
      `state_dir: ${join(directory, 'state')}`,
      more,
    ].join('\n');
    const { config, problems } = parseConfig(text, 'test');
    if (config === undefined) throw new Error(problems.join('\n'));
    return config;
  });
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'));
  const ports = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<number>((resolve) =>
          socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)),
        ),
    ),
  );
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
  return ports;
}

/** Engines on one memory bus that moves a step per turn of the event loop while any of them runs. */
export function memoryEngines(): { readonly bus: MemoryBus; readonly engine: EngineFactory } {
  const bus = createMemoryBus({ seed: 1 });
  let running = 0;
  const turn = () => {
    if (running === 0) return;
    bus.step();
    setImmediate(turn);
  };
  const engine: EngineFactory = async ({ config }): Promise<Engine> => {
    const { id } = config.node;
    const messaging = bus.start(id);
    let alive = false;
    return {
      name: 'memory',
      messaging,
      endpoint: 'memory',
      ring: { state: 'operational', ringId: { rep: id, seq: 0 }, members: [id] },
      start() {
        alive = true;
        if (running++ === 0) turn();
      },
      async leave() {
        if (alive) running--;
        alive = false;
        bus.kill(id);
      },
      stats: () => ({}),
    };
  };
  return { bus, engine };
}

export function eventsOf(log: readonly LogEvent[]): readonly string[] {
  return log.map(({ event }) => event);
}

/** Waits, turn by turn of the event loop; the test's own time-out is the end. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
