/**
 * GroupMessaging on one CPG group, without C, clock or sockets: a driver tells what libcpg and libquorum
 * said, and does what {@link CoreEffects} asks. A member of the group is a node; our groups are
 * multiplexed inside. Without Corosync the node is a view of its own (not quorate), as a Totem node alone is.
 */
import {
  type Group,
  type GroupHandlers,
  type GroupMessage,
  type GroupMessaging,
  type GroupOptions,
  type RingId,
  ringIdEquals,
} from '@aisexec/totem';
import type { CoreEffects, CoreOptions, RingQuorum } from './contract.ts';
import { Groups } from './groups.ts';
import { Inbox } from './inbox.ts';
import {
  CPG_ACK_EVERY_FRAMES,
  CPG_FRAMES_UNACKED_MAX,
  CPG_FRAMES_UNDER_WAY_MAX,
  CPG_PATIENCE_TICKS,
  CPG_SOLO_FRAMES_PER_TURN,
} from './limits.ts';
import { nameOf, type Outcome, type QuorumOfRing, Round } from './round.ts';
import { Signals } from './signals.ts';
import { NO_QUORUM, NO_VIEW, type View } from './view.ts';
import { Watch } from './watch.ts';
import {
  type Announcement,
  type CpgMember,
  decodeFrame,
  type Frame,
  type Stamp,
  sameKey,
} from './wire.ts';

