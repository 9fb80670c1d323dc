/**
 * One real ring among puppets: the test plays all other members by hand, packet by packet, and reads what
 * the ring does. For tests of single rules (totem-wire §3.3, §3.4).
 */
import type { Configuration, RingId } from '../contract.ts';
import type { RingConfig, RingMachine, RingTimer } from '../ring.ts';
import {
  type CommitEntry,
  type CommitToken,
  createOrfToken,
  decodeCommitToken,
  decodeJoin,
  decodeOrfToken,
  encodeCommitToken,
  encodeJoin,
  encodeOrfToken,
  type Join,
  MCAST_BYTES,
  ORF_TOKEN_BYTES_MAX,
  type OrfToken,
  PACKET_TYPE,
  packetType,
  prepareMcast,
  stampMcast,
} from '../wire/index.ts';
import { ringDefaults } from './defaults.ts';
import { createRing } from './machine.ts';

export class Puppet {
  readonly ring: RingMachine;
  readonly nodeId: number;
  /** Multicasts and unicasts to others since the last {@link clear}. */
  readonly sent: { readonly target: number | 'all'; readonly packet: Uint8Array }[] = [];
  readonly timers = new Map<RingTimer, number>();
  readonly delivered: string[] = [];
  readonly configurations: Configuration[] = [];
  /** The order of effects that must be ordered. */
  readonly effects: string[] = [];
  readonly traces: string[] = [];
  /** Packets that wait above the ring's queue. */
  waiting = 0;
  readonly #self: Uint8Array[] = [];
  readonly #initialSeq: number;
  #token: OrfToken = createOrfToken();

  constructor(nodeId: number, config: Partial<RingConfig> = {}) {
    this.nodeId = nodeId;
    this.#initialSeq = config.initialSeq ?? 0;
    this.ring = createRing(
      ringDefaults({ nodeId, ringSeq: 0, random: () => 0.5, ...config }),
      {
        unicast: (target, packet) => {
          this.effects.push(`send ${packetType(packet)}`);
          if (target === nodeId) this.#self.push(packet.slice());
          else this.sent.push({ target, packet: packet.slice() });
        },
        multicast: (packet) => {
          this.effects.push(`send ${packetType(packet)}`);
          this.sent.push({ target: 'all', packet: packet.slice() });
        },
        setTimer: (timer, delayMs) => this.timers.set(timer, delayMs),
        cancelTimer: (timer) => this.timers.delete(timer),
        storeRingId: (ringId) => this.effects.push(`store ${ringId.seq}`),
        trace: (event) => this.traces.push(event.event),
      },
      {
        deliver: (source, payload, _ringId, guarantee) =>
          this.delivered.push(`${source}:${payload.join()}:${guarantee}`),
        configuration: (configuration) => {
          this.configurations.push(configuration);
          if (configuration.type === 'regular') this.ring.syncComplete(configuration.ringId);
        },
        tokenArrived: () => {},
        packetsWaiting: () => this.waiting,
      },
    );
  }

  clear(): void {
    this.lastToken();
    this.sent.length = 0;
    this.effects.length = 0;
    this.delivered.length = 0;
  }

  receive(packet: Uint8Array): void {
    this.ring.receive(packet, 0);
  }

  fire(timer: RingTimer): void {
    this.timers.delete(timer);
    this.ring.timeout(timer, 0);
  }

