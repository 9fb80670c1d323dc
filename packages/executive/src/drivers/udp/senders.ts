/** The two ways out of a socket: node:dgram a packet at a time, or a batch of them in one system call. */
import type { Socket } from 'node:dgram';
import { SEND_QUEUE_BYTES_MAX } from '../../limits.ts';
import type { Peer } from './peers.ts';
import type { Destination, Sender } from './send-batch.ts';
import type { OpenedSocket } from './socket.ts';

export interface PacketSender {
  /** The bytes are the caller's again when this returns. */
  send(packet: Uint8Array, targets: readonly Peer[]): void;
  /** What was sent so far leaves now instead of at the end of this turn. */
  flush(): void;
}

/** @param failed a packet could not be sent; a batch counts by itself. */
export function senderOf(
  { socket, syscalls }: OpenedSocket,
  peers: readonly Peer[],
  failed: () => void,
): PacketSender {
  return syscalls === undefined ? plainSender(socket, failed) : batchSender(syscalls.sender, peers);
}

function plainSender(socket: Socket, onError: () => void): PacketSender {
  const sent = (error: Error | null): void => {
    if (error !== null) onError();
  };
  return {
    send(packet, targets) {
      if (socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
        for (const _ of targets) onError();
        return;
      }
      // Copied: the kernel may make the socket wait.
      const copy = Uint8Array.from(packet);
      for (const { node } of targets) socket.send(copy, node.port, node.address, sent);
    },
    flush() {},
  };
}

export function batchSender(sender: Sender, peers: readonly Peer[]): PacketSender {
  const destinations = new Map<Peer, Destination>(
    peers.map((peer) => [peer, sender.destination(peer.node)]),
  );
  const everybody = [...destinations.values()];
  let isWaiting = false;

  function flush(): void {
    isWaiting = false;
    sender.flush();
  }

  return {
    send(packet, targets) {
      const wanted =
        targets.length === peers.length
          ? everybody
          : targets.map((peer) => destinations.get(peer)!);
      sender.queue(packet, wanted);
      if (isWaiting) return;
      isWaiting = true;
      queueMicrotask(flush);
    },
    flush: () => sender.flush(),
  };
}
