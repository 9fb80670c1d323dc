/**
 * The peers of this node as its transport knows them: where they are, which packets are theirs, and whose
 * host has refused packets lately.
 */
import type { NodeConfig } from '../../config/config.ts';
import { SPARED_PROBE_MS } from '../../limits.ts';

export interface Peer {
  readonly node: NodeConfig;
  /**
   * Its host refuses packets and the ring does not need it: it gets one packet per SPARED_PROBE_MS only,
   * until it is heard. A dead node of the list would otherwise cost a failed system call per packet.
   */
  spared: boolean;
  nextProbeAt: number;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export function createPeers(self: NodeConfig, nodes: readonly NodeConfig[]): readonly Peer[] {
  return nodes
    .filter(({ id }) => id !== self.id)
    .map((node) => ({ node, spared: false, nextProbeAt: 0 }));
}

/** The peers of a list of nodeids; the last list is remembered, as a sender gives the same one for long. */
export function createChoice(
  peers: readonly Peer[],
): (targets: readonly number[]) => readonly Peer[] {
  let known: readonly number[] | undefined;
  let chosen: readonly Peer[] = [];
  return (targets) => {
    if (targets !== known) chosen = peers.filter(({ node }) => targets.includes(node.id));
    known = targets;
    return chosen;
  };
}

/** Whether to send to a peer now. */
export function isDue(peer: Peer, clock: () => number): boolean {
  if (!peer.spared) return true;
  const now = clock();
  if (now < peer.nextProbeAt) return false;
  peer.nextProbeAt = now + SPARED_PROBE_MS;
  return true;
}

/**
 * Which node of the list a packet comes from, if any. Only the address counts, as with Corosync, whose
 * multicasts leave from other ports; where nodes share an address (one machine) the port tells them apart.
 */
export function createPeerLookup(
  self: NodeConfig,
  peers: readonly Peer[],
): (source: Endpoint) => Peer | undefined {
  const all = [self, ...peers.map(({ node }) => node)];
  const sharesAddress = ({ id, address }: NodeConfig) =>
    all.some((other) => other.id !== id && other.address === address);
  const addresses = new Map<string, Peer>();
  const endpoints = new Map<string, Map<number, Peer>>();
  for (const peer of peers) {
    const { address, port } = peer.node;
    if (!sharesAddress(peer.node)) addresses.set(address, peer);
    else endpoints.set(address, (endpoints.get(address) ?? new Map()).set(port, peer));
  }
  return ({ address, port }) => addresses.get(address) ?? endpoints.get(address)?.get(port);
}
