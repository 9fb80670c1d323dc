/**
 * The socket: made and bound by node:dgram; by us and given to node:dgram, which waits for it and closes it; or
 * ours alone, where koffi can wait.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { LinkAddress } from '../../config/config.ts';
import { SOCKET_BUFFER_BYTES } from '../../limits.ts';
import type { PollHandle } from '../native.ts';
import type { Endpoint } from './peers.ts';
import type { OnDatagram } from './receive-batch.ts';
import type { OpenUdp, OpenUdpOptions, UdpSyscalls } from './syscalls.ts';

/** Why the address cannot be used; the text is for people. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: string | undefined;

  constructor(message: string, cause: NodeJS.ErrnoException) {
    super(message, { cause });
    this.code = cause.code;
  }
}

export interface OpenedSocket {
  readonly socket: Socket;
  readonly syscalls: UdpSyscalls | undefined;
}

/** @throws TransportError when the address is in use or cannot be bound. */
export async function openSocket(
  self: LinkAddress,
  open: OpenUdp | undefined,
  onError: () => void,
  options: OpenUdpOptions = {},
): Promise<OpenedSocket> {
  // Addresses are literal: without a lookup of its own Node would defer every send by a turn.
  const socket = createSocket({
    type: self.family === 'inet6' ? 'udp6' : 'udp4',
    reuseAddr: options.reuseAddress ?? false,
    lookup: (address, _options, callback) => callback(null, address, 0),
  });
  try {
    const syscalls = open?.(self, onError, options);
    await bind(socket, syscalls === undefined ? { ...self, exclusive: true } : syscalls);
    if (syscalls === undefined) enlargeBuffers(socket);
    return { socket, syscalls };
  } catch (error) {
    socket.close();
    throw transportError(self, error as NodeJS.ErrnoException);
  }
}

/**
 * Hands on every datagram; what came with the first one of a burst is taken in the same turn.
 * @param isClosed true from the call of `socket.close` on: the descriptor may be another's by then.
 */
export function readDatagrams(
  { socket, syscalls }: OpenedSocket,
  handle: OnDatagram,
  isClosed: () => boolean,
): void {
  socket.on('message', (packet: Buffer, source: RemoteInfo) => {
    handle(packet, source);
    syscalls?.receive(handle, isClosed);
  });
}

/** A bound socket, whoever waits for it. */
export interface BoundSocket<Calls = UdpSyscalls | undefined> {
  readonly local: Endpoint;
  readonly syscalls: Calls;
  read(handle: OnDatagram, isClosed: () => boolean): void;
  close(): Promise<void>;
}

/** A socket that node:dgram waits for. @param failed gets its errors. */
export function boundSocket(
  { socket, syscalls }: OpenedSocket,
  failed: (error: NodeJS.ErrnoException) => void,
): BoundSocket {
  socket.on('error', failed);
  return {
    local: socket.address(),
    syscalls,
    read: (handle, isClosed) => readDatagrams({ socket, syscalls }, handle, isClosed),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** A socket of our own. @throws TransportError when the address is in use or cannot be bound. */
export function openWatched(
  self: LinkAddress,
  open: OpenUdp,
  onError: () => void,
  options: OpenUdpOptions = {},
): BoundSocket<UdpSyscalls> {
  let poll: PollHandle | undefined;
  let syscalls: UdpSyscalls;
  try {
    syscalls = open(self, onError, options);
  } catch (error) {
    throw transportError(self, error as NodeJS.ErrnoException);
  }
  return {
    local: syscalls.address(),
    syscalls,
    read(handle, isClosed) {
      const ready = (status: number): void => {
        if (status < 0) {
          // Something in the error queue ends a watch (uv_poll_t); what is left there wakes the next one.
          poll?.close();
          onError();
          poll = syscalls.watch(ready);
        }
        syscalls.receive(handle, isClosed);
        if (!isClosed()) syscalls.sender.flush();
      };
      poll = syscalls.watch(ready);
    },
    async close() {
      poll?.close();
      syscalls.close();
    },
  };
}

function bind(
  socket: Socket,
  where: { address: string; port: number; exclusive: boolean } | { fd: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind('fd' in where ? { fd: where.fd } : where, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function transportError(
  { address, port }: LinkAddress,
  error: NodeJS.ErrnoException,
): TransportError {
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const text =
    error.code === 'EADDRINUSE'
      ? `${where} is in use: another executive (or corosync) runs on this address and port`
      : `cannot use ${where}: ${error.message}`;
  return new TransportError(text, error);
}

/** The kernel gives what it allows; a refusal is no reason not to start. */
function enlargeBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  } catch {
    // Small buffers lose packets under load, and the protocol sends them again.
  }
}
