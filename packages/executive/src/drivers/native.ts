/**
 * The one place that calls C: peer credentials of unix sockets, through koffi when it is installed
 * (optional). Everything else of the executive runs without it. Loaded lazily; arguments are plain
 * pointers and buffers, since koffi's named types are global to the process.
 */
import { createRequire } from 'node:module';
import type { Credentials } from '@aisexec/ipc/server';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12;

interface Koffi {
  load(path: string | null): {
    func(name: string, result: string, args: readonly string[]): (...args: unknown[]) => number;
  };
}

/** What this platform can do; `missing` says why it cannot. */
export type PeerCredentials =
  | { readonly read: (fd: number) => Credentials | undefined; readonly missing?: undefined }
  | { readonly read?: undefined; readonly missing: string };

/** Loads the reader of SO_PEERCRED. Never throws. */
export function loadPeerCredentials(): PeerCredentials {
  if (process.platform !== 'linux') {
    return { missing: `SO_PEERCRED is not used on ${process.platform}` };
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const getsockopt = koffi
      .load(null)
      .func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);
    return {
      read(fd) {
        const ucred = Buffer.alloc(UCRED_BYTES);
        const length = Buffer.alloc(4);
        length.writeUInt32LE(UCRED_BYTES);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0) return undefined;
        return {
          pid: ucred.readInt32LE(0),
          uid: ucred.readUInt32LE(4),
          gid: ucred.readUInt32LE(8),
        };
      },
    };
  } catch (error) {
    return { missing: `koffi cannot be loaded: ${(error as Error).message.split('\n', 1)[0]}` };
  }
}
