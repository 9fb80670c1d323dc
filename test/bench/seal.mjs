// What sealing costs, alone and on the ring:
//   node test/bench/seal.mjs [--ms 300] [--sizes 70,512,1342,8842,16226] [--io auto,plain]
// Per cipher, packet size and way (auto: the process's libcrypto with kept contexts; plain: node:crypto): microseconds of the processor to seal
// and to open one packet, medians of slices of 10 ms. For the token's rotation with and without sealing (three processes) and the throughput of the ring:
//   node test/bench/ring.mjs --variants auto:1500,auto:1500:50:17:aes-256-gcm,auto:1500:50:17:aes-256-gcm@plain
import { parseArgs } from 'node:util';
import { chooseAead } from '../../packages/executive/dist/drivers/seal/choose-aead.js';
import { createOpener } from '../../packages/executive/dist/drivers/seal/opener.js';
import { createSealer } from '../../packages/executive/dist/drivers/seal/sealer.js';
import { groupKey } from '../../packages/executive/dist/key-file.js';

const { values } = parseArgs({
  options: {
    ms: { type: 'string', default: '300' },
    sizes: { type: 'string', default: '70,512,1342,8842,16226' },
    io: { type: 'string', default: 'auto,plain' },
  },
});
const SLICE_MS = 10;
const PER_EPOCH = 256;
const key = groupKey(1, new Uint8Array(32).fill(7));
let epoch = 1n;

for (const cipher of ['aes-256-gcm', 'chacha20-poly1305']) {
  for (const size of values.sizes.split(',').map(Number)) {
    for (const io of values.io.split(',')) measure(cipher, size, io);
  }
}

function measure(cipher, size, io) {
  const { create, plain } = chooseAead(cipher, io);
  const epochs = { next: () => epoch++ };
  const sealer = createSealer({ nodeId: 2, cipher, key, epochs, aead: create() });
  const opener = createOpener({ cipher, nodeIds: [2], aead: create() });
  opener.accept([key]);
  const packet = new Uint8Array(size).fill(5);
  const seal = median(() => {
    for (let i = 0; i < PER_EPOCH; i++) sealer.seal(packet);
  });
  let datagrams = [];
  const open = median(
    () => {
      for (const datagram of datagrams) opener.open(datagram, 2);
    },
    () => {
      datagrams = Array.from({ length: PER_EPOCH }, () => Uint8Array.from(sealer.seal(packet)));
    },
  );
  const way = plain === undefined ? 'libcrypto' : 'node:crypto';
  console.log(
    `${cipher.padEnd(18)} ${String(size).padStart(6)} B  ${way.padEnd(11)}  seal ${seal.toFixed(2)} us  open ${open.toFixed(2)} us`,
  );
}

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Microseconds of the processor per packet, those of the garbage collector included: the median of slices. */
function median(work, prepare = () => {}) {
  const slices = [];
  const end = performance.now() + Number(values.ms) + SLICE_MS;
  while (performance.now() < end) {
    let spent = 0;
    let packets = 0;
    while (spent < SLICE_MS) {
      prepare();
      const at = processorMs();
      work();
      spent += processorMs() - at;
      packets += PER_EPOCH;
    }
    slices.push((spent * 1000) / packets);
  }
  slices.sort((a, b) => a - b);
  return slices[Math.floor(slices.length / 2)];
}
