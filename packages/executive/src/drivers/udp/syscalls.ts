/**
 * The system calls that node:dgram lacks, on a UDP socket made here: many datagrams per call (sendmmsg,
 * recvmmsg), and the kernel's error queue, which tells whose host refused a packet (IP_RECVERR; ip(7),
 * recv(2)). Node reads the same socket and says when there is something; see udp.ts.
 */
import { getSystemErrorName } from 'node:util';
import { SOCKET_BUFFER_BYTES } from '../../limits.ts';
import {
  type Koffi,
  type Libc,
  loadKoffi,
  loadLibc,
  type Native,
  type PollHandle,
} from '../native.ts';
import { type OnReady, watchReadable } from '../poll.ts';
import { bindCalls, type Calls, type Context, type Counters } from './calls.ts';
import {
  IP_FREEBIND,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FREEBIND,
  IPV6_RECVERR,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from './linux.ts';
import type { Endpoint } from './peers.ts';
import { createReceiver, type Receiver } from './receive-batch.ts';
import { createRefusalReader } from './refusals.ts';
import { createSender, type Sender } from './send-batch.ts';
import { AF_INET, AF_INET6, decodeSockaddr, encodeSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

/** One socket's calls. None of them waits, and none throws. */
export interface UdpSyscalls {
  readonly fd: number;
  /** Memory of which C knows the address: it must be reachable as long as the socket is used. */
  readonly pinned: readonly Uint8Array[];
  readonly sender: Sender;
  readonly receive: Receiver;
  /** Endpoints whose host answered `port unreachable`, oldest first. Empties the error queue. */
  refusals(): readonly Endpoint[];
  stats(): Readonly<Record<string, number>>;
  /** For a socket that node:dgram does not have: waits for datagrams, which the kernel may coalesce. */
  watch(ready: OnReady): PollHandle;
  address(): Endpoint;
  close(): void;
}

export interface OpenUdpOptions {
  /** Several sockets of this host may be bound to the address (a multicast group). */
  readonly reuseAddress?: boolean;
  /** The address need not be there yet: the socket works as soon as it is (IP_FREEBIND). */
  readonly mayBeAbsent?: boolean;
}

/**
 * @param onError something is in the error queue; called in the middle of a call.
 * @throws like node:dgram's bind: an Error with `code`.
 */
export type OpenUdp = (
  self: Endpoint,
  onError: () => void,
  options?: OpenUdpOptions,
) => UdpSyscalls;

/** An int for setsockopt. */
const ON = Buffer.from([1, 0, 0, 0]);
const ARCHITECTURES: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64']);

/** Loads the calls. Never throws; where they are missing, node:dgram does everything. */
export function loadUdpSyscalls(): Native<{ readonly open: OpenUdp; readonly canWatch: boolean }> {
  if (!ARCHITECTURES.has(process.arch)) return { missing: `not used on ${process.arch}` };
  const { libc, missing } = loadLibc();
  const { koffi } = loadKoffi();
  if (libc === undefined || koffi === undefined) return { missing: missing ?? 'no koffi' };
  const calls = bindCalls(libc);
  return {
    // koffi calls its poll unstable.
    canWatch: typeof koffi.node?.poll === 'function',
    open: (self, onError, options = {}) =>
      openUdp({ koffi, libc, calls }, openSocket(libc, calls, self, options), onError),
  };
}

interface Loaded {
  readonly koffi: Koffi;
  readonly libc: Libc;
  readonly calls: Calls;
}

function openUdp({ koffi, libc, calls }: Loaded, fd: number, onError: () => void): UdpSyscalls {
  const counters: Counters = {
    sendCalls: 0,
    receiveCalls: 0,
    sendErrors: 0,
    segments: 0,
    segmentationOff: canSegment(calls, fd) ? 0 : 1,
    refusals: 0,
    coalesced: 0,
  };
  // Linux 5.0 and later; a refusal leaves the datagrams one by one.
  const watch = (ready: OnReady): PollHandle => {
    calls.setsockopt(fd, SOL_UDP, UDP_GRO, ON, ON.length);
    return watchReadable(koffi, fd, ready);
  };
  const pinned: Uint8Array[] = [];
  const pin = (bytes: Uint8Array): bigint => {
    pinned.push(bytes);
    return libc.address(bytes);
  };
  const context: Context = { calls, errno: () => libc.errno(), pin, fd, counters, onError };
  return {
    fd,
    pinned,
    sender: createSender(context),
    receive: createReceiver(context),
    refusals: createRefusalReader(context),
    stats: () => ({ ...counters }),
    watch,
    address: () => addressOf(calls, fd),
    close: () => calls.close(fd),
  };
}

function openSocket(
  libc: Libc,
  calls: Calls,
  self: Endpoint,
  { reuseAddress = false, mayBeAbsent = false }: OpenUdpOptions,
): number {
  const isV6 = self.address.includes(':');
  const family = isV6 ? AF_INET6 : AF_INET;
  const fd = calls.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError('socket', libc.errno());
  const [level, recvErr, freeBind] = isV6
    ? [IPPROTO_IPV6, IPV6_RECVERR, IPV6_FREEBIND]
    : [IPPROTO_IP, IP_RECVERR, IP_FREEBIND];
  if (mayBeAbsent) calls.setsockopt(fd, level, freeBind, ON, ON.length);
  const name = encodeSockaddr(self);
  if (reuseAddress) calls.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ON, ON.length);
  if (calls.bind(fd, name, name.length) !== 0) {
    const error = systemError('bind', libc.errno());
    calls.close(fd);
    throw error;
  }
  calls.setsockopt(fd, level, recvErr, ON, ON.length);
  // The kernel gives what it allows.
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(SOCKET_BUFFER_BYTES);
  for (const side of [SO_RCVBUF, SO_SNDBUF])
    calls.setsockopt(fd, SOL_SOCKET, side, bytes, bytes.length);
  return fd;
}

function addressOf(calls: Calls, fd: number): Endpoint {
  const name = Buffer.alloc(SOCKADDR_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(SOCKADDR_BYTES);
  calls.getsockname(fd, name, length);
  return decodeSockaddr(name, 0)!;
}

/** Linux 4.18 and later know the option; 0 leaves it to the control message of each send. */
function canSegment(calls: Calls, fd: number): boolean {
  const none = Buffer.alloc(4);
  return calls.setsockopt(fd, SOL_UDP, UDP_SEGMENT, none, none.length) === 0;
}

function systemError(call: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call} ${code}`), { code, errno: -errno, syscall: call });
}
