/**
 * The one place that calls C, through koffi when it is installed (optional): everything else of the
 * executive runs without it. Loaded lazily; arguments are plain pointers and buffers with our own offsets,
 * since koffi's named types are global to the process.
 */
import { createRequire } from 'node:module';
import type { Credentials } from '@aisexec/ipc/server';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12;

/** A function of the C library; its arguments are numbers and buffers. */
export type NativeFunction = (...args: unknown[]) => number;

/** The C library of this process. */
export interface Libc {
  func(name: string, result: string, args: readonly string[]): NativeFunction;
  /** errno of the last call. */
  errno(): number;
  /** Where a buffer lies. It must stay reachable while C may use the address. */
  address(bytes: Uint8Array): bigint;
}

/** A function that can also run on a thread of libuv's pool; the callback follows on this thread. */
export interface NativeCall extends NativeFunction {
  async(...args: unknown[]): void;
}

/** A descriptor that is watched. Keep it reachable: a handle that is collected falls silent. */
export interface PollHandle {
  close(): void;
}

/** A type of koffi; made without a name, since names are global to the process. */
export type KoffiType = object | string;

/** The part of koffi that is used here, as version 3.3.4 has it. */
export interface Koffi {
  config(options: Readonly<Record<string, number>>): unknown;
  load(path: string | null): {
    func(name: string, result: KoffiType, args: readonly KoffiType[]): NativeCall;
  };
  errno(): number;
  address(value: unknown): bigint;
  struct(fields: Readonly<Record<string, KoffiType>>): KoffiType;
  proto(result: KoffiType, args: readonly KoffiType[]): KoffiType;
  pointer(type: KoffiType): KoffiType;
  register(callback: (...args: never[]) => void, type: KoffiType): bigint;
  unregister(callback: bigint): void;
  readonly node: {
    /** The typings say `(events)`; what comes is `(status, events)`. */
    poll(
      fd: number,
      options: { readonly readable: boolean; readonly disconnect?: boolean },
      callback: (status: number, events: unknown) => void,
    ): PollHandle;
  };
}

/** libcpg dispatches with a buffer of 1 MiB on the stack. */
const STACK_BYTES = 8 * 1_048_576;
const ASYNC_STACK_BYTES = 1_048_576;

/** What this platform can do; `missing` says why it cannot. */
export type Native<T> =
  | (T & { readonly missing?: undefined })
  | ({ readonly [K in keyof T]?: undefined } & { readonly missing: string });

export type PeerCredentials = Native<{ readonly read: (fd: number) => Credentials | undefined }>;

/** Loads koffi. Never throws. */
export function loadKoffi(): Native<{ readonly koffi: Koffi }> {
  if (process.platform !== 'linux') {
    return { missing: `system calls are not used on ${process.platform}` };
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    setStack(koffi);
    return { koffi };
  } catch (error) {
    return { missing: `koffi cannot be loaded: ${(error as Error).message.split('\n', 1)[0]}` };
  }
}

function setStack(koffi: Koffi): void {
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: ASYNC_STACK_BYTES });
  } catch {
    // Only before the first library of the process: another part was faster, with the same size.
  }
}

/** Loads the C library. Never throws. */
export function loadLibc(): Native<{ readonly libc: Libc }> {
  const { koffi, missing } = loadKoffi();
  if (koffi === undefined) return { missing };
  const library = koffi.load(null);
  return {
    libc: {
      func: (name, result, args) => library.func(name, result, args),
      errno: () => koffi.errno(),
      // A number below 2^53, a bigint from there on.
      address: (bytes) => BigInt(koffi.address(bytes)),
    },
  };
}

/** Loads the reader of SO_PEERCRED. Never throws. */
export function loadPeerCredentials(): PeerCredentials {
  const { libc, missing } = loadLibc();
  if (libc === undefined) return { missing };
  const getsockopt = libc.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']);
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
}
