/**
 * The agreement on the next view. Each change of the CPG group or of Corosync's ring starts a round: every
 * member announces itself once, and with the announcements of all the view is made, at the same place of
 * Corosync's order everywhere. CPG's own configurations are not enough: they have no number that rises
 * over the life of a cluster, do not say who went along with whom, and know nothing of quorum.
 */
import type { RingId } from '@aisexec/totem';
import { ringIdEquals } from '@aisexec/totem';
import { type Announcement, type CpgMember, membersHash, type RoundKey, sameKey } from './wire.ts';

export interface QuorumOfRing {
  readonly quorate: boolean;
  readonly votes: number;
  readonly needed: number;
}

/**
 * What a finished round says. The view is named after the highest number that a member reserved for it, and
 * after that member: nobody reserves a number twice, so no two views have one name.
 */
export interface Outcome {
  readonly ringId: RingId;
  readonly members: readonly CpgMember[];
  readonly quorum: QuorumOfRing;
  /** What each member announced of the quorum, by nodeid. */
  readonly quorate: ReadonlyMap<number, boolean>;
  /** This node, and members whose last view was the same and who delivered the same of it, ascending. */
  readonly together: readonly number[];
}

export class Round {
  readonly key: RoundKey;
  readonly members: readonly CpgMember[];
  readonly #announced = new Map<string, Announcement>();
  #excluded: ReadonlySet<string> = new Set();
  /** Own ticks that came since it started. */
  ticks = 0;

  constructor(ringSeq: number, members: readonly CpgMember[]) {
    this.key = { ringSeq, members: membersHash(members) };
    this.members = members;
  }

  has(member: CpgMember): boolean {
    return this.#announced.has(nameOf(member));
  }

  /** The first announcement of a member counts. */
  announce(member: CpgMember, announcement: Announcement): void {
    const isMember = this.members.some((other) => nameOf(other) === nameOf(member));
    if (!isMember || this.has(member) || !sameKey(announcement.key, this.key)) return;
    this.#announced.set(nameOf(member), announcement);
  }

  get silent(): readonly CpgMember[] {
    return this.members.filter((member) => !this.has(member));
  }

  /** Whether this member is the one to say that others are silent. */
  speaks(member: CpgMember): boolean {
    const first = this.members.find((other) => this.has(other));
    return first !== undefined && nameOf(first) === nameOf(member);
  }

  /** Nobody waits for who is silent here and now: the same for all, since it is ordered. */
  exclude(): void {
    this.#excluded = new Set(this.silent.map(nameOf));
  }

  get isComplete(): boolean {
    return this.members.every((member) => {
      const name = nameOf(member);
      return this.#announced.has(name) || this.#excluded.has(name);
    });
  }

  outcome(self: CpgMember, previous: RingId | undefined, delivered: number): Outcome {
    const members = this.members.filter((member) => this.has(member));
    const said = (member: CpgMember) => this.#announced.get(nameOf(member))!;
    const all = members.map(said);
    const seq = Math.max(...all.map(({ reserved }) => reserved));
    const owner = members.find((member) => said(member).reserved === seq)!;
    const votes = all.reduce((sum, one) => sum + one.votes, 0);
    const needed = Math.max(...all.map((one) => one.needed));
    const together = members.filter((member) => {
      if (nameOf(member) === nameOf(self)) return true;
      const { previous: theirs, delivered: count } = said(member);
      return previous !== undefined && ringIdEquals(theirs, previous) && count === delivered;
    });
    return {
      ringId: { rep: owner.nodeId, seq },
      members,
      quorum: {
        quorate: all.every(({ quorate }) => quorate) && votes >= needed,
        votes,
        needed,
      },
      quorate: new Map(members.map((member) => [member.nodeId, said(member).quorate])),
      together: together.map(({ nodeId }) => nodeId),
    };
  }
}

export function nameOf({ nodeId, pid }: CpgMember): string {
  return `${nodeId}.${pid}`;
}
