import { createSocket } from 'node:dgram';
import { describe, expect, test } from '@jest/globals';
import { createTimers } from './timers.ts';

type Name = 'a' | 'b' | 'c';

function timers() {
  const fired: Name[] = [];
  const waiting: (() => void)[] = [];
  const created = createTimers<Name>({
    fire: (name) => {
      fired.push(name);
      for (const resolve of waiting.splice(0)) resolve();
    },
  });
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  return { fired, next, timers: created };
}

describe('timers', () => {
  test('fire once each, in the order of their deadlines', async () => {
    const { fired, next, timers: t } = timers();
    const deadlines: (readonly [number, Name])[] = [];
    const set = (name: Name, ms: number): void => {
      deadlines.push([performance.now() + ms, name]);
      t.set(name, ms);
    };
    set('b', 120);
    set('a', 4);
    set('c', 60);
    while (fired.length < 3) await next();
    // Not simply a, c, b: on a loaded machine there may be much time between two lines.
    expect(fired).toEqual(deadlines.toSorted(([a], [b]) => a - b).map(([, name]) => name));
    t.stop();
  });

  test('a restarted timer fires at its last deadline only, a cancelled one never', async () => {
    const { fired, next, timers: t } = timers();
    const start = performance.now();
    t.set('a', 5);
    t.set('b', 5);
    t.set('a', 25);
    t.cancel('b');
    await next();
    expect(fired).toEqual(['a']);
    expect(performance.now() - start).toBeGreaterThanOrEqual(24.5);
    t.stop();
  });

  test('a restart to an earlier deadline is heard', async () => {
    const { fired, next, timers: t } = timers();
    t.set('a', 60_000);
    t.set('a', 1);
    await next();
    expect(fired).toEqual(['a']);
    t.stop();
  });

  test('a packet that lies in the socket counts before a deadline that passed meanwhile', async () => {
    const { fired, next, timers: t } = timers();
    const lookup = (host: string, _: object, done: (e: null, a: string, f: number) => void) =>
      done(null, host, 4);
    const socket = createSocket({ type: 'udp4', lookup: lookup as never });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    socket.on('message', () => t.set('a', 30));
    t.set('a', 1);
    socket.send(Uint8Array.of(1), socket.address().port, '127.0.0.1');
    // The whole process is paused over the deadline: Node will run its timers before it polls.
    const until = performance.now() + 10;
    while (performance.now() < until);
    t.set('b', 5);
    await next();
    expect(fired).toEqual(['b']);
    await new Promise<void>((resolve) => socket.close(resolve));
    t.stop();
  });

  test('fire may set and cancel timers, and stop ends everything', async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      const t = createTimers<Name>({
        fire: (name) => {
          fired.push(name);
          if (name === 'a') {
            t.cancel('b');
            t.set('c', 1);
          } else {
            t.set('a', 1);
            t.stop();
            t.set('b', 1);
            setTimeout(resolve, 10);
          }
        },
      });
      t.set('a', 2);
      t.set('b', 2);
    });
    expect(fired).toEqual(['a', 'c']);
  });
});
