// Listens where a node of the nodelist would: in a ring over udpu every member sends it everything. It names the
// messages of Corosync's synchronisation (totem-wire §4) and kills a process at one of them, long before a test
// that reads a log could.
//   node test/interop/sync-spy.mjs ADDRESS, and on standard input:
//     kill PID JOINER POINT   when a node other than JOINER, which is about to come in, has sent POINT: build,
//                             joinlist, nodeinfo, or the barrier of a step: barrier 1, barrier 2, …
// Prints "listening", and "killed at POINT of NODE in ring REP.SEQ".
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const PORT = 5405;
const MULTICAST = 1;
const PLAIN = 2;
const PACKET = 45;
const BUILD = 1;
/** Service in the upper half, function in the lower. */
const EXEC = new Map([
  [(2 << 16) | 2, 'joinlist'],
  [5 << 16, 'nodeinfo'],
]);

let order;
/** Barriers so far, by sender; a build starts anew. */
const barriers = new Map();

const socket = createSocket('udp4');
socket.on('message', (bytes) => {
  if (bytes.length <= PACKET || bytes[3] !== MULTICAST || bytes[4] !== PLAIN) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sender = view.getUint32(13, true);
  const ring = `${view.getUint32(25, true)}.${view.getBigUint64(29, true)}`;
  for (const point of pointsOf(view, sender)) act(point, sender, ring);
});
socket.bind(PORT, process.argv[2], () => console.log('listening'));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, pid, joiner, ...point] = line.split(' ');
    order = { pid: Number(pid), joiner: Number(joiner), point: point.join(' ') };
  })
  .on('close', () => process.exit());

function act(point, sender, ring) {
  if (order === undefined || point !== order.point || sender === order.joiner) return;
  process.kill(order.pid, 'SIGKILL');
  order = undefined;
  console.log(`killed at ${point} of ${sender} in ring ${ring}`);
}

/** The points of the synchronisation in one packet; its first piece may be the end of a message, which is none. */
function pointsOf(view, sender) {
  const count = view.getUint16(PACKET + 6, true);
  const isTail = view.getUint8(PACKET + 5) !== 0;
  const points = [];
  let at = PACKET + 8 + 2 * count;
  for (let i = 0; i < count; i++) {
    const length = view.getUint16(PACKET + 8 + 2 * i, true);
    const point = i === 0 && isTail ? undefined : pointOf(view, at, length, sender);
    if (point !== undefined) points.push(point);
    at += length;
  }
  return points;
}

function pointOf(view, at, length, sender) {
  // One group, its name, and the head of a message.
  const nameLength = view.getUint16(at + 2, true);
  const body = at + 4 + nameLength;
  if (body + 4 > at + length) return undefined;
  const group = String.fromCharCode(
    ...new Uint8Array(view.buffer, view.byteOffset + at + 4, nameLength),
  );
  const id = view.getUint32(body, true);
  if (group === 'a') return EXEC.get(id);
  if (group !== 'sync') return undefined;
  if (id === BUILD) barriers.set(sender, 0);
  else barriers.set(sender, (barriers.get(sender) ?? 0) + 1);
  return id === BUILD ? 'build' : `barrier ${barriers.get(sender)}`;
}
