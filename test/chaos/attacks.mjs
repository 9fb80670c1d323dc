// Hostile local clients, each a function that attacks one socket until it is told to stop. They speak in raw
// bytes where the client package would not let them. What they are told in return goes to `told`.
import { connect } from 'node:net';
import { packMsgpack, socketConnector, unpackMsgpack } from '@aisexec/ipc';

/** What one attacker does at a time: so many connections. */
const CROWD = 200;
const PAUSE_MS = 5;

const frame = (value) => {
  const body = Buffer.from(packMsgpack(value));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
};
const hello = (service, v = 1) => frame({ t: 'hello', v, service });
const request = (id, fn, arg) => frame({ t: 'request', id, fn, arg });
const pause = (ms = PAUSE_MS) => new Promise((resolve) => setTimeout(resolve, ms));

/** A raw connection that notes why it was ended; resolves when it is connected or refused. */
function raw({ socket, told }, { read = true } = {}) {
  return new Promise((resolve) => {
    const link = connect({ path: socket }, () => resolve(link));
    link.on('error', () => resolve(link));
    link.on('close', () => resolve(link));
    if (!read) {
      link.pause();
      return;
    }
    let rest = Buffer.alloc(0);
    link.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
        const end = 4 + rest.readUInt32LE(0);
        const { t, rc, reason } = unpackMsgpack(rest.subarray(4, end))?.value ?? {};
        rest = rest.subarray(end);
        if (t === 'goodbye') told(`${reason} (${rc})`);
      }
    });
  });
}

/** Keeps `CROWD` connections going: whoever is thrown out comes again. */
async function crowd(target, open) {
  const links = new Set();
  while (!target.signal.aborted) {
    for (const link of links) if (link.destroyed) links.delete(link);
    if (links.size < CROWD) links.add(await open());
    else await pause();
  }
  for (const link of links) link.destroy();
}

/** One connection after the other. */
async function again(target, attack) {
  while (!target.signal.aborted) {
    await attack();
    await pause();
  }
}

async function written(link, bytes) {
  if (!link.destroyed) link.write(bytes);
  await new Promise((resolve) => {
    link.once('close', resolve);
    setTimeout(resolve, 100);
  });
  link.destroy();
}

/** Calls without end on one connection, so many under way at a time. */
async function calling(target, service, underWay, call) {
  const connection = await socketConnector(target.socket).connect(service);
  let number = 0;
  const caller = async () => {
    while (!target.signal.aborted) {
      const { rc } = await connection.request(...call(number++)).catch(() => ({ rc: 'ended' }));
      if (rc !== 1) target.told(`rc ${rc}`);
      if (rc === 'ended') return;
    }
  };
  await Promise.all(Array.from({ length: underWay }, caller));
  await connection.close().catch(() => {});
}

const EXCLUSIVE = { mode: 2, flags: 0, waiterSignal: 0n, detect: false };
const lockOf = (handle, name) => ({ handle, name, create: true, notify: false });

export const ATTACKS = {
  'hello that never ends': (target) =>
    crowd(target, async () => {
      const link = await raw(target);
      link.write(hello('lck').subarray(0, 6));
      return link;
    }),
  'half a frame, then silence': (target) =>
    crowd(target, async () => {
      const link = await raw(target);
      link.write(hello('lck'));
      link.write(request(1, 'open', {}).subarray(0, 9));
      return link;
    }),
  'lengths too large and negative': (target) =>
    again(target, async () => {
      for (const length of [0, 1_114_113, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
        const head = Buffer.alloc(8);
        head.writeUInt32LE(length);
        await written(await raw(target), head);
      }
    }),
  'connects without end': async (target) => {
    while (!target.signal.aborted) {
      const links = await Promise.all(Array.from({ length: 50 }, () => raw(target)));
      for (const link of links) link.destroy();
    }
  },
  'opens everything and closes nothing': (target) => {
    let handle = 1n;
    return calling(target, 'lck', 16, (number) => [
      'open',
      lockOf(handle++, `r${number % 20_000}`),
    ]);
  },
  'asks and never reads': (target) =>
    crowd({ ...target, signal: target.signal }, async () => {
      const link = await raw(target, { read: false });
      link.write(hello('lck'));
      for (let id = 1; id <= 5_000; id++) link.write(request(id, 'limits', null));
      return link;
    }),
  'subscribes and never reads': async (target) => {
    const link = await raw(target, { read: false });
    const open = { handle: 1n, name: 'flood', create: true, publisher: true, subscriber: true };
    link.write(hello('evt'));
    link.write(request(1, 'open', open));
    link.write(request(2, 'subscribe', { handle: 1n, id: 1, serial: 1, filters: [] }));
    const publish = { handle: 2n, patterns: [], priority: 3, retention: 0n, publisher: '' };
    const data = new Uint8Array(4_096);
    await calling(target, 'evt', 8, (number) =>
      number === 0 ? ['open', { ...open, handle: 2n }] : ['publish', { ...publish, data }],
    );
    link.destroy();
  },
  'a service that is not there, another protocol': (target) =>
    again(target, async () => {
      for (const service of ['none', '', '__proto__', 'x'.repeat(100_000)]) {
        await written(await raw(target), hello(service));
      }
      await written(await raw(target), hello('lck', 99));
    }),
  'handles of others, finalised twice, never opened': (target) =>
    calling(target, 'lck', 16, (number) => [
      ['lock', 'unlock', 'close', 'purge'][number % 4],
      { ...EXCLUSIVE, handle: BigInt(number), lockId: BigInt(number) },
    ]),
  'more calls under way than there is room for': (target) =>
    again(target, async () => {
      const link = await raw(target);
      link.write(hello('lck'));
      link.write(request(1, 'open', lockOf(1n, 'busy')));
      for (let id = 2; id < 20_000 && !target.signal.aborted; id++) {
        const bytes = request(id, 'open', lockOf(BigInt(id), 'busy'));
        if (!link.write(bytes)) await pause(1);
        if (link.destroyed) return;
      }
      link.destroy();
    }),
  'dies in the middle of a write, holding locks': (target) =>
    again(target, async () => {
      const link = await raw(target);
      link.write(hello('lck'));
      link.write(request(1, 'open', lockOf(1n, 'left')));
      link.write(request(2, 'lock', { ...EXCLUSIVE, handle: 1n, lockId: 1n }));
      link.write(request(3, 'open', lockOf(2n, 'half')).subarray(0, 20));
      await pause(20);
      link.destroy();
    }),
  'names that are empty, too long, no UTF-8, or a prototype’s': (target) => {
    const names = ['', 'n', 'n'.repeat(256), 'n'.repeat(257), '\ud800', '__proto__', 'constructor'];
    const odd = [...names, Uint8Array.of(0xff, 0xfe), 7, null, { length: 3 }, []];
    const fns = ['open', 'lock', '__proto__', 'toString', '', 'x'.repeat(10_000)];
    return calling(target, 'lck', 8, (number) => [
      fns[number % fns.length],
      lockOf(BigInt(number), odd[Math.floor(number / fns.length) % odd.length]),
    ]);
  },
  'frames of rubbish': (target) =>
    again(target, async () => {
      for (const value of [
        [],
        'text',
        { t: 'reply', id: 1 },
        { t: 'request', id: 7, fn: 'open' },
      ]) {
        const link = await raw(target);
        link.write(hello('lck'));
        await written(link, frame(value));
      }
      await written(await raw(target), Buffer.alloc(65_536, 0x55));
    }),
};
