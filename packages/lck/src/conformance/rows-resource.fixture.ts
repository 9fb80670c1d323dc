/** The table's rows on opening and closing resources, and on how long they live (AIS B.1 rules 8 and 10). */
import {
  SA_LCK_RESOURCE_CREATE as CREATE,
  SA_LCK_EX_LOCK_MODE as EX,
  SA_LCK_LOCK_NO_QUEUE as NO_QUEUE,
  SA_LCK_PR_LOCK_MODE as PR,
} from '../protocol.ts';
import { type Case, END } from './case.fixture.ts';
import { codeText, type Row, type Run, row } from './row.fixture.ts';

const opens =
  (name: (c: Case) => string | null, flags: number, timeout = END): Run =>
  (c) =>
    c.sa.saLckResourceOpen(c.handle, name(c), flags, timeout);

/** A name of exactly `bytes` bytes that ends in two-byte characters. */
const sized = (bytes: number) => (c: Case) => {
  const head = c.name('n');
  return c.track(
    head + 'é'.repeat((bytes - head.length) >> 1) + 'x'.repeat((bytes - head.length) & 1),
  );
};

const names: readonly (readonly [
  expected: string,
  when: string,
  name: (c: Case) => string | null,
])[] = [
  ['INVALID_PARAM', 'no name', () => null],
  ['INVALID_PARAM', 'a name of 0 bytes', () => ''],
  ['OK', 'a name of 1 byte', (c) => c.track('n')],
  ['OK', 'a name of 256 bytes', sized(256)],
  ['INVALID_PARAM', 'a name of 257 bytes', sized(257)],
  ['INVALID_PARAM', 'a lone high surrogate: no UTF-8', (c) => `${c.name()}\ud800`],
  ['INVALID_PARAM', 'a lone low surrogate: no UTF-8', (c) => `${c.name()}\udc00x`],
  ['OK', 'a character outside the basic plane', (c) => c.name('🔒')],
  ['OK', 'the name __proto__', (c) => c.track('__proto__')],
  ['OK', 'the name constructor', (c) => c.track('constructor')],
  ['OK', 'a name with a NUL in it', (c) => c.name('a\0b')],
];

const open: readonly Row[] = [
  ...names.map(([expected, when, name]) =>
    row('saLckResourceOpen', expected, when, opens(name, CREATE)),
  ),
  row(
    'saLckResourceOpen',
    'BAD_FLAGS',
    'an unknown flag',
    opens((c) => c.name(), 2),
  ),
  row(
    'saLckResourceOpen',
    'BAD_FLAGS',
    'CREATE and an unknown flag',
    opens((c) => c.name(), 3),
  ),
  row(
    'saLckResourceOpen',
    'BAD_FLAGS',
    'negative flags',
    opens((c) => c.name(), -1),
  ),
  row(
    'saLckResourceOpen',
    'NOT_EXIST',
    'absent, without CREATE',
    opens((c) => c.name('absent'), 0),
  ),
  row(
    'saLckResourceOpen',
    'OK',
    'made on another node, without CREATE',
    opens((c) => c.name(), 0),
  ),
  row(
    'saLckResourceOpen',
    'OK',
    'made on another node, with CREATE',
    opens((c) => c.name(), CREATE),
  ),
  row(
    'saLckResourceOpen',
    'TIMEOUT',
    'time-out 0',
    opens((c) => c.name(), CREATE, 0n),
  ),
  row(
    'saLckResourceOpen',
    'TIMEOUT',
    'a negative time-out',
    opens((c) => c.name(), CREATE, -1n),
  ),
  row(
    'saLckResourceOpen',
    'TIMEOUT',
    'a time-out of 1 ns; nothing stays open',
    opens((c) => c.name('1ns'), CREATE, 1n),
  ),
];

const openAsync: readonly Row[] = [
  ...names.map(([expected, when, name]) =>
    row('saLckResourceOpenAsync', expected, when, async (c) => {
      const { rc } = await c.sa.saLckResourceOpenAsync(c.handle, 1n, name(c), CREATE);
      const [call, ...more] = rc === 1 ? [await c.callback('open')] : await c.settled();
      if (more.length > 0) return 'several callbacks';
      return call === undefined ? { rc } : codeText(call[3]);
    }),
  ),
  row('saLckResourceOpenAsync', 'BAD_FLAGS', 'an unknown flag', (c) =>
    c.sa.saLckResourceOpenAsync(c.handle, 1n, c.name(), 8),
  ),
  row('saLckResourceOpenAsync', 'INIT', 'there is no callback for it', (c) =>
    c.sa.saLckResourceOpenAsync(c.creator, 1n, c.name(), 0),
  ),
  row('saLckResourceOpenAsync', 'callback 0 NOT_EXIST', 'absent, without CREATE', async (c) => {
    await c.sa.saLckResourceOpenAsync(c.handle, 0n, c.name('absent'), 0);
    const [, invocation, , rc] = await c.callback('open');
    return `callback ${invocation} ${codeText(rc)}`;
  }),
  row('saLckResourceOpenAsync', 'no callback', 'finalised before dispatching', async (c) => {
    await c.sa.saLckResourceOpenAsync(c.handle, 1n, c.name('finalised'), CREATE);
    await c.sa.saLckFinalize(c.handle);
    return c.calls.length === 0 ? 'no callback' : 'a callback';
  }),
];

const close: readonly Row[] = [
  row('saLckResourceClose', 'OK', 'it is open', (c) => c.sa.saLckResourceClose(c.resource)),
  row('saLckResourceClose', 'BAD_HANDLE', 'closed already', async (c) => {
    await c.sa.saLckResourceClose(c.resource);
    return c.sa.saLckResourceClose(c.resource);
  }),
  row(
    'saLckResourceClose',
    'OK GRANTED',
    'another waits for what is held through it',
    async (c) => {
      await c.held(c.resource);
      const waits = c.sa.saLckResourceLock(c.theirs, EX, 0, 0n, END);
      await c.sa.saLckResourceClose(c.resource);
      return waits;
    },
  ),
  row('saLckResourceClose', 'BAD_HANDLE', 'a call waits through it: that call', async (c) => {
    await c.held(c.theirs);
    const waits = c.sa.saLckResourceLock(c.resource, EX, 0, 0n, END);
    await c.sa.saLckResourceClose(c.resource);
    return waits;
  }),
  row(
    'saLckResourceClose',
    'OK NOT_QUEUED',
    'a lock held through another open stays',
    async (c) => {
      const second = await c.open(c.handle);
      await c.held(second);
      await c.sa.saLckResourceClose(c.resource);
      return c.sa.saLckResourceLock(c.theirs, EX, NO_QUEUE, 0n, END);
    },
  ),
  row('saLckResourceClose', 'no callback', 'callbacks of it are queued', async (c) => {
    await c.sa.saLckResourceLockAsync(c.resource, 1n, PR, 0, 0n);
    await c.sa.saLckResourceClose(c.resource);
    return (await c.settled()).length === 0 ? 'no callback' : 'a callback';
  }),
  row('lifetime', 'NOT_EXIST', 'the last opener has closed', async (c) => {
    await c.sa.saLckResourceClose(c.resource);
    await c.sa.saLckResourceClose(c.theirs);
    return c.sa.saLckResourceOpen(c.handle, c.name(), 0, END);
  }),
];

export const RESOURCE_ROWS: readonly Row[] = [...open, ...openAsync, ...close];
