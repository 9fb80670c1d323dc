// State that outlives a process: written on every node before the call returns.
import { CheckpointService } from '@aisexec/ckpt';

const checkpoints = await CheckpointService.connect();
const session = await checkpoints.open('sessions', {
  create: { maxSections: 100, maxSectionBytes: 4096, retentionMs: 60_000 },
});
await session.section('alice').create(Buffer.from('cart: 3 books'));
await session.section('alice').overwrite(Buffer.from('cart: 4 books'));
console.log(Buffer.from(await session.section('alice').read()).toString());
await session.section('alice').delete();
await checkpoints.close();
