/**
 * Tells when a descriptor of Corosync's libraries has something. It must not be read by Node: libqb keeps one
 * byte per event in it and takes it itself. With koffi's uv_poll where it is there, else (its interface is
 * marked unstable) with a thread that waits in poll(2).
 */
import { Worker } from 'node:worker_threads';
import { type Koffi, loadKoffi, type PollHandle } from '../../drivers/native.ts';
import { watchReadable } from '../../drivers/poll.ts';

export interface Poller {
  /** `ready` is called, again and again, as long as the descriptor is readable or hung up. */
  watch(fd: number, ready: () => void): PollHandle;
}

export function createPoller(koffi: Koffi): Poller {
  return typeof koffi.node?.poll === 'function' ? createKoffiPoller(koffi) : createThreadPoller();
}

export function createKoffiPoller(koffi: Koffi): Poller {
  return { watch: (fd, ready) => watchReadable(koffi, fd, ready) };
}

/** A thread per descriptor that parks in poll(2) and is told when its news was dealt with. */
export function createThreadPoller(): Poller {
  return {
    watch(fd, ready) {
      const worker = new Worker(THREAD, { eval: true, workerData: { fd, module: koffiModule() } });
      let closed = false;
      worker.on('message', () => {
        if (closed) return;
        ready();
        if (!closed) worker.postMessage('again');
      });
      worker.unref();
      return {
        close() {
          closed = true;
          // A thread inside a native call ends with the call: its time-out bounds that.
          void worker.terminate();
        },
      };
    },
  };
}

function koffiModule(): string {
  const { missing } = loadKoffi();
  if (missing !== undefined) throw new Error(missing);
  return import.meta.url;
}

/** struct pollfd: fd i32, events i16, revents i16. Plain JavaScript: a thread has no TypeScript loader. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { createRequire } = require('node:module');
const koffi = createRequire(workerData.module)('koffi');
const poll = koffi.load(null).func('poll', 'int', ['void *', 'ulong', 'int']);
const POLLIN = 1;
const WAIT_MS = 250;
const entry = Buffer.alloc(8);
entry.writeInt32LE(workerData.fd, 0);
entry.writeInt16LE(POLLIN, 4);
function wait() {
  if (poll(entry, 1, WAIT_MS) === 0) setImmediate(wait);
  else parentPort.postMessage('ready');
}
parentPort.on('message', wait);
wait();
`;
