/**
 * The `udp` transport (totem-wire §1.9): what is for all goes out as one multicast datagram, tokens go to
 * their node by unicast, through the transport `udpu` that this one is built on. Like Corosync's it sends
 * multicasts from the port below; unlike it, it takes in what comes from the nodelist alone.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { NodeConfig } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAM_BYTES_MIN, SOCKET_BUFFER_BYTES } from '../../limits.ts';
import { createPeerLookup, createPeers } from './peers.ts';
import { TransportError } from './socket.ts';
import { createUdpTransport, type UdpOptions, type UdpTransport } from './udp.ts';

export interface MulticastOptions extends UdpOptions {
  readonly group: string;
  readonly ttl: number;
}

/** @throws TransportError when the address or the group cannot be used. */
export async function createMulticastTransport(options: MulticastOptions): Promise<UdpTransport> {
  const { self, nodes, group, ttl, receive } = options;
  const peerOf = createPeerLookup(self, createPeers(self, nodes));
  const counters = {
    multicastsSent: 0,
    multicastsReceived: 0,
    multicastErrors: 0,
    multicastUnlisted: 0,
  };
  const incoming = await openSocket(self, group, self.port);
  const outgoing = await openSocket(self, self.address, self.port - 1).catch((error: unknown) => {
    incoming.close();
    throw error;
  });
  let unicasts: UdpTransport;
  try {
    join(incoming, self, group);
    setSender(outgoing, self, ttl);
    unicasts = await createUdpTransport(options);
  } catch (error) {
    incoming.close();
    outgoing.close();
    throw asTransportError(error, group);
  }
  for (const socket of [incoming, outgoing]) socket.on('error', () => counters.multicastErrors++);
  incoming.on('message', (packet: Buffer, source: RemoteInfo) => {
    // Loopback of multicasts is off at the sender; another node of this host has an address of its own.
    const peer = peerOf(source);
    if (peer === undefined || packet.length < DATAGRAM_BYTES_MIN) counters.multicastUnlisted++;
    else {
      counters.multicastsReceived++;
      receive(packet, peer.node.id);
    }
  });
  let closed = false;
  return {
    address: unicasts.address,
    port: unicasts.port,
    plain: unicasts.plain,
    unicast: (target, packet) => unicasts.unicast(target, packet),
    multicast(packet) {
      if (closed) return;
      if (packet.length > DATAGRAM_BYTES_MAX) {
        counters.multicastErrors++;
        return;
      }
      counters.multicastsSent++;
      outgoing.send(Uint8Array.from(packet), self.port, group, (error) => {
        if (error !== null) counters.multicastErrors++;
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const socket of [incoming, outgoing]) {
        await new Promise<void>((resolve) => socket.close(() => resolve()));
      }
      await unicasts.close();
    },
    stats: () => ({ ...unicasts.stats(), ...counters }),
  };
}

function openSocket(self: NodeConfig, address: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: self.family === 'inet6' ? 'udp6' : 'udp4',
    // Several nodes of one host may listen to the group.
    reuseAddr: true,
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    lookup: (host, _options, callback) => callback(null, host, 0),
  });
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      socket.close();
      reject(asTransportError(error, `${address} port ${port}`));
    };
    socket.once('error', failed);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function join(socket: Socket, self: NodeConfig, group: string): void {
  socket.addMembership(group, interfaceOf(self));
}

function setSender(socket: Socket, self: NodeConfig, ttl: number): void {
  socket.setMulticastInterface(interfaceOf(self));
  socket.setMulticastTTL(ttl);
  socket.setMulticastLoopback(false);
}

/** The interface that has this node's address: named by the address for IPv4, by its scope for IPv6. */
function interfaceOf({ address, family }: NodeConfig): string {
  if (family === 'inet') return address;
  const found = Object.entries(networkInterfaces()).find(([, entries]) =>
    entries?.some((entry) => entry.address === address),
  );
  return `::%${found?.[0] ?? 0}`;
}

function asTransportError(error: unknown, what: string): Error {
  if (error instanceof TransportError) return error;
  const cause = error as NodeJS.ErrnoException;
  return new TransportError(`cannot use ${what}: ${cause.message}`, cause);
}
