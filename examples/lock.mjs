// Take a lock in three lines, and be told when it is lost.
import { LockService } from '@aisexec/lck';

const locks = await LockService.connect();
const resource = await locks.open('nightly-report', { create: true });
const lock = await resource.acquire('EX', { timeoutMs: 5000 });

lock.signal.addEventListener('abort', () => console.log(`stop: ${lock.signal.reason.message}`));
console.log(`held, with a fencing token: ${typeof lock.fencingToken}`);
await lock.unlock();
await locks.close();
