// Hostile local clients, each a function that attacks one socket until it is told to stop. They speak in raw
// bytes where the client package would not let them. What they are told in return goes to `told`.
// reliability §11.5 names them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { packMsgpack, socketConnector, unpackMsgpack } from '@aisexec/ipc';

/** What one attacker does at a time: so many connections. */
const CROWD = 200;
const PAUSE_MS = 5;
/** Connections that share a million calls: below what one uid may have. */
const MANY = 250;
/** Calls of one connection without an answer: what the executive reads. */
const UNDER_WAY = 4_096;
/** What one client can have of a service that is released with it. */
const HELD = { handles: 12_000, locks: 3_500 };

const frame = (value) => {
  const body = Buffer.from(packMsgpack(value));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
};
const hello = (service, v = 1) => frame({ t: 'hello', v, service });
const request = (id, fn, arg) => frame({ t: 'request', id, fn, arg });
const goodbye = () => frame({ t: 'goodbye' });
const pause = (ms = PAUSE_MS) => new Promise((resolve) => setTimeout(resolve, ms));

/** A raw connection that notes why it was ended, and shows `seen` the frames; resolves when it is connected or refused. */
function raw({ socket, told }, { read = true, seen = () => {} } = {}) {
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
        const value = unpackMsgpack(rest.subarray(4, end))?.value ?? {};
        rest = rest.subarray(end);
        if (value.t === 'goodbye') told(`${value.reason} (${value.rc})`);
        seen(value);
      }
    });
  });
}

/** Resolves with the first frame of a kind, or undefined when the connection ended before. */
function answered(target, kind) {
  let link;
  const frame = new Promise((resolve) => {
    link = raw(target, { seen: (value) => value.t === kind && resolve(value) });
    void link.then((open) => open.once('close', () => resolve(undefined)));
  });
  return { link, frame };
}

