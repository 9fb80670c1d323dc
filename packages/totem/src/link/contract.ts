/**
 * The seams of the link layer: several networks under one ring that knows of none. It chooses the links on
 * which a packet of the ring goes out; what comes in on any of them is the ring's, which drops duplicates by
 * its own sequence numbers. Pure like the ring: calls in, calls out, `now` in milliseconds of one monotonic
 * clock.
 */

/**
 * `passive`: the best link of each peer. `active`: tokens and messages on all links of each peer that are up, what
 * forms rings on the best one (ADR 0131).
 */
export const LINK_MODES = ['passive', 'active'] as const;
export type LinkMode = (typeof LINK_MODES)[number];

export interface LinkPeer {
  /** nodeid. */
  readonly id: number;
  /** The links this node shares with it, 0 to 7, ascending: the earlier the better. One at least. */
  readonly links: readonly number[];
}

export interface LinkConfig {
  readonly nodeId: number;
  readonly mode: LinkMode;
  /** Token time-out of the ring: probes, silence and hold follow from it (limits.ts). */
  readonly tokenMs: number;
  /** All other nodes. Those with one link are never probed: it is always used. */
  readonly peers: readonly LinkPeer[];
  /** Number of the first probe; near 2^32 in tests of the wrap-around. Default 0. */
  readonly initialNumber?: number;
}

/** Carried out by the driver at once; none may call back. Bytes are reused after the call. */
export interface LinkEffects {
  unicast(link: number, target: number, packet: Uint8Array): void;
  /** To these peers; undefined: to all that have this link. The array stays the same until it changes. */
  multicast(link: number, packet: Uint8Array, targets: readonly number[] | undefined): void;
  /** (Re)start the one timer: `timeout(now)`. */
  setTimer(delayMs: number): void;
  event(event: LinkEvent): void;
}

/**
 * A link of a peer came or went. `silent`: no answers, while another link may have them. `peer-silent`: no
 * answers on any link. `lossy`: too many probes lost. `answered`: for the first time, or after `peer-silent`.
 * `stable`: held long enough after it went.
 */
export interface LinkEvent {
  readonly event: 'link-down' | 'link-up';
  readonly link: number;
  readonly peer: number;
  readonly reason: 'silent' | 'peer-silent' | 'lossy' | 'answered' | 'stable';
  /** Links of this peer that are up now. */
  readonly up: number;
}

/** One link of one peer, for people and metrics. */
export interface LinkStatus {
  readonly peer: number;
  readonly link: number;
  /** `new`: not answered yet; `single`: the peer's only link, which is not watched. */
  readonly state: 'new' | 'up' | 'down' | 'single';
  /** Packets of the ring go out on it. */
  readonly used: boolean;
  /** Smoothed time from probe to answer; 0: not known. */
  readonly rttMs: number;
  readonly probes: number;
  readonly answers: number;
  /** How often it went down. */
  readonly downs: number;
  /** Probes it owes before it comes back; 0 when it is not down. */
  readonly owes: number;
}

export interface LinkMachine {
  /** Begins to probe. Packets can be sent before. */
  start(now: number): void;
  timeout(now: number): void;
  /** From the ring, to one node; this node itself goes through link 0. */
  unicast(target: number, packet: Uint8Array): void;
  /** From the ring, to all peers. */
  multicast(packet: Uint8Array): void;
  /**
   * A datagram of `source` on `link`. @returns true: it was the link layer's own, or rubbish of that kind,
   * and is dealt with; false: it is the ring's.
   */
  receive(link: number, source: number, datagram: Uint8Array, now: number): boolean;
  /**
   * The host of `node` answered on `link` that nobody listens. @returns whether that is a hint about the node:
   * each of its links is refused or down. Otherwise the others are probed at once. A link of which nothing is
   * known yet speaks for the node: its executive may be older than its links.
   */
  refused(link: number, node: number, now: number): boolean;
  /** By peer, then link. */
  status(): readonly LinkStatus[];
  stats(): Readonly<Record<string, number>>;
}
