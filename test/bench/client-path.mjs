// What one message costs between a program and the ring: CPG client, connection and CPG service in one process, with a
// queue in the place of the ring. Processor time, so that it can be compared on a busy machine:
//   node test/bench/client-path.mjs [--size 64] [--window 512] [--messages 100000]
// More in flight than 8 MiB, or than the client reads, ends it as too slow.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ProcessGroup } from '@aisexec/cpg';
import { createCpgService } from '@aisexec/cpg/service';
import { createIpcServer } from '@aisexec/ipc/server';

const NODE = 1;
const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '64' },
    window: { type: 'string', default: '512' },
    messages: { type: 'string', default: '100000' },
  },
});
const [size, window, messages] = [values.size, values.window, values.messages].map(Number);

let ordered = [];
const service = createCpgService({
  nodeId: NODE,
  multicast(message, rest = new Uint8Array(0)) {
    if (ordered.length === 0) setImmediate(deliver);
    ordered.push(Buffer.concat([message, rest]));
    return true;
  },
});
service.resumed({ rep: NODE, seq: 4 });
const directory = mkdtempSync(join(tmpdir(), 'ais-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, 'sock');
const me = { pid: process.pid, uid: 0, gid: 0 };
await createIpcServer({
  path,
  credentials: () => me,
  backend: {
    connect: (_service, _uid, sink) => service.connect(sink),
    request: (connection, request, fn, argument) => connection.request(request, fn, argument),
    disconnect: (connection) => connection.disconnect(),
  },
});
const group = await ProcessGroup.join('bench', { socket: path });
const payload = new Uint8Array(size);
let delivered = 0;
void count();
await send(messages / 2);
const before = process.cpuUsage();
const from = delivered;
await send(messages);
const { user, system } = process.cpuUsage(before);
const us = (user + system) / (delivered - from);
console.log(`${size} B, ${window} in flight: ${us.toFixed(2)} us of the processor each`);
process.exit();

function deliver() {
  const all = ordered;
  ordered = [];
  for (const message of all) service.deliver(message.readUInt16LE(0), NODE, message);
}

async function count() {
  for await (const { type } of group.events()) if (type === 'message') delivered++;
}

async function send(total) {
  let sent = 0;
  const one = async () => {
    while (sent++ < total) await group.multicast(payload);
  };
  await Promise.all(Array.from({ length: window }, one));
}
