/** A worker thread of `aissim --seeds`: run options in, a result out, until terminated. */
import { parentPort } from 'node:worker_threads';
import type { RunOptions } from '../scenario.ts';
import { runNamed } from '../workloads/named-runs.ts';

const port = parentPort;
port?.on('message', (options: RunOptions) => {
  port.postMessage(runNamed(options));
});
