/** Many seeds on worker threads: each worker asks for the next seed when it is done with one. */
import { Worker } from 'node:worker_threads';
import type { RunResult } from '../run.ts';
import type { RunOptions } from '../scenario.ts';

/** Runs `count` seeds from `options.seed` on; `onResult` is called in the order of the seeds. */
export async function runSeeds(
  options: RunOptions,
  count: number,
  jobs: number,
  onResult: (result: RunResult) => void,
): Promise<void> {
  const inOrder = createInOrder(options.seed, onResult);
  let next = options.seed;
  const end = options.seed + count;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./seed-worker.js', import.meta.url));
    try {
      while (next < end) {
        const seed = next;
        next += 1;
        inOrder(await askWorker(worker, { ...options, seed }));
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, work));
}

function askWorker(worker: Worker, options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const done = (result: RunResult): void => {
      worker.off('error', failed);
      resolve(result);
    };
    const failed = (error: unknown): void => {
      worker.off('message', done);
      reject(new Error(`seed ${options.seed} stopped the simulator`, { cause: error }));
    };
    worker.once('message', done);
    worker.once('error', failed);
    worker.postMessage(options);
  });
}

function createInOrder(
  firstSeed: number,
  onResult: (result: RunResult) => void,
): (result: RunResult) => void {
  const waiting = new Map<number, RunResult>();
  let next = firstSeed;
  return (result) => {
    waiting.set(result.seed, result);
    for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) {
      waiting.delete(next);
      next += 1;
      onResult(ready);
    }
  };
}
