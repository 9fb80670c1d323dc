/**
 * The `udp` transport (totem-wire §1.9): what is for all goes out as one multicast datagram, tokens go to
 * their node by unicast, through the transport `udpu` that this one is built on. Like Corosync's it sends
 * multicasts from the port below; unlike it, it takes in what comes from the nodelist alone.
 */
import type { Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { NodeConfig } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAM_BYTES_MIN } from '../../limits.ts';
import { createPeerLookup, createPeers, type Endpoint, type Peer } from './peers.ts';
import { senderOf } from './senders.ts';
import { openSocket, readDatagrams, TransportError } from './socket.ts';
import { createUdpTransport, nativeOf, type UdpOptions, type UdpTransport } from './udp.ts';

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
  // Loopback of multicasts is off at the sender; several nodes of one host may listen to the group.
  const { open } = nativeOf(options);
  const incoming = await openSocket({ ...self, address: group }, open, ignoreErrors, {
    reuseAddress: true,
  });
  const outgoing = await openSocket({ ...self, port: self.port - 1 }, open, ignoreErrors).catch(
    (error: unknown) => {
      incoming.socket.close();
      throw error;
    },
  );
  const sockets = [incoming.socket, outgoing.socket];
  let unicasts: UdpTransport;
  try {
    join(incoming.socket, self, group);
    setSender(outgoing.socket, self, ttl);
    unicasts = await createUdpTransport(options);
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw asTransportError(error, group);
  }
  for (const opened of [incoming, outgoing]) {
    opened.socket.on('error', () => {
      counters.multicastErrors++;
      opened.syscalls?.refusals();
    });
  }
  const everybody: Peer = {
    node: { ...self, id: 0, address: group },
    ...{ spared: false, nextProbeAt: 0 },
  };
  const targets = [everybody];
  const sender = senderOf(outgoing, targets, () => counters.multicastErrors++);
  let closed = false;
  readDatagrams(incoming, arrived, () => closed);

  function arrived(packet: Uint8Array, source: Endpoint | undefined): void {
    if (closed) return;
    const peer = source === undefined ? undefined : peerOf(source);
    if (peer === undefined || packet.length < DATAGRAM_BYTES_MIN) counters.multicastUnlisted++;
    else {
      counters.multicastsReceived++;
      receive(packet, peer.node.id);
    }
  }

  return {
    address: unicasts.address,
    port: unicasts.port,
    plain: unicasts.plain,
    unicast(target, packet) {
      // As udpu has it: what was multicast before leaves before.
      if (!closed) sender.flush();
      unicasts.unicast(target, packet);
    },
    flush() {
      if (!closed) sender.flush();
    },
    multicast(packet) {
      if (closed) return;
      if (packet.length > DATAGRAM_BYTES_MAX) {
        counters.multicastErrors++;
        return;
      }
      counters.multicastsSent++;
      sender.send(packet, targets);
    },
    async close() {
      if (closed) return;
      sender.flush();
      closed = true;
      for (const socket of sockets) {
        await new Promise<void>((resolve) => socket.close(() => resolve()));
      }
      await unicasts.close();
    },
    stats: () => ({
      ...unicasts.stats(),
      ...prefixed(outgoing.syscalls?.stats(), ['sendCalls', 'sendErrors', 'segments']),
      ...counters,
    }),
  };
}

/** Nothing is refused to a multicast; the error queue is emptied when it shows. */
function ignoreErrors(): void {}

/** The counters of the socket that multicasts, beside those of the one that does not. */
function prefixed(
  stats: Readonly<Record<string, number>> | undefined,
  names: readonly string[],
): Record<string, number> {
  if (stats === undefined) return {};
  return Object.fromEntries(names.map((name) => [`multicast.${name}`, stats[name] ?? 0]));
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
