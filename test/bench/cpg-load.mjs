// One member of a process group under load, on our client: what cpg-load.c is on libcpg, with the same lines on
// standard input and the same answers. AISEXEC_SOCKET says where the executive is.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessGroup } from '@aisexec/cpg';

const WARM_UP_NS = 300_000_000n;

const group = await ProcessGroup.join('bench');
let delivered = 0;
void count();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...numbers] = line.split(' ');
  const answer = await (what === 'load' ? load : latency)(...numbers.map(BigInt));
  console.log(JSON.stringify(answer));
}
process.exit();

async function count() {
  for await (const event of group.events()) if (event.type === 'message') delivered++;
}

async function load(size, start, end, window) {
  const payload = new Uint8Array(Number(size));
  let isOver = false;
  const send = async () => {
    while (!isOver) await group.multicast(payload);
  };
  await sleepUntil(start - WARM_UP_NS);
  const senders = Array.from({ length: Number(window) }, send);
  await sleepUntil(start);
  const from = process.hrtime.bigint();
  const before = delivered;
  await sleepUntil(end);
  const messages = delivered - before;
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  isOver = true;
  await Promise.all(senders);
  return { messages, seconds };
}

async function latency(rounds, size) {
  const payload = new Uint8Array(Number(size));
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const from = process.hrtime.bigint();
    await group.multicast(payload);
    times.push(Number(process.hrtime.bigint() - from) / 1e3);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)];
  return { p50: at(0.5), p99: at(0.99) };
}

async function sleepUntil(when) {
  const left = Number(when - process.hrtime.bigint()) / 1e6;
  if (left > 0) await delay(left);
}
