/**
 * Speaks to a service manager (sd_notify(3)): datagrams to the unix socket that NOTIFY_SOCKET names. Node has no
 * unix datagrams, and a child such as systemd-notify is gone before systemd looks who spoke, so koffi is needed;
 * without it a unit that waits for us must fail at once and in words, not after its time-out (ADR 0170).
 */
import { type Libc, loadLibc } from './native.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sun_path of unix(7). */
const PATH_BYTES_MAX = 108;
const US_PER_MS = 1_000;

/** The service manager waits for words that this process cannot say. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError';
}

export interface Supervisor {
  /** How often it must be fed, in milliseconds; undefined: it does not wait to be. */
  readonly watchdogMs: number | undefined;
  /** Assignments, a line each. @returns why it could not be said. */
  say(lines: Readonly<Record<string, string | number>>): string | undefined;
  close(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** undefined: nobody listens. @throws SupervisorError */
export function openSupervisor(env: Environment, pid: number): Supervisor | undefined {
  const path = env['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return undefined;
  const address = sockaddr(path);
  const { libc, missing } = loadLibc();
  if (libc === undefined) {
    throw new SupervisorError(
      `the service manager waits for readiness (NOTIFY_SOCKET), but ${missing}: install koffi, or ` +
        'make it Type=exec without WatchdogSec=',
    );
  }
  return speak(libc, address, watchdogOf(env, pid));
}

function speak(libc: Libc, address: Uint8Array, watchdogMs: number | undefined): Supervisor {
  const socket = libc.func('socket', 'int', ['int', 'int', 'int']);
  const sendto = libc.func('sendto', 'long', ['int', 'void *', 'size_t', 'int', 'void *', 'uint']);
  const close = libc.func('close', 'int', ['int']);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SupervisorError(`no socket for the service manager: errno ${libc.errno()}`);
  return {
    watchdogMs,
    say(lines) {
      const text = Object.entries(lines)
        .map(([name, value]) => `${name}=${String(value).replaceAll('\n', ' ')}`)
        .join('\n');
      const bytes = Buffer.from(text);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = sendto(fd, bytes, bytes.length, flags, address, address.length);
      return Number(sent) === bytes.length ? undefined : `errno ${libc.errno()}`;
    },
    close: () => void close(fd),
  };
}

/** `@name` is in the abstract name space. */
function sockaddr(path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (!/^[/@]/.test(path) || bytes.length >= PATH_BYTES_MAX) {
    throw new SupervisorError(`NOTIFY_SOCKET is '${path}', which is no path of a unix socket`);
  }
  if (path.startsWith('@')) bytes[0] = 0;
  const family = Buffer.alloc(2);
  // The host's byte order: every architecture that koffi and Node share is little-endian here (udp/syscalls.ts).
  family.writeUInt16LE(AF_UNIX);
  // A path ends with a zero; an abstract name has exactly its bytes.
  return Buffer.concat(path.startsWith('@') ? [family, bytes] : [family, bytes, Buffer.alloc(1)]);
}

/** WATCHDOG_PID names another process when a wrapper has started us. */
function watchdogOf(env: Environment, pid: number): number | undefined {
  const us = Number(env['WATCHDOG_USEC']);
  const forPid = env['WATCHDOG_PID'];
  if (!Number.isFinite(us) || us <= 0) return undefined;
  if (forPid !== undefined && Number(forPid) !== pid) return undefined;
  return us / US_PER_MS;
}
