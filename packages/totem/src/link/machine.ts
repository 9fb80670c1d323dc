/**
 * The link layer of one node (see contract.ts). Every link of a peer that has several is probed; what it
 * becomes of the answers is decided in watch.ts, once per probe. Here: which links the ring's packets take.
 */
import { invariant, PACKET_TYPE, packetType } from '../wire/index.ts';
import type {
  LinkConfig,
  LinkEffects,
  LinkEvent,
  LinkMachine,
  LinkPeer,
  LinkStatus,
} from './contract.ts';
import {
  frameKind,
  frameNumber,
  frameTime,
  isLinkFrame,
  isSound,
  LINK_FRAME_BYTES,
  LINK_FRAME_KIND,
  putFrame,
} from './frame.ts';
import { LINKS_MAX, PROBES_PER_TOKEN } from './limits.ts';
import { createWatch, type Watch } from './watch.ts';

/** A tick that comes later than this many periods means that this process slept, not that links are silent. */
const LATE_PERIODS = 2;
const US_PER_MS = 1_000;
/** The type is a byte. */
const PACKET_TYPES_MAX = 256;
/** Weight of a new sample of the round-trip time, as in TCP. */
const RTT_WEIGHT = 1 / 8;

type Targets = readonly number[] | undefined;

interface Link {
  readonly link: number;
  readonly watch: Watch;
  rttMs: number;
  probes: number;
  answers: number;
  /** Somebody's host answered that nobody listens, and nothing came since. */
  refused: boolean;
  /** Tokens and messages go out on it. */
  used: boolean;
}

interface Peer {
  readonly id: number;
  readonly links: readonly Link[];
  /** Several links: they are probed. */
  readonly isWatched: boolean;
  /** What forms rings goes out on one of them (see {@link isRepeatable}): the best, or all in turn when none is up. */
  ways: readonly Link[];
}

export function createLinks(config: LinkConfig, effects: LinkEffects): LinkMachine {
  checkConfig(config);
  const { nodeId, mode } = config;
  const probeMs = config.tokenMs / PROBES_PER_TOKEN;
  const peers = config.peers.map(createPeer);
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  const linkCount = 1 + Math.max(0, ...config.peers.flatMap(({ links }) => links));
  /** Per link: whom a multicast reaches by it; of messages, and, for each turn, of what forms rings. */
  let targets: readonly Targets[] = [];
  let formers: readonly (readonly Targets[])[] = [];
  /** By packet type, so that no two types that alternate take the same link each time. */
  const turns = new Uint8Array(PACKET_TYPES_MAX);
  const frame = new Uint8Array(LINK_FRAME_BYTES);
  const counters = { probes: 0, answers: 0, answered: 0, switches: 0, late: 0, rubbish: 0 };
  let number = (config.initialNumber ?? 0) >>> 0;
  let tickedAt = 0;
  let dueAt = 0;

  /** After any change of a link's state. */
  function route(peer: Peer): void {
    const up = peer.links.filter(({ watch }) => watch.state === 'up');
    const candidates = up.length === 0 ? peer.links : up;
    const ways = up.length === 0 ? candidates : candidates.slice(0, 1);
    for (const link of peer.links) {
      link.used = (mode === 'passive' ? ways : candidates).includes(link);
    }
    if (ways[0] !== peer.ways[0]) counters.switches++;
    peer.ways = ways;
    listTargets();
  }

  function listTargets(): void {
    const numbers = Array.from({ length: linkCount }, (_, number) => number);
    targets = numbers.map((at) => targetsOf(peers, at, (_, link) => link.used));
    formers = numbers.map((turn) =>
      numbers.map((at) => targetsOf(peers, at, (peer, link) => link === wayOf(peer, turn))),
    );
  }

  function nextTurn(packet: Uint8Array): number {
    const type = packetType(packet);
    const turn = turns[type]!;
    turns[type] = (turn + 1) % linkCount;
    return turn;
  }

  function tell(
    peer: Peer,
    { link }: Link,
    event: LinkEvent['event'],
    reason: LinkEvent['reason'],
  ) {
    route(peer);
    const up = peer.links.filter(({ watch }) => watch.state === 'up').length;
    effects.event({ event, link, peer: peer.id, reason, up });
  }

  function probe(peer: Peer, link: Link, now: number): void {
    link.probes++;
    counters.probes++;
    putFrame(frame, LINK_FRAME_KIND.probe, link.link, nodeId, number, now * US_PER_MS);
    effects.unicast(link.link, peer.id, frame);
  }

  function tick(now: number): void {
    // Asleep we heard nobody: what is silent now has not been asked.
    const isLate = now - tickedAt > LATE_PERIODS * probeMs;
    tickedAt = now;
    number = (number + 1) >>> 0;
    for (const peer of peers) {
      if (!peer.isWatched) continue;
      if (!isLate) judge(peer);
      for (const link of peer.links) {
        link.watch.asked(isLate);
        probe(peer, link, now);
      }
    }
  }

  function judge(peer: Peer): void {
    const isAway = peer.links.every(({ watch }) => watch.isSilent);
    const hasUp = peer.links.some(({ watch }) => watch.state === 'up');
    for (const link of peer.links) {
      const change = link.watch.judge(isAway, hasUp);
      if (change === 'stable') tell(peer, link, 'link-up', change);
      else if (change !== undefined) tell(peer, link, 'link-down', change);
    }
  }

  function answered(peer: Peer, link: Link, datagram: Uint8Array, now: number): void {
    const age = (number - frameNumber(datagram)) >>> 0;
    const isNew = link.watch.answered(age);
    if (isNew === undefined) {
      counters.late++;
      return;
    }
    link.answers++;
    counters.answered++;
    link.refused = false;
    const rttMs = ((now * US_PER_MS - frameTime(datagram)) >>> 0) / US_PER_MS;
    link.rttMs = link.rttMs === 0 ? rttMs : link.rttMs + (rttMs - link.rttMs) * RTT_WEIGHT;
    if (isNew) tell(peer, link, 'link-up', 'answered');
  }

  listTargets();

  return {
    start(now) {
      tickedAt = now;
      dueAt = now;
      if (peers.some(({ isWatched }) => isWatched)) this.timeout(now);
    },
    timeout(now) {
      tick(now);
      // Late timers do not add up, nor do they hurry what is asked next.
      dueAt = Math.max(dueAt + probeMs, now + probeMs / 2);
      effects.setTimer(dueAt - now);
    },
    unicast(target, packet) {
      const peer = byId.get(target);
      if (peer === undefined) {
        effects.unicast(0, target, packet);
        return;
      }
      if (!isRepeatable(packet)) {
        effects.unicast(wayOf(peer, nextTurn(packet)).link, target, packet);
        return;
      }
      for (const link of peer.links) if (link.used) effects.unicast(link.link, target, packet);
    },
    multicast(packet) {
      const lists = isRepeatable(packet) ? targets : formers[nextTurn(packet)]!;
      for (let link = 0; link < linkCount; link++) {
        const wanted = lists[link];
        if (wanted?.length !== 0) effects.multicast(link, packet, wanted);
      }
    },
    receive(at, source, datagram, now) {
      if (!isLinkFrame(datagram)) return false;
      const peer = byId.get(source);
      const link = peer?.links.find((one) => one.link === at);
      if (peer === undefined || link === undefined || !isSound(datagram, source, at)) {
        counters.rubbish++;
      } else if (frameKind(datagram) === LINK_FRAME_KIND.answer) {
        answered(peer, link, datagram, now);
      } else {
        counters.answers++;
        const [asked, time] = [frameNumber(datagram), frameTime(datagram)];
        putFrame(frame, LINK_FRAME_KIND.answer, at, nodeId, asked, time);
        effects.unicast(at, source, frame);
      }
      return true;
    },
    refused(at, node, now) {
      const peer = byId.get(node);
      if (peer === undefined || !peer.isWatched) return true;
      for (const link of peer.links) {
        const isNews = link.link === at && !link.refused;
        if (link.link === at) link.refused = true;
        if (!isNews) continue;
        for (const other of peer.links) if (!other.refused) probe(peer, other, now);
      }
      return peer.links.every(({ refused, watch }) => refused || watch.state === 'down');
    },
    status: () => peers.flatMap((peer) => peer.links.map((link) => statusOf(peer, link))),
    stats: () => {
      const watched = peers.filter(({ isWatched }) => isWatched).flatMap(({ links }) => links);
      const up = watched.filter(({ watch }) => watch.state === 'up').length;
      return { ...counters, links: watched.length, up };
    },
  };
}

