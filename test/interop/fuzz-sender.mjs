// Sends mutated ring packets: node fuzz-sender.mjs ADDRESS[,ADDRESS…] COUNT SEED PAUSE_US. The samples are the
// fuzzer's corpus of every packet type; run in the namespace of the node that it should seem to come from.
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRandom, mutate } from '../fuzz/mutate.mjs';

const PORT = 5_405;
const TYPES = ['commit-token', 'hold-cancel', 'join', 'mcast', 'merge-detect', 'orf-token'];
const BURST = 20;

const [addresses, count, seed, pauseUs] = process.argv.slice(2);
const targets = addresses.split(',');
const samples = TYPES.flatMap((type) => {
  const folder = fileURLToPath(new URL(`../fuzz/corpus/${type}/`, import.meta.url));
  return readdirSync(folder).map((file) =>
    Buffer.from(readFileSync(`${folder}${file}`, 'utf8').replace(/\s/g, ''), 'hex'),
  );
});
const random = createRandom(Number(seed));
const socket = createSocket('udp4');
let sent = 0;
while (sent < Number(count)) {
  const burst = Array.from({ length: BURST }, () => {
    const packet = mutate(random, samples, false);
    return new Promise((done) => socket.send(packet, PORT, random.pick(targets), done));
  });
  sent += BURST;
  await Promise.all(burst);
  await delay((BURST * Number(pauseUs)) / 1_000);
}
socket.close();
