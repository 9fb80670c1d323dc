// What sealing costs, alone and on the ring:
//   node test/bench/seal.mjs [--ms 300] [--sizes 70,512,1342,8842,16226]
// Per cipher and packet size: microseconds to seal and to open one packet, medians of slices of 10 ms. For the token's rotation
// with and without sealing (three processes) and the throughput of the ring:
//   node test/bench/ring.mjs --variants auto:1500,auto:1500:50:17:aes-256-gcm,auto:1500:50:17:chacha20-poly1305
import { parseArgs } from 'node:util';
import { createOpener } from '../../packages/executive/dist/drivers/seal/opener.js';
import { createSealer } from '../../packages/executive/dist/drivers/seal/sealer.js';
import { groupKey } from '../../packages/executive/dist/key-file.js';

const { values } = parseArgs({
  options: {
    ms: { type: 'string', default: '300' },
    sizes: { type: 'string', default: '70,512,1342,8842,16226' },
  },
});
const SLICE_MS = 10;
const PER_EPOCH = 256;
const key = groupKey(1, new Uint8Array(32).fill(7));
let epoch = 1n;

for (const cipher of ['aes-256-gcm', 'chacha20-poly1305']) {
  for (const size of values.sizes.split(',').map(Number)) {
    const sealer = createSealer({ nodeId: 2, cipher, key, epochs: { next: () => epoch++ } });
    const opener = createOpener(cipher, [2]);
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
    console.log(
      `${cipher.padEnd(18)} ${String(size).padStart(6)} B  seal ${seal.toFixed(2)} us  open ${open.toFixed(2)} us`,
    );
  }
}

/** Microseconds per packet: the median of slices, so that what else runs on the machine counts little. */
function median(work, prepare = () => {}) {
  const slices = [];
  const end = performance.now() + Number(values.ms) + SLICE_MS;
  while (performance.now() < end) {
    let spent = 0;
    let packets = 0;
    while (spent < SLICE_MS) {
      prepare();
      const at = performance.now();
      work();
      spent += performance.now() - at;
      packets += PER_EPOCH;
    }
    slices.push((spent * 1000) / packets);
  }
  slices.sort((a, b) => a - b);
  return slices[Math.floor(slices.length / 2)];
}
