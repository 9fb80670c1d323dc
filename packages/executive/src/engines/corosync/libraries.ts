/**
 * libcpg, libquorum, libvotequorum and libcmap through koffi: the only code here that calls C. Arguments are
 * pointers and buffers with our own offsets (64-bit little-endian, as in Corosync 3.1's headers); what a
 * callback is lent is copied before it returns.
 */
import { type Koffi, loadKoffi, type NativeCall } from '../../drivers/native.ts';
import { CPG_FRAME_BYTES_MAX } from './core/limits.ts';
import { CorosyncError } from './errors.ts';

/** Lists of members; Corosync has room for 384 (PROCESSOR_COUNT_MAX). */
const COPY_BYTES_MAX = 1_048_576;
const NO_BYTES = new Uint8Array(0);
export const NAME_BYTES = 132;
export const ADDRESS_BYTES = 12;

export interface Libraries {
  readonly koffi: Koffi;
  /** Calls that are on a thread now. */
  readonly onThreads: Set<readonly unknown[]>;
  readonly cpg: Readonly<
    Record<
      'initialize' | 'fd' | 'dispatch' | 'join' | 'multicast' | 'local' | 'finalize',
      NativeCall
    >
  >;
  readonly quorum: Readonly<
    Record<'initialize' | 'fd' | 'dispatch' | 'track' | 'finalize', NativeCall>
  >;
  readonly votes: Readonly<Record<'initialize' | 'info' | 'finalize', NativeCall>>;
  readonly map: Readonly<Record<'initialize' | 'u32' | 'finalize', NativeCall>>;
  readonly protos: Readonly<Record<'deliver' | 'changed' | 'ring' | 'quorum', bigint | object>>;
  /** Copies what lies at a C address. The memory is new at every call. */
  readonly copy: (address: unknown, bytes: number) => Uint8Array;
  /**
   * The message at a C address, valid until the next one is asked for. One that is larger than any frame of ours
   * (libcpg puts together what strangers send, however large) has no bytes here.
   */
  readonly message: (address: unknown, bytes: number) => Uint8Array;
}

/** @throws CorosyncError naming the package that is missing. */
export function loadLibraries(): Libraries {
  const { koffi, missing } = loadKoffi();
  if (koffi === undefined) {
    throw new CorosyncError(
      'missing',
      `the engine corosync needs the package koffi (npm install koffi): ${missing}`,
    );
  }
  const cpg = open(koffi, 'libcpg.so.4', 'libcpg4');
  const quorum = open(koffi, 'libquorum.so.5', 'libquorum5');
  const votes = open(koffi, 'libvotequorum.so.8', 'libvotequorum8');
  const map = open(koffi, 'libcmap.so.4', 'libcmap4');
  const memcpy = koffi.load(null).func('memcpy', 'void', ['void *', 'void *', 'size_t']);
  const onThreads = endWithThreads(koffi);
  const handle = 'uint64_t';
  const frame = new Uint8Array(CPG_FRAME_BYTES_MAX);
  return {
    koffi,
    onThreads,
    cpg: {
      initialize: cpg('cpg_model_initialize', ['void *', 'int', 'void *', 'void *']),
      fd: cpg('cpg_fd_get', [handle, 'void *']),
      dispatch: cpg('cpg_dispatch', [handle, 'int']),
      join: cpg('cpg_join', [handle, 'void *']),
      multicast: cpg('cpg_mcast_joined', [handle, 'int', 'void *', 'uint']),
      local: cpg('cpg_local_get', [handle, 'void *']),
      finalize: cpg('cpg_finalize', [handle]),
    },
    quorum: {
      initialize: quorum('quorum_initialize', ['void *', 'void *', 'void *']),
      fd: quorum('quorum_fd_get', [handle, 'void *']),
      dispatch: quorum('quorum_dispatch', [handle, 'int']),
      track: quorum('quorum_trackstart', [handle, 'uint']),
      finalize: quorum('quorum_finalize', [handle]),
    },
    votes: {
      initialize: votes('votequorum_initialize', ['void *', 'void *']),
      info: votes('votequorum_getinfo', [handle, 'uint', 'void *']),
      finalize: votes('votequorum_finalize', [handle]),
    },
    map: {
      initialize: map('cmap_initialize', ['void *']),
      u32: map('cmap_get_uint32', [handle, 'str', 'void *']),
      finalize: map('cmap_finalize', [handle]),
    },
    protos: callbackTypes(koffi),
    copy(address, bytes) {
      if (bytes > COPY_BYTES_MAX) throw new RangeError(`${bytes} bytes from Corosync`);
      const copy = new Uint8Array(bytes);
      if (bytes > 0) memcpy(copy, address, bytes);
      return copy;
    },
    message(address, bytes) {
      if (bytes === 0 || bytes > frame.length) return NO_BYTES;
      memcpy(frame, address, bytes);
      return frame.subarray(0, bytes);
    },
  };
}

/** A thread that waits for a stopped Corosync would hold up the end of the process: it ends without it. */
function endWithThreads(koffi: Koffi): Set<readonly unknown[]> {
  const onThreads = new Set<readonly unknown[]>();
  const exit = koffi.load(null).func('_exit', 'void', ['int']);
  process.on('exit', (code) => {
    if (onThreads.size > 0) exit(code);
  });
  return onThreads;
}

type Bind = (name: string, args: readonly string[]) => NativeCall;

function open(koffi: Koffi, file: string, packageName: string): Bind {
  const checked = <T>(load: () => T): T => {
    try {
      return load();
    } catch (error) {
      const why = (error as Error).message.split('\n', 1)[0];
      const text = `the engine corosync needs ${file} of Corosync 3 (Debian package ${packageName}): ${why}`;
      throw new CorosyncError('missing', text);
    }
  };
  const library = checked(() => koffi.load(file));
  return (name, args) => checked(() => library.func(name, 'int', args));
}

/** Types without names: those of koffi are global to the process. */
function callbackTypes(koffi: Koffi): Libraries['protos'] {
  const pointerTo = (args: readonly (string | object)[]) =>
    koffi.pointer(koffi.proto('void', args)) as object;
  const list = ['void *', 'size_t'];
  const ringId = koffi.struct({ nodeid: 'uint32_t', seq: 'uint64_t' }) as object;
  return {
    deliver: pointerTo(['uint64_t', 'void *', 'uint32_t', 'uint32_t', 'void *', 'size_t']),
    changed: pointerTo(['uint64_t', 'void *', ...list, ...list, ...list]),
    ring: pointerTo(['uint64_t', ringId, 'uint32_t', 'void *']),
    quorum: pointerTo(['uint64_t', 'uint32_t', 'uint64_t', 'uint32_t', 'void *']),
  };
}
