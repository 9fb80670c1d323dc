// An executive inside the application: no daemon, no socket, one node.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executive, parseConfig } from '@aisexec/executive';
import { LockService } from '@aisexec/lck';

const directory = mkdtempSync(join(tmpdir(), 'embedded-'));
const { config } = parseConfig(`state_dir: ${directory}`, 'embedded.mjs');
const executive = await Executive.start({ config, listen: false });
const locks = await LockService.connect({ connector: executive.connector() });
await locks.withLock('mine', () => console.log('in the critical section'));
await locks.close();
await executive.stop();
rmSync(directory, { recursive: true });