export class CpgCore implements GroupMessaging {
  readonly nodeId: number;
  readonly #options: CoreOptions;
  readonly #effects: CoreEffects;
  readonly #groups: Groups;
  readonly #signals: Signals;
  readonly #counters = {
    framesSent: 0,
    framesReceived: 0,
    /** Frames of an earlier view; their sender sends the content again. */
    staleDropped: 0,
    foreignDropped: 0,
    malformedDropped: 0,
    /** Corosync had no room (CS_ERR_TRY_AGAIN). */
    tryAgain: 0,
    excluded: 0,
  };
  #highest: number;
  #reserved: number | undefined;
  #view: View | undefined;
  /** Members of the view that have not left the group since, in CPG's eyes. */
  #together = new Set<number>();
  #self: CpgMember | undefined;
  #ringSeq: number | undefined;
  #members: readonly CpgMember[] = [];
  #quorum: RingQuorum | undefined;
  #round: Round | undefined;
  readonly #watch = new Watch();
  /** Own data frames that Corosync has, and the one that it had no room for. */
  #underWay = 0;
  #frame: Uint8Array | undefined;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#effects = options.effects;
    this.nodeId = options.nodeId;
    this.#highest = options.highest;
    this.#groups = new Groups(() => this.#effects.wake());
    this.#signals = new Signals({
      send: (frame) => this.#effects.send(frame),
      announcement: (round, stamp) => this.#announcement(round, stamp),
    });
  }

  get view(): { readonly ringId: RingId; readonly members: readonly number[] } | undefined {
    return this.#view;
  }

  /** The quorum of the current view: what all its members were told of one ring of Corosync. */
  get quorum(): QuorumOfRing {
    return this.#view?.quorum ?? NO_QUORUM;
  }

  /** `gather`: a new view is being agreed on. `down`: without Corosync. */
  get state(): 'down' | 'gather' | 'operational' {
    if (this.#self === undefined) return 'down';
    return this.#round === undefined ? 'operational' : 'gather';
  }

  // What the driver tells

  /** This process is in the group; the first `changed` and `ring` follow. */
  connected(pid: number): void {
    this.#self = { nodeId: this.nodeId, pid };
    this.#members = [];
    this.#ringSeq = undefined;
    this.#quorum = undefined;
    this.#watch.forgetStrangers();
  }

  /** Corosync is gone, or does not answer: this node is alone from now on. Idempotent. */
  disconnected(): void {
    this.#self = undefined;
    this.#round = undefined;
    this.#members = [];
    if (this.#view !== undefined && !this.#view.solo) this.#goSolo(this.#view);
  }

  /** A configuration of the CPG group. */
  changed(members: readonly CpgMember[], left: readonly CpgMember[]): void {
    if (this.#self === undefined) return;
    const isMine = ({ nodeId, pid }: CpgMember) =>
      nodeId === this.nodeId && pid !== this.#self?.pid;
    const other = this.#members.length === 0 ? members.find(isMine) : undefined;
    if (other !== undefined) {
      this.#effects.occupied(other.pid);
      return;
    }
    this.#members = [...members].sort((a, b) => a.nodeId - b.nodeId || a.pid - b.pid);
    for (const { nodeId, pid } of left) {
      if (this.#view?.pids.get(nodeId) === pid) this.#together.delete(nodeId);
    }
    this.#startRound();
  }

  /** A ring of Corosync (cpg_totem_confchg_fn). */
  ring(ringSeq: number): void {
    this.#ringSeq = ringSeq;
    this.#startRound();
  }

  /** What libquorum said last. */
  quorumChanged(quorum: RingQuorum): void {
    this.#quorum = quorum;
    this.#checkQuorum();
    this.#effects.wake();
  }

  /** One message of the CPG group, in its order. `bytes` may change after the call. */
  received(member: CpgMember, bytes: Uint8Array): void {
    if (this.#self === undefined) return;
    this.#counters.framesReceived++;
    const frame = decodeFrame(bytes);
    if (typeof frame === 'string') this.#foreign(member, frame);
    else {
      if (this.#view?.pids.get(member.nodeId) === member.pid) this.#watch.heard(member.nodeId);
      if (frame.kind === 'data') this.#data(member, frame, bytes);
      else if (frame.kind === 'tick') this.#ticked(member, frame.stamp);
      else this.#control(member, frame);
    }
    this.#effects.wake();
  }

  /** Call at a steady pace: a sign of life to the others, and the measure of their silence. */
  tick(): void {
    if (this.#self === undefined) return;
    this.#signals.tell();
    this.#effects.wake();
  }

  /** Sends what can be sent. @returns true when Corosync had no room: call again in a moment. */
  pump(): boolean {
    const isHeard = this.#self === undefined || this.#signals.pump(this.#round, this.#stamp());
    const blocked = !isHeard || !this.#pumpData();
    if (blocked) this.#counters.tryAgain++;
    this.#groups.tellDrained();
    return blocked;
  }

  // GroupMessaging

  join(group: string, handlers: GroupHandlers, options: GroupOptions = {}): Group {
    return this.#groups.join(group, handlers, options);
  }

  syncComplete(ringId: RingId): void {
    if (this.#isOfView(ringId)) this.#groups.syncComplete();
  }

  stats() {
    return {
      ...this.#counters,
      ...this.#groups.stats(),
      held: this.#view?.inbox.heldMessages ?? 0,
      framesUnderWay: this.#underWay,
    };
  }

  // Views

  #startRound(): void {
    if (this.#self === undefined || this.#ringSeq === undefined) return;
    this.#round = new Round(this.#ringSeq, this.#members);
    this.#reserved = undefined;
    this.#signals.startRound();
    this.#effects.wake();
  }

  #control(member: CpgMember, frame: Extract<Frame, { kind: 'announce' | 'exclude' | 'reform' }>) {
    const round = this.#round;
    if (frame.kind === 'announce') {
      round?.announce(member, frame.announcement);
      this.#finishRound();
    } else if (frame.kind === 'exclude') {
      if (round === undefined || !sameKey(round.key, frame.key)) return;
      round.exclude();
      this.#counters.excluded += round.silent.length;
      const reason = 'in the group of the executives and does not announce itself';
      this.#effects.trace('silent-members', { members: round.silent.map(nameOf), reason });
      this.#finishRound();
    } else if (round === undefined && this.#isOfView(frame.stamp.view)) this.#startRound();
  }

  #finishRound(): void {
    const round = this.#round;
    const self = this.#self;
    if (round === undefined || self === undefined || !round.isComplete) return;
    if (round.silent.length === round.members.length) return;
    this.#round = undefined;
    const view = this.#view;
    const outcome = round.outcome(self, view?.ringId, view?.inbox.delivered ?? 0);
    this.#highest = Math.max(this.#highest, outcome.ringId.seq);
    if (round.has(self)) this.#install(outcome);
    else this.#effects.rejoin('the others did not wait for this node');
  }

  #install({ ringId, members, quorum, quorate, together }: Outcome): void {
    const coming = together.filter((node) => node === this.nodeId || this.#together.has(node));
    if (this.#view !== undefined) this.#end(this.#view, coming, []);
    const pids = new Map(members.map(({ nodeId, pid }) => [nodeId, pid]));
    this.#begin({ ringId, pids, quorum, quorate, solo: false }, coming);
    this.#checkQuorum();
  }

  /**
   * What may have been delivered elsewhere and did not come back is delivered here, in the configuration
   * that has this node alone: it must not be sent again to those who have it already.
   */
  #goSolo(view: View): void {
    const alone = [this.nodeId];
    this.#end(view, alone, this.#groups.takeUnderWay(this.nodeId, view.ringId));
    const ringId = { rep: this.nodeId, seq: this.#highest + 1 };
    const pids = new Map([[this.nodeId, 0]]);
    this.#begin({ ringId, pids, quorum: NO_QUORUM, quorate: new Map(), solo: true }, alone);
  }

  #end(view: View, coming: readonly number[], rest: readonly GroupMessage[]): void {
    const { ringId, members, inbox } = view;
    const left = members.filter((node) => !coming.includes(node));
    this.#groups.transitional({ type: 'transitional', ringId, members: coming, left, joined: [] });
    inbox.releaseAll();
    for (const message of rest) this.#groups.deliver(message);
  }

  #begin(next: Omit<View, 'inbox' | 'members'>, coming: readonly number[]): void {
    const { ringId } = next;
    const members = [...next.pids.keys()].sort((a, b) => a - b);
    this.#highest = Math.max(this.#highest, ringId.seq);
    this.#effects.store(ringId);
    const inbox = new Inbox({
      ringId,
      members,
      pool: this.#groups.pool,
      deliver: (message) => this.#groups.deliver(message),
      cameBack: (source, sync) => {
        if (source === this.nodeId) this.#groups.cameBack(sync);
      },
      malformed: () => void this.#counters.malformedDropped++,
    });
    this.#view = { ...next, members, inbox };
    this.#together = new Set(members);
    this.#watch.beginView();
    this.#frame = undefined;
    this.#underWay = 0;
    this.#signals.beginView();
    const joined = members.filter((node) => !coming.includes(node));
    this.#groups.regular({ type: 'regular', ringId, members, left: [], joined });
    this.#effects.wake();
  }

  /** The view was made with another word on the quorum than this node has now: a new one is due. */
  #checkQuorum(): void {
    const view = this.#view;
    if (!this.#options.quorum || view === undefined || view.solo) return;
    if (this.#round !== undefined || this.#quorum?.ringSeq !== this.#ringSeq) return;
    if (view.quorate.get(this.nodeId) !== this.#quorum?.quorate) this.#signals.reform();
  }

  /** A view is announced only once libquorum has spoken about the very ring that libcpg is in. */
  #announcement({ key }: Round, { view, delivered }: Stamp): Announcement | undefined {
    if (this.#options.quorum && this.#quorum?.ringSeq !== this.#ringSeq) return undefined;
    const { quorate, votes, needed } = this.#quorum ?? NO_QUORUM;
    if (this.#reserved === undefined) {
      this.#highest = Math.max(this.#highest + 1, key.ringSeq);
      this.#reserved = this.#highest;
      this.#effects.store({ rep: this.nodeId, seq: this.#reserved });
    }
    return { key, reserved: this.#reserved, previous: view, delivered, quorate, votes, needed };
  }

  // Frames

  #data(member: CpgMember, frame: Extract<Frame, { kind: 'data' }>, bytes: Uint8Array): void {
    const view = this.#view;
    const isCurrent =
      view?.solo === false &&
      this.#round === undefined &&
      view.pids.get(member.nodeId) === member.pid &&
      ringIdEquals(frame.stamp.view, view.ringId);
    if (!isCurrent) {
      this.#counters.staleDropped++;
      return;
    }
    if (member.nodeId === this.nodeId) this.#underWay--;
    const isSafe = view.inbox.frame(member.nodeId, bytes, frame.sync);
    const behind = view.inbox.delivered - this.#signals.told;
    if (isSafe || behind >= CPG_ACK_EVERY_FRAMES) this.#signals.tell();
    view.inbox.acknowledge(member.nodeId, frame.stamp.delivered);
  }

  #ticked(member: CpgMember, { view: ringId, delivered }: Stamp): void {
    const view = this.#view;
    const round = this.#round;
    if (round === undefined && this.#isOfView(ringId)) {
      view?.inbox.acknowledge(member.nodeId, delivered);
    }
    if (this.#self === undefined || nameOf(member) !== nameOf(this.#self)) return;
    if (round !== undefined) {
      round.ticks++;
      if (round.ticks >= CPG_PATIENCE_TICKS && round.speaks(this.#self)) this.#signals.exclude();
    } else if (view?.solo === false) this.#countSilence(view);
  }

  #countSilence({ members }: View): void {
    const silent = this.#watch.ticked(members.filter((node) => node !== this.nodeId));
    if (silent.length === 0) return;
    this.#signals.reform();
    this.#effects.trace('member-silent', { members: silent });
  }

  #isOfView(ringId: RingId): boolean {
    return this.#view !== undefined && ringIdEquals(ringId, this.#view.ringId);
  }

  #foreign(member: CpgMember, reason: string): void {
    this.#counters.foreignDropped++;
    if (!this.#watch.isNew(member)) return;
    this.#effects.trace('foreign-message', { reason, source: member.nodeId, pid: member.pid });
  }

  #stamp(): Stamp {
    const view = this.#view;
    return { view: view?.ringId ?? NO_VIEW, delivered: view?.inbox.delivered ?? 0 };
  }

  /** @returns false when Corosync has no room. */
  #pumpData(): boolean {
    const view = this.#view;
    if (view === undefined) return true;
    if (view.solo) {
      this.#pumpSolo(view);
      return true;
    }
    while (this.#round === undefined && this.#mayRun(view)) {
      const stamp = this.#stamp();
      this.#frame ??= this.#groups.lane.frame(stamp);
      if (this.#frame === undefined) return true;
      if (!this.#effects.send(this.#frame)) return false;
      this.#frame = undefined;
      this.#counters.framesSent++;
      this.#underWay++;
    }
    return true;
  }

  #pumpSolo(view: View): void {
    for (let frames = 0; frames < CPG_SOLO_FRAMES_PER_TURN; frames++) {
      const { lane, syncing } = this.#groups;
      const frame = lane.frame(this.#stamp());
      if (frame === undefined) return;
      view.inbox.frame(this.nodeId, frame, syncing);
    }
    this.#effects.wake();
  }

  /** Neither Corosync's queues nor those of a slow member grow without bound. */
  #mayRun(view: View): boolean {
    if (this.#underWay >= CPG_FRAMES_UNDER_WAY_MAX) return false;
    return view.inbox.delivered - view.inbox.stable < CPG_FRAMES_UNACKED_MAX;
  }
}
