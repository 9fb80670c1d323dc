/** How a watch begins: its request, and its place in the session that hears of changes. */
import type { CallOptions } from '@aisexec/ipc';
import { WATCH_BUFFER_MAX } from '../limits.ts';
import type { SectionChangedCallback } from '../protocol.ts';
import type { SectionOwner } from './session.ts';
import { Watch } from './watch.ts';

export interface WatchOptions extends CallOptions {
  /** Changes that may wait for the reader before some are dropped and a gap says so. */
  readonly bufferMax?: number;
}

export interface SectionWatchOptions extends WatchOptions {
  /** Whether changes carry the whole content, up to 64 KiB; false by default. */
  readonly data?: boolean;
}

/** @param sectionId null: all sections. `timeoutMs` bounds the way to `ready`, `signal` ends the stream. */
export function startWatch<T>(
  { session, handle }: SectionOwner,
  sectionId: string | null,
  convert: (event: SectionChangedCallback) => T | 'gap',
  options: SectionWatchOptions,
): Watch<T> {
  const { bufferMax = WATCH_BUFFER_MAX, data = false, signal, timeoutMs } = options;
  if (!Number.isInteger(bufferMax) || bufferMax < 1) {
    throw new TypeError('bufferMax must be a whole number of at least 1');
  }
  const serial = session.nextSerial();
  const call = 'watch';
  const bounds: CallOptions = timeoutMs === undefined ? {} : { timeoutMs };
  const watch = new Watch<T>({
    bufferMax,
    signal,
    convert,
    begin: () =>
      session.call(call, bounds, (ask) => ask('watch', { handle, serial, sectionId, data })),
    end: async () => {
      if (session.forgetWatch(handle, serial)) await session.unwatch(handle, serial);
    },
  });
  session.addWatch(handle, serial, watch);
  return watch;
}
