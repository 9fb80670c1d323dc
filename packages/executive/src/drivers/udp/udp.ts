/**
 * The `udpu` transport (totem-wire §1.9): one socket, a unicast to every peer in the place of a multicast.
 * Where the system calls can be had (syscalls.ts) packets are taken and sent in batches, which the kernel cuts and
 * joins (ADR 0140, ADR 0210), and it tells whose host refused one; else node:dgram does everything, a packet at
 * a time (ADR 0111). Packets from addresses outside the nodelist are dropped unread; what cannot be sent is
 * loss, which the protocol is made for.
 *
 * Nothing here calls the ring from inside its own effects, and the work of one turn is bounded.
 */
import type { NodeConfig } from '../../config/config.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAM_BYTES_MIN } from '../../limits.ts';
import {
  createChoice,
  createPeerLookup,
  createPeers,
  type Endpoint,
  isDue,
  type Peer,
} from './peers.ts';
import { createSelfQueue } from './self-queue.ts';
import { batchSender, type PacketSender, senderOf } from './senders.ts';
import { type BoundSocket, boundSocket, openSocket, openWatched } from './socket.ts';
import { loadUdpSyscalls } from './syscalls.ts';

export interface UdpOptions {
  readonly self: NodeConfig;
  /** All nodes; this one may be among them. */
  readonly nodes: readonly NodeConfig[];
  /**
   * One packet of a listed node, with whose address it came from. The bytes are the transport's again when
   * this returns.
   */
  readonly receive: (packet: Uint8Array, from: number) => void;
  /**
   * The host of this node answered that nobody listens on its port. @returns whether packets are to be sent
   * to it all the same; otherwise it gets few until it is heard. Without the system calls never called.
   */
  readonly refused?: (node: number) => boolean;
  /** With the system calls: start even while this host does not have the address. */
  readonly mayBeAbsent?: boolean;
  /** `plain`: node:dgram only. Default: what there is. */
  readonly io?: 'auto' | 'plain';
  /** With the system calls: who waits for datagrams. Default: koffi, where it can (ADR 0210). */
  readonly wait?: 'koffi' | 'dgram';
  readonly clock?: () => number;
}

export interface UdpTransport {
  /** The address in use: another port than configured when that was 0. */
  readonly address: string;
  readonly port: number;
  /** Why packets go one at a time and refusals are not seen; undefined when they are. */
  readonly plain: string | undefined;
  /** With it goes what was multicast before it in this turn. */
  unicast(target: number, packet: Uint8Array): void;
  /** To every other configured node, or those of `targets` (an array that stays as it is), by the end of this turn. */
  multicast(packet: Uint8Array, targets?: readonly number[]): void;
  /** What was multicast so far in this turn leaves now. */
  flush?(): void;
  close(): Promise<void>;
  stats(): Readonly<Record<string, number>>;
}

/** @throws TransportError when the address is in use or cannot be bound. */
export async function createUdpTransport(options: UdpOptions): Promise<UdpTransport> {
  const { self, nodes, receive, refused, mayBeAbsent = false } = options;
  const { clock = () => performance.now() } = options;
  const peers = createPeers(self, nodes);
  const byId = new Map(peers.map((peer) => [peer.node.id, peer]));
  const peerOf = createPeerLookup(self, peers);
  const counters = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsSpared: 0,
    bytesSent: 0,
    bytesReceived: 0,
    sendErrors: 0,
    droppedUnlisted: 0,
    droppedLength: 0,
    droppedNoTarget: 0,
    socketErrors: 0,
  };
  const toSelf = createSelfQueue((packet) => receive(packet, self.id));
  const chosen = createChoice(peers);
  const refusing = new Set<Peer>();
  let reporting: NodeJS.Immediate | undefined;
  let closed = false;

  const native = nativeOf(options);
  const { socket, sender } = await open();
  const { syscalls } = socket;
  socket.read(arrived, () => closed);

  async function open(): Promise<{ socket: BoundSocket; sender: PacketSender }> {
    if (native.open !== undefined && native.canWatch && options.wait !== 'dgram') {
      const watched = openWatched(self, native.open, noteRefusals, { mayBeAbsent });
      return { socket: watched, sender: batchSender(watched.syscalls.sender, peers) };
    }
    const opened = await openSocket(self, native.open, noteRefusals, { mayBeAbsent });
    const socket = boundSocket(opened, (error) => {
      if (syscalls !== undefined && error.code === 'ECONNREFUSED') noteRefusals();
      else counters.socketErrors++;
    });
    return { socket, sender: senderOf(opened, peers, () => counters.sendErrors++) };
  }

  function arrived(packet: Uint8Array, source: Endpoint | undefined): void {
    if (closed) return;
    const peer = source === undefined ? undefined : peerOf(source);
    if (peer === undefined) counters.droppedUnlisted++;
    else if (packet.length < DATAGRAM_BYTES_MIN) counters.droppedLength++;
    else {
      peer.spared = false;
      counters.packetsReceived++;
      counters.bytesReceived += packet.length;
      receive(packet, peer.node.id);
    }
  }

  /** May run in the middle of a send: the ring hears of it in a turn of its own. */
  function noteRefusals(): void {
    if (syscalls === undefined || closed) return;
    for (const endpoint of syscalls.refusals()) {
      const peer = peerOf(endpoint);
      if (peer !== undefined && !peer.spared) refusing.add(peer);
    }
    if (refusing.size > 0) reporting ??= setImmediate(reportRefusals);
  }

  function reportRefusals(): void {
    reporting = undefined;
    const reported = [...refusing];
    refusing.clear();
    for (const peer of reported) {
      if (!closed && refused !== undefined) peer.spared = !refused(peer.node.id);
    }
  }

  function send(packet: Uint8Array, targets: readonly Peer[]): void {
    counters.packetsSent += targets.length;
    counters.bytesSent += packet.length * targets.length;
    sender.send(packet, targets);
  }

  const { address, port } = socket.local;
  return {
    address,
    port,
    plain: syscalls === undefined ? native.missing : undefined,
    unicast(target, packet) {
      if (closed) return;
      const peer = byId.get(target);
      if (packet.length > DATAGRAM_BYTES_MAX) counters.droppedLength++;
      else if (target === self.id) toSelf.push(packet);
      else if (peer === undefined) counters.droppedNoTarget++;
      else {
        send(packet, [peer]);
        sender.flush();
      }
    },
    multicast(packet, targets) {
      const wanted = targets === undefined ? peers : chosen(targets);
      if (closed || wanted.length === 0) return;
      if (packet.length > DATAGRAM_BYTES_MAX) {
        counters.droppedLength++;
        return;
      }
      const due = wanted.some(({ spared }) => spared)
        ? wanted.filter((peer) => isDue(peer, clock))
        : wanted;
      counters.packetsSpared += wanted.length - due.length;
      if (due.length > 0) send(packet, due);
    },
    flush: () => sender.flush(),
    close() {
      if (closed) return Promise.resolve();
      sender.flush();
      closed = true;
      toSelf.close();
      if (reporting !== undefined) clearImmediate(reporting);
      return socket.close();
    },
    stats: () => ({ ...counters, ...toSelf.stats(), ...syscalls?.stats() }),
  };
}

/** The system calls, where they are there and wanted. */
export function nativeOf({ io, nodes }: UdpOptions): ReturnType<typeof loadUdpSyscalls> {
  if (io === 'plain') return { missing: 'totem.io is plain' };
  if (nodes.some(({ address }) => address.includes('%'))) {
    return { missing: 'the nodelist has an address with a zone' };
  }
  return loadUdpSyscalls();
}
