/**
 * Waits for a descriptor in the event loop of Node.js (uv_poll, through koffi). Such a callback is none of
 * Node's own: what it throws would vanish, and microtasks and ticks would wait for whatever happens next. So
 * errors are thrown outside, and a turn of Node's own follows in the same round of the loop.
 */
import type { Koffi, PollHandle } from './native.ts';

/** @param status 0, or a negative errno after which the descriptor is not watched any more. */
export type OnReady = (status: number) => void;

/** Calls `ready`, again and again, as long as the descriptor is readable or hung up. */
export function watchReadable(koffi: Koffi, fd: number, ready: OnReady): PollHandle {
  let turnComes = false;
  return koffi.node.poll(fd, { readable: true, disconnect: true }, (status) => {
    try {
      ready(status);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
    if (turnComes) return;
    turnComes = true;
    setImmediate(() => {
      turnComes = false;
    });
  });
}
