/** A worker thread of `aissim --seeds`: run options in, a result out, until terminated. */
import { parentPort } from 'node:worker_threads';
import { realFactoryOf } from '../processes/real-factory.ts';
import { runSimulation } from '../run.ts';
import type { RunOptions } from '../scenario.ts';

const port = parentPort;
port?.on('message', (options: RunOptions) => {
  port.postMessage(runSimulation(options, realFactoryOf));
});
