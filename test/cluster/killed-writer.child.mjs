// A process that writes the same vector over and over, each time filled with the next byte, and says on its output
// when a round is acknowledged. The test kills it in the middle of one.
import { CheckpointService } from '@aisexec/ckpt';

const [socket, name, elements, bytes] = process.argv.slice(2);
const service = await CheckpointService.connect({ socket });
const checkpoint = await service.open(name);
for (let round = 1; ; round++) {
  const data = Buffer.alloc(Number(bytes), round % 256);
  const items = Array.from({ length: Number(elements) }, (_, index) => ({ id: `s${index}`, data }));
  await checkpoint.write(items);
  process.stdout.write(`${round}\n`);
}
