// A client that is killed by its parent (attacks.mjs): it holds locks, is inside a callback, and half of a request
// has left it.
import { connect } from 'node:net';
import { packMsgpack, socketConnector } from '@aisexec/ipc';

const LOCKS = 50;
const [socket] = process.argv.slice(2);
const connection = await socketConnector(socket).connect('lck');
const exclusive = { mode: 2, flags: 0, waiterSignal: 0n, detect: false };
const open = { handle: 1n, name: `victim ${process.pid}`, create: true, notify: true };
await connection.request('open', open);
await connection.request('open', { ...open, handle: 2n });
for (let i = 1n; i <= LOCKS; i++) {
  await connection.request('open', { ...open, handle: 100n + i, name: `${open.name}.${i}` });
  await connection.request('lock', { ...exclusive, handle: 100n + i, lockId: 100n + i });
}
await connection.request('lock', { ...exclusive, handle: 1n, lockId: 1n });
const half = connect({ path: socket }, () => {
  const body = Buffer.from(packMsgpack({ t: 'hello', v: 1, service: 'lck' }));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length + 1_000);
  half.write(Buffer.concat([head, body]), () => {
    // The waiter callback comes to the holder, which never gives the thread back.
    connection.onCallback(() => process.send('in a dispatch', () => spin()));
    void connection.request('lock', { ...exclusive, handle: 2n, lockId: 2n });
  });
});

function spin() {
  for (;;);
}