function createPeer({ id, links: numbers }: LinkPeer): Peer {
  // Until one of them answers, all are used.
  const links = numbers.map((link) => ({
    link,
    watch: createWatch(),
    rttMs: 0,
    probes: 0,
    answers: 0,
    refused: false,
    used: true,
  }));
  return { id, links, isWatched: links.length > 1, ways: links };
}

function wayOf({ ways }: Peer, turn: number): Link {
  return ways[turn % ways.length]!;
}

/**
 * Whether a second copy that comes late is harmless: tokens and messages are numbered. What forms rings is not, and
 * a late copy of a JOIN is an accusation from the past: with two copies of each, two nodes can accuse each other
 * for ever (ADR 0131). It is repeated until it is answered, and by then goes over a link that lives: when none is known
 * to, each repetition takes the next.
 */
function isRepeatable(packet: Uint8Array): boolean {
  const type = packetType(packet);
  return type === PACKET_TYPE.orfToken || type === PACKET_TYPE.mcast;
}

/** undefined: everybody who has this link, which is one call without a list. */
function targetsOf(
  peers: readonly Peer[],
  at: number,
  carries: (peer: Peer, link: Link) => boolean,
): Targets {
  const having = peers.filter(({ links }) => links.some(({ link }) => link === at));
  const using = having.filter((peer) =>
    peer.links.some((link) => link.link === at && carries(peer, link)),
  );
  // Nobody has it: nothing to send, which an empty list says.
  return using.length === having.length && having.length > 0
    ? undefined
    : using.map(({ id }) => id);
}

function statusOf(peer: Peer, { link, watch, used, rttMs, probes, answers }: Link): LinkStatus {
  const state = peer.isWatched ? watch.state : 'single';
  const { downs, owes } = watch;
  return { peer: peer.id, link, state, used, rttMs, probes, answers, downs, owes };
}

function checkConfig({ nodeId, tokenMs, peers }: LinkConfig): void {
  invariant(tokenMs > 0, 'tokenMs is positive', { tokenMs });
  for (const { id, links } of peers) {
    invariant(id !== nodeId, 'a node is not its own peer', { id });
    invariant(links.length >= 1 && links.length <= LINKS_MAX, 'links of a peer', { id });
    const isAscending = links.every((link, i) => i === 0 || link > links[i - 1]!);
    invariant(isAscending && links[0]! >= 0 && links.at(-1)! < LINKS_MAX, 'links ascend', { id });
  }
}