/** Keeps `size` connections going: whoever is thrown out comes again. */
async function crowd(target, open, size = CROWD) {
  const links = new Set();
  while (!target.signal.aborted) {
    for (const link of links) if (link.destroyed) links.delete(link);
    if (links.size < size) links.add(await open());
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

/** Names whose bytes no string of JavaScript has. */
function noUtf8(target) {
  return again(target, async () => {
    const bytes = request(1, 'open', lockOf(1n, 'nnnn'));
    const at = bytes.indexOf('nnnn');
    bytes.set([0xff, 0xc0, 0xed, 0xa0], at);
    await written(await raw(target), Buffer.concat([hello('lck'), bytes]));
  });
}

const EXCLUSIVE = { mode: 2, flags: 0, waiterSignal: 0n, detect: false };
const lockOf = (handle, name) => ({ handle, name, create: true, notify: false });

/** Opens, and with `locks` takes, so much on one connection; resolves when it has all. */
async function hoard(target, { handles, locks }) {
  let answers = 0;
  let have;
  const all = new Promise((resolve) => {
    have = resolve;
  });
  const link = await raw(target, {
    seen: ({ t }) => t === 'reply' && ++answers === handles + locks && have(),
  });
  link.once('close', have);
  let id = 1;
  const write = async (bytes) => {
    if (!link.write(bytes)) await pause(1);
  };
  link.write(hello('lck'));
  for (let i = 0; i < handles && !link.destroyed; i++) {
    await write(request(id++, 'open', lockOf(BigInt(i), `held${i}`)));
  }
  for (let i = 0; i < locks && !link.destroyed; i++) {
    const handle = BigInt(i);
    await write(request(id++, 'lock', { ...EXCLUSIVE, handle, lockId: handle }));
  }
  await all;
  return link;
}

/** What is not the executive's doing: an attacker that takes the processor and says nothing to anybody. */
export const CONTROL = {
  'control: takes the processor only': async ({ signal }) => {
    while (!signal.aborted) {
      const until = performance.now() + 5;
      while (performance.now() < until);
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
};

export const ATTACKS = {
  'hello that never ends': (target) =>
    crowd(target, async () => {
      const link = await raw(target);
      link.write(hello('lck').subarray(0, 6));
      return link;
    }),
  'hello byte by byte': (target) =>
    crowd(target, async () => {
      const link = await raw(target);
      const bytes = hello('lck');
      let at = 0;
      const timer = setInterval(() => {
        if (link.destroyed || at === bytes.length - 1) clearInterval(timer);
        else link.write(bytes.subarray(at, ++at));
      }, 50);
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
    const begun = performance.now();
    let connects = 0;
    while (!target.signal.aborted) {
      const links = await Promise.all(Array.from({ length: 50 }, () => raw(target)));
      for (const link of links) link.destroy();
      connects += links.length;
    }
    target.told(`${Math.round((connects * 1_000) / (performance.now() - begun))} connects/s`);
  },
  'opens everything and closes nothing': (target) => {
    let handle = 1n;
    return calling(target, 'lck', 16, (number) => [
      'open',
      lockOf(handle++, `r${number % 20_000}`),
    ]);
  },
  'opens channels, subscriptions and checkpoints and closes nothing': async (target) => {
    const attributes = { checkpointSize: 100, maxSections: 1, maxSectionSize: 100 };
    const creation = { creationFlags: 1, retentionDuration: 0n, maxSectionIdSize: 10 };
    await Promise.all([
      calling(target, 'evt', 16, (number) => {
        const handle = BigInt(Math.floor(number / 64));
        const open = { name: `c${handle}`, create: true, publisher: true, subscriber: true };
        return number % 64 === 0
          ? ['open', { handle, ...open }]
          : ['subscribe', { handle, id: number % 64, serial: number, filters: [] }];
      }),
      calling(target, 'ckpt', 16, (number) => [
        'open',
        {
          ...{ handle: BigInt(number), name: `c${number % 5_000}`, openFlags: 7 },
          attributes: { ...attributes, ...creation },
        },
      ]),
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
  'publishes large events without end': (target) => {
    const open = { handle: 1n, name: 'large', create: true, publisher: true, subscriber: false };
    const publish = { handle: 1n, patterns: [], priority: 3, retention: 0n, publisher: '' };
    const data = new Uint8Array(65_000);
    return calling(target, 'evt', 128, (number) =>
      number === 0 ? ['open', open] : ['publish', { ...publish, data }],
    );
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
  'sessions of others, of the past, and goodbyes said twice': (target) =>
    again(target, async () => {
      const { link, frame: welcome } = answered(target, 'welcome');
      (await link).write(frame({ t: 'hello', v: 1, service: 'lck', grace: 60_000 }));
      const token = (await welcome)?.session ?? '';
      (await link).write(request(1, 'open', lockOf(1n, 'stale')));
      (await link).write(Buffer.concat([goodbye(), goodbye()]));
      await pause();
      for (const [session, service] of [
        [token, 'lck'],
        [token, 'evt'],
        ['0'.repeat(32), 'lck'],
        ['__proto__', 'lck'],
        [{}, 'lck'],
      ]) {
        const resumed = { t: 'hello', v: 1, service, session, seen: 0 };
        await written(await raw(target), Buffer.concat([frame(resumed), goodbye()]));
      }
      // A handle of the session before, on a new one.
      const stale = request(1, 'lock', { ...EXCLUSIVE, handle: 1n, lockId: 1n });
      await written(await raw(target), Buffer.concat([hello('lck'), stale, goodbye(), goodbye()]));
    }),
  'a thousand calls that all have to be ordered, all the time': (target) =>
    calling(target, 'lck', 1_000, (number) => ['unlock', { lockId: BigInt(number) }]),
  'a million calls under way': (target) =>
    crowd(
      target,
      async () => {
        const link = await raw(target);
        link.write(hello('lck'));
        link.write(request(1, 'open', lockOf(1n, 'wanted by all')));
        for (let id = 2; id < UNDER_WAY && !target.signal.aborted; id++) {
          link.write(request(id, 'lock', { ...EXCLUSIVE, handle: 1n, lockId: BigInt(id) }));
        }
        return link;
      },
      MANY,
    ),
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
  'dies holding all it can': (target) =>
    again(target, async () => {
      const link = await hoard(target, HELD);
      link.destroy();
    }),
  'is killed holding locks, in a dispatch, in the middle of a write': (target) =>
    again(target, async () => {
      const victim = fork(fileURLToPath(new URL('victim.mjs', import.meta.url)), [target.socket]);
      const gone = once(victim, 'exit');
      await Promise.race([once(victim, 'message'), gone]);
      victim.kill('SIGKILL');
      await gone;
      await pause(200);
    }),
  'names that are empty, too long, no UTF-8, or a prototype’s': (target) => {
    const names = ['', 'n', 'n'.repeat(256), 'n'.repeat(257), '\ud800', '__proto__', 'constructor'];
    const odd = [...names, Uint8Array.of(0xff, 0xfe), 7, null, { length: 3 }, []];
    const fns = ['open', 'lock', '__proto__', 'toString', '', 'x'.repeat(10_000)];
    void noUtf8(target);
    return calling(target, 'lck', 8, (number) => [
      fns[number % fns.length],
      lockOf(BigInt(number), odd[Math.floor(number / fns.length) % odd.length]),
    ]);
  },
  'arguments that contain themselves, dates, errors and deep nests': (target) =>
    again(target, async () => {
      const open = frame({
        t: 'request',
        id: 1,
        fn: 'open',
        arg: { ...lockOf(1n, 'odd'), x: 'HERE!' },
      });
      const at = open.indexOf('HERE!') - 1;
      const nest = [...new Array(1_000).fill(0x91), 0xc0];
      // msgpackr: ext 0x69 names a structure, ext 0x70 refers to it; 0x65 is an error, 0xff a date, 0x73 a set.
      for (const odd of [
        [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1],
        [0xd6, 0x65, 0x40, 0, 0, 0, 0x93, 1, 2, 3],
        [0xd6, 0xff, 0, 0, 0, 1],
        [0xd6, 0x73, 0x40, 0, 0, 0, 0x93, 1, 2, 3],
        nest,
      ]) {
        const bytes = Buffer.concat([
          open.subarray(0, at),
          Buffer.from(odd),
          open.subarray(at + 6),
        ]);
        bytes.writeUInt32LE(bytes.length - 4);
        await written(await raw(target), Buffer.concat([hello('lck'), bytes]));
      }
    }),
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