  /** Starts and lets it become a ring of one. */
  start(): this {
    this.ring.start(0);
    while (this.ring.state !== 'operational') this.receive(this.#self.shift()!);
    this.#self.length = 0;
    return this;
  }

  /** A ring of these members, all others fresh; what they held of older rings is `entries`. */
  form(members: readonly number[], entries: Readonly<Record<number, CommitEntry>> = {}): this {
    this.gatherWith(members);
    this.commit(members, entries);
    this.recover(members);
    this.clear();
    return this;
  }

  /** Everybody else says what this node says. */
  gatherWith(members: readonly number[]): void {
    const others = members.filter((node) => node !== this.nodeId);
    for (const node of others) this.join(node, { proc: members });
    for (const node of others) this.join(node, { proc: members });
  }

  /** The commit token's first two rotations: afterwards the ring is in recovery. */
  commit(
    members: readonly number[],
    entries: Readonly<Record<number, CommitEntry>> = {},
  ): CommitToken {
    const fresh: CommitEntry = {
      oldRingId: { rep: 99, seq: 1 },
      aru: 0,
      highDelivered: 0,
      received: true,
    };
    if (members[0] !== this.nodeId) {
      this.receive(
        encodeCommitToken({
          nodeId: members[0]!,
          tokenSeq: 1,
          ringId: { rep: members[0]!, seq: this.ring.ringId.seq + 4 },
          membIndex: members.indexOf(this.nodeId),
          members,
          entries: members.map((node) => entries[node] ?? fresh),
        }),
      );
    }
    const filled = this.lastCommitToken();
    const complete: CommitToken = {
      ...filled,
      tokenSeq: filled.tokenSeq + members.length - 1,
      membIndex: members.length,
      entries: filled.entries.map((entry, i) =>
        members[i] === this.nodeId ? entry : (entries[members[i]!] ?? fresh),
      ),
    };
    this.receive(encodeCommitToken(complete));
    return complete;
  }

  /** From recovery to operational with nothing to copy. */
  recover(members: readonly number[]): void {
    if (members[0] === this.nodeId) this.returnCommitToken(members);
    else {
      this.receiveToken({
        seq: this.#initialSeq,
        tokenSeq: this.#initialSeq,
        aru: (this.#initialSeq - 1) >>> 0,
        aruAddr: members[0]!,
        nodeId: members[0]!,
      });
    }
    for (let i = 0; this.ring.state === 'recovery' && i < 20; i++) this.rotate();
  }

  returnCommitToken(members: readonly number[]): void {
    const token = this.lastCommitToken();
    this.receive(encodeCommitToken({ ...token, tokenSeq: token.tokenSeq + members.length - 1 }));
  }

  /** The token as it left here comes back: nobody else did anything but `changes`. */
  rotate(changes: Partial<OrfToken> = {}): OrfToken {
    const token = this.lastToken();
    const aru = token.aruAddr === 0 || token.aruAddr === this.nodeId ? token.aru : token.seq;
    const tokenSeq = (token.tokenSeq + 1) >>> 0;
    return this.receiveToken({ ...token, tokenSeq, aru, ...changes });
  }

  /** @returns the token as it was forwarded, or as it was last seen. */
  receiveToken(changes: Partial<OrfToken>): OrfToken {
    const { rep, seq } = this.ring.ringId;
    const token = Object.assign(createOrfToken(), { ringRep: rep, ringSeq: seq }, changes);
    const into = new Uint8Array(ORF_TOKEN_BYTES_MAX);
    const length = encodeOrfToken(token, into);
    this.receive(into.slice(0, length));
    return this.lastToken();
  }

  /** A JOIN of another node; by default it agrees with everything. */
  join(systemFrom: number, changes: Partial<Join>): void {
    this.receive(
      encodeJoin({
        systemFrom,
        leave: false,
        ringSeq: this.ring.ringId.seq,
        proc: [],
        failed: [],
        ...changes,
      }),
    );
  }

  /** A message of another member in the current ring, or in a given one. */
  mcast(
    source: number,
    seq: number,
    { safe = false, ringId = this.ring.ringId }: { safe?: boolean; ringId?: RingId } = {},
  ): Uint8Array {
    const packet = mcastOf(source, seq, ringId, safe);
    this.receive(packet.slice());
    return packet;
  }

  submit(...bytes: number[]): boolean {
    return this.ring.submit(Uint8Array.from(bytes), 'agreed', 'normal');
  }

  packets(type: number): Uint8Array[] {
    return this.sent
      .filter(({ packet }) => packetType(packet) === type)
      .map(({ packet }) => packet);
  }

  lastJoin(): Join {
    const decoded = decodeJoin(this.packets(PACKET_TYPE.join).at(-1) ?? new Uint8Array(0));
    if (!decoded.ok) throw new Error(`no JOIN was sent: ${decoded.error}`);
    return decoded.value;
  }

  lastCommitToken(): CommitToken {
    const decoded = decodeCommitToken(
      this.packets(PACKET_TYPE.commitToken).at(-1) ?? new Uint8Array(0),
    );
    if (!decoded.ok) throw new Error(`no commit token was sent: ${decoded.error}`);
    return decoded.value;
  }

  /** Members of the commit token that was sent to this very node. */
  lastCommitTokenToSelf(): readonly number[] {
    const decoded = decodeCommitToken(this.#self.at(-1) ?? new Uint8Array(0));
    return decoded.ok ? decoded.value.members : [];
  }

  lastToken(): OrfToken {
    const packet = this.packets(PACKET_TYPE.orfToken).at(-1);
    if (packet !== undefined) {
      this.#token = createOrfToken();
      decodeOrfToken(packet, this.#token);
    }
    return this.#token;
  }

  stat(name: string): number {
    return this.ring.stats()[name] ?? 0;
  }
}

export function mcastOf(source: number, seq: number, ringId: RingId, safe = false): Uint8Array {
  const packet = new Uint8Array(MCAST_BYTES + 1);
  packet[MCAST_BYTES] = seq;
  prepareMcast(packet, source, safe ? 'safe' : 'agreed');
  stampMcast(packet, seq, ringId.rep, ringId.seq, 0);
  return packet;
}
