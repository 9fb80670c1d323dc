/**
 * The `udpu` transport (totem-wire §1.9) over node:dgram: one socket, a unicast to every peer in the
 * place of a multicast. Packets from addresses outside the nodelist are dropped unread; what cannot be
 * sent is loss, which the protocol is made for. Packets of this node to itself go through a queue and are
 * handled in a later turn, so the ring is never called from inside its own effects.
 *
 * The work of one turn is bounded: libuv reads at most 32 datagrams before it goes on, and as many as
 * SELF_PACKETS_PER_TURN come from this node itself.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { NodeConfig } from '../config/config.ts';
import {
  DATAGRAM_BYTES_MAX,
  DATAGRAM_BYTES_MIN,
  SELF_PACKETS_MAX,
  SELF_PACKETS_PER_TURN,
  SOCKET_BUFFER_BYTES,
} from '../limits.ts';

export interface UdpOptions {
  readonly self: NodeConfig;
  /** All nodes; this one may be among them. */
  readonly nodes: readonly NodeConfig[];
  /** One packet of a listed node. The bytes are the receiver's to keep. */
  readonly receive: (packet: Uint8Array) => void;
}

export interface UdpTransport {
  /** The address in use: another port than configured when that was 0. */
  readonly address: string;
  readonly port: number;
  unicast(target: number, packet: Uint8Array): void;
  /** To every other configured node. */
  multicast(packet: Uint8Array): void;
  close(): Promise<void>;
  stats(): Readonly<Record<string, number>>;
}

/** Why the address cannot be used; the text is for people. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: string | undefined;

  constructor(message: string, cause: NodeJS.ErrnoException) {
    super(message, { cause });
    this.code = cause.code;
  }
}

/** @throws TransportError when the address is in use or cannot be bound. */
export async function createUdpTransport(options: UdpOptions): Promise<UdpTransport> {
  const { self, nodes, receive } = options;
  const peers = nodes.filter(({ id }) => id !== self.id);
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  const isListed = createSourceCheck(self, peers);
  const counters = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsToSelf: 0,
    bytesSent: 0,
    bytesReceived: 0,
    sendErrors: 0,
    droppedUnlisted: 0,
    droppedLength: 0,
    droppedSelf: 0,
    droppedNoTarget: 0,
    socketErrors: 0,
  };
  // Addresses are literal: without a lookup of its own Node would defer every send by a turn.
  const socket = createSocket({
    type: self.family === 'inet6' ? 'udp6' : 'udp4',
    lookup: (address, _options, callback) => callback(null, address, 0),
  });
  const toSelf: Uint8Array[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let closed = false;

  await bind(socket, self);
  socket.on('error', () => counters.socketErrors++);
  socket.on('message', (packet: Buffer, source: RemoteInfo) => {
    if (!isListed(source)) counters.droppedUnlisted++;
    else if (packet.length < DATAGRAM_BYTES_MIN) counters.droppedLength++;
    else {
      counters.packetsReceived++;
      counters.bytesReceived += packet.length;
      receive(packet);
    }
  });
  enlargeBuffers(socket);

  function sent(error: Error | null): void {
    if (error !== null) counters.sendErrors++;
  }

  function send(packet: Uint8Array, peer: NodeConfig): void {
    counters.packetsSent++;
    counters.bytesSent += packet.length;
    socket.send(packet, peer.port, peer.address, sent);
  }

  function deliverToSelf(): void {
    scheduled = undefined;
    const turn = toSelf.splice(0, SELF_PACKETS_PER_TURN);
    for (const packet of turn) {
      if (closed) return;
      receive(packet);
    }
    if (toSelf.length > 0) scheduled ??= setImmediate(deliverToSelf);
  }

  function queueToSelf(packet: Uint8Array): void {
    if (toSelf.length >= SELF_PACKETS_MAX) {
      counters.droppedSelf++;
      return;
    }
    counters.packetsToSelf++;
    toSelf.push(Uint8Array.from(packet));
    scheduled ??= setImmediate(deliverToSelf);
  }

  const { address, port } = socket.address();
  return {
    address,
    port,
    unicast(target, packet) {
      if (closed) return;
      if (packet.length > DATAGRAM_BYTES_MAX) counters.droppedLength++;
      else if (target === self.id) queueToSelf(packet);
      else {
        const peer = byId.get(target);
        if (peer === undefined) counters.droppedNoTarget++;
        // Copied: the kernel may make the socket wait, and the bytes are the ring's.
        else send(Uint8Array.from(packet), peer);
      }
    },
    multicast(packet) {
      if (closed || peers.length === 0) return;
      if (packet.length > DATAGRAM_BYTES_MAX) {
        counters.droppedLength++;
        return;
      }
      const copy = Uint8Array.from(packet);
      for (const peer of peers) send(copy, peer);
    },
    close() {
      if (closed) return Promise.resolve();
      closed = true;
      if (scheduled !== undefined) clearImmediate(scheduled);
      return new Promise((resolve) => socket.close(() => resolve()));
    },
    stats: () => ({ ...counters }),
  };
}

/**
 * Whether a packet comes from a node of the list. Only the address counts, as with Corosync, whose
 * multicasts leave from other ports; where nodes share an address (one machine) the port tells them apart.
 */
export function createSourceCheck(
  self: NodeConfig,
  peers: readonly NodeConfig[],
): (source: { readonly address: string; readonly port: number }) => boolean {
  const all = [self, ...peers];
  const sharesAddress = ({ id, address }: NodeConfig) =>
    all.some((other) => other.id !== id && other.address === address);
  const addresses = new Set<string>();
  const endpoints = new Map<string, Set<number>>();
  for (const peer of peers) {
    if (!sharesAddress(peer)) addresses.add(peer.address);
    else {
      const ports = endpoints.get(peer.address) ?? new Set();
      endpoints.set(peer.address, ports.add(peer.port));
    }
  }
  return ({ address, port }) =>
    addresses.has(address) || endpoints.get(address)?.has(port) === true;
}

type UdpSocket = ReturnType<typeof createSocket>;

function bind(socket: UdpSocket, { address, port }: NodeConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      socket.close();
      const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      const text =
        error.code === 'EADDRINUSE'
          ? `${where} is in use: another executive (or corosync) runs on this address and port`
          : `cannot use ${where}: ${error.message}`;
      reject(new TransportError(text, error));
    };
    socket.once('error', failed);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

/** The kernel gives what it allows; a refusal is no reason not to start. */
function enlargeBuffers(socket: UdpSocket): void {
  try {
    socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
    socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  } catch {
    // Small buffers lose packets under load, and the protocol sends them again.
  }
}
