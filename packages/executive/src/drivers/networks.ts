/**
 * The networks of a node: a transport per link, and above them the link layer, which chooses. To the ring they
 * look like one transport. A node whose peers all have one link gets that transport and nothing else: no
 * probe, no timer. An interface that goes down takes its socket along in nothing: sends fail and count as
 * loss, the link goes down by its silence, and the same socket carries again when the address is back.
 */
import { createLinks, type LinkEvent, type LinkMachine, type LinkStatus } from '@aisexec/totem';
import { type ExecutiveConfig, linksOf, type NodeConfig } from '../config/config.ts';
import { createTimers } from './timers.ts';
import type { UdpOptions, UdpTransport } from './udp/udp.ts';

export interface NetworksOptions {
  readonly config: ExecutiveConfig;
  /** Opens one link; the nodes it is given are those that have the link, at their addresses there. */
  readonly open: (options: UdpOptions) => Promise<UdpTransport>;
  /** One packet of the ring. The bytes are the transport's again when this returns. */
  readonly receive: (packet: Uint8Array) => void;
  /** See {@link UdpOptions.refused}: `hint` says whether the refusal is one about the node as a whole. */
  readonly refused: (node: number, isHint: boolean) => boolean;
  readonly event: (event: LinkEvent) => void;
  /** A transport threw while the link layer sent: probes have ended, the node must stop. */
  readonly failed: (error: unknown) => void;
  readonly clock?: () => number;
}

export interface Networks {
  /** Of all links, link 0 first. */
  readonly transports: readonly UdpTransport[];
  unicast(target: number, packet: Uint8Array): void;
  multicast(packet: Uint8Array): void;
  /** What was multicast so far in this turn leaves now, on every link. */
  flush(): void;
  /** Begins to probe. */
  start(): void;
  /** No more packets: neither in nor out. */
  close(): Promise<void>;
  /** Empty with one link. */
  links(): readonly LinkStatus[];
  stats(): Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** @throws TransportError when one of the addresses is in use or cannot be bound; none stays open. */
export async function createNetworks(options: NetworksOptions): Promise<Networks> {
  const { config, receive, refused, clock = () => performance.now() } = options;
  const transports: UdpTransport[] = [];
  let machine: LinkMachine | undefined;
  const several = linksOf(config.node).length > 1;
  const open = (link: number): Promise<UdpTransport> => {
    const nodes = config.nodes.flatMap((node) => onLink(node, link));
    const [self] = onLink(config.node, link) as [NodeConfig];
    return options.open({
      self,
      nodes,
      io: config.totem.io,
      // A dead network card must not keep the node from the ring that the others reach.
      mayBeAbsent: several,
      receive(packet, source) {
        if (!several) receive(packet);
        else if (!guarded((links) => links.receive(link, source, packet, clock()), true)) {
          receive(packet);
        }
      },
      refused: (node) =>
        refused(
          node,
          guarded((links) => links.refused(link, node, clock()), true),
        ),
    });
  };
  try {
    for (const link of linksOf(config.node).keys()) transports.push(await open(link));
  } catch (error) {
    await closeAll(transports);
    throw error;
  }
  return several ? severalLinks() : oneLink(transports[0]!);

  /** Of the link layer, which sends probes and answers by itself; `otherwise` when it does not run. */
  function guarded<T>(call: (links: LinkMachine) => T, otherwise: T): T {
    if (machine === undefined) return otherwise;
    try {
      return call(machine);
    } catch (error) {
      machine = undefined;
      options.failed(error);
      return otherwise;
    }
  }

  function severalLinks(): Networks {
    let closed = false;
    const timers = createTimers<'probe'>({
      fire: (_, now) => guarded((running) => running.timeout(now), undefined),
      clock,
    });
    const links = createLinks(linkConfigOf(config), {
      unicast: (link, target, packet) => transports[link]!.unicast(target, packet),
      multicast: (link, packet, targets) => transports[link]!.multicast(packet, targets),
      setTimer: (delayMs) => timers.set('probe', delayMs),
      event: options.event,
    });
    return {
      transports,
      unicast: (target, packet) => links.unicast(target, packet),
      multicast: (packet) => links.multicast(packet),
      flush() {
        for (const transport of transports) transport.flush?.();
      },
      start() {
        if (closed) return;
        machine = links;
        guarded((running) => running.start(clock()), undefined);
      },
      close() {
        closed = true;
        machine = undefined;
        timers.stop();
        return closeAll(transports);
      },
      links: () => links.status(),
      stats: () => ({ udp: sumOf(transports), links: links.stats() }),
    };
  }
}

function oneLink(transport: UdpTransport): Networks {
  return {
    transports: [transport],
    unicast: (target, packet) => transport.unicast(target, packet),
    multicast: (packet) => transport.multicast(packet),
    flush: () => transport.flush?.(),
    start() {},
    close: () => transport.close(),
    links: () => [],
    stats: () => ({ udp: transport.stats() }),
  };
}

/** Per peer the links that both have: a peer with one is reached, unwatched, as Corosync reaches it. */
function linkConfigOf({ node, nodes, totem }: ExecutiveConfig) {
  const own = linksOf(node).length;
  const peers = nodes
    .filter(({ id }) => id !== node.id)
    .map((peer) => ({
      id: peer.id,
      links: [...linksOf(peer).keys()].filter((link) => link < own),
    }));
  return { nodeId: node.id, mode: totem.linkMode, tokenMs: totem.tokenMs, peers };
}

/** The node as it is seen on one network; empty: it is not there. */
function onLink(node: NodeConfig, link: number): NodeConfig[] {
  const address = linksOf(node)[link];
  return address === undefined ? [] : [{ id: node.id, name: node.name, ...address }];
}

function closeAll(transports: readonly UdpTransport[]): Promise<void> {
  return Promise.all(transports.map((transport) => transport.close())).then(() => undefined);
}

function sumOf(transports: readonly UdpTransport[]): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const transport of transports) {
    for (const [name, count] of Object.entries(transport.stats())) {
      sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}
