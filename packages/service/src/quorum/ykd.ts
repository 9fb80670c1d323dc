/**
 * Dynamic linear voting: the primary component is a majority of the *last* primary component, so a cluster may
 * shrink to one node and grow again (Yeger-Lotem, Keidar, Dolev: Dynamic Voting for Consistent Primary
 * Components, PODC 1997; openais's filter `ykd`). Of an even half the one with the lowest node goes on.
 *
 * Its three phases are those of the synchronisation: all tell (hello), all note the attempt on disk (`propose`,
 * before the barrier), all form (`update`, with the barriers of all). Whoever noted an attempt and did not see it
 * through does not know whether others did: until that is known the attempt counts like a primary.
 */

import { decode, encode } from '../codec.ts';
import { invariant } from '../invariant.ts';
import { AMBIGUOUS_ATTEMPTS_MAX, SYNC_MEMBERS_MAX } from '../limits.ts';
import { type Infer, s } from '../schema.ts';
import type { QuorumConfiguration, QuorumFilter, QuorumState, QuorumStore } from './contract.ts';

export interface YkdOptions {
  readonly provider: 'ykd';
  /** The nodes that the cluster begins with: the first primary is a majority of them. */
  readonly nodes: readonly number[];
}

const sessionSchema = s.object({
  rep: s.u32,
  seq: s.count,
  members: s.list(s.u32, SYNC_MEMBERS_MAX),
});
/** A primary component, or an attempt at one: its ring and its members, ascending. */
type Session = Infer<typeof sessionSchema>;

const memorySchema = s.object({
  primary: sessionSchema,
  ambiguous: s.list(sessionSchema, AMBIGUOUS_ATTEMPTS_MAX),
});
type Memory = Infer<typeof memorySchema>;

/** @throws InvariantError for an empty list, and for a record of the store that is none. */
export function createYkd({ nodes }: YkdOptions, store?: QuorumStore): QuorumFilter {
  invariant(nodes.length > 0, 'ykd needs nodes to begin with', {});
  const begin = { rep: 0, seq: 0, members: [...nodes].sort((a, b) => a - b) };
  let memory: Memory = read(store?.saved) ?? { primary: begin, ambiguous: [] };
  let state: QuorumState = { quorate: false, votes: 0, needed: 0 };

  function save(next: Memory): void {
    memory = next;
    store?.save(encode(next));
  }

  return {
    name: 'ykd',
    get state() {
      return state;
    },
    tell: () => memory,
    propose(configuration) {
      const { primary, ambiguous, mayAttempt } = resolve(configuration);
      const { members } = memory.primary;
      const own = ambiguous.filter((one) => memory.ambiguous.some((other) => isSame(one, other)));
      // Of a primary that formed without this node it knows now; only its members have it on their own account.
      const known =
        primary.seq > memory.primary.seq && members.length > 0 ? primary : memory.primary;
      if (!mayAttempt) {
        if (known !== memory.primary || own.length < memory.ambiguous.length) {
          save({ primary: known, ambiguous: own });
        }
        return;
      }
      save({ primary: known, ambiguous: [...own, sessionOf(configuration)] });
    },
    update(configuration) {
      const session = sessionOf(configuration);
      // The attempt of this very configuration was noted, here and on all members, before the barriers.
      const isFormed = memory.ambiguous.some((one) => isSame(one, session));
      const before = isFormed ? memory.primary : resolve(configuration).primary;
      const votes = before.members.filter((node) => session.members.includes(node)).length;
      if (isFormed) save({ primary: session, ambiguous: [] });
      state = {
        ...{ quorate: isFormed, votes, needed: Math.floor(before.members.length / 2) + 1 },
        expected: before.members.length,
        flags: memory.ambiguous.length > 0 ? ['ambiguous-attempts'] : [],
        nodes: session.members.map((nodeId) => ({ nodeId, votes: 1, expected: 0, flags: [] })),
      };
      return state;
    },
  };
}

interface Resolution {
  /** The youngest primary that any member knows of. */
  readonly primary: Session;
  /** Attempts after it of which nobody here knows how they ended. */
  readonly ambiguous: readonly Session[];
  readonly mayAttempt: boolean;
}

/** What the members know together. */
export function resolve(configuration: QuorumConfiguration): Resolution {
  const members = configuration.members.map(({ nodeId }) => nodeId);
  const memories = new Map<number, Memory>();
  for (const { nodeId, said } of configuration.members) {
    if (memorySchema.check(said)) memories.set(nodeId, said);
  }
  const all = [...memories.values()];
  const primary = all.map((one) => one.primary).reduce(younger, NO_SESSION);
  const pending = new Map<string, Session>();
  for (const { ambiguous } of all) {
    for (const session of ambiguous) {
      if (session.seq > primary.seq) pending.set(`${session.rep}.${session.seq}`, session);
    }
  }
  const ambiguous = [...pending.values()].filter((session) => !isKnownFailed(session, memories));
  // Who remembers nothing of a primary that it was in has lost its disk: it cannot vouch for it.
  const witnesses = (session: Session) =>
    members.filter((node) => {
      const known = memories.get(node);
      return known !== undefined && (session.seq === 0 || knows(known, session));
    });
  const mayAttempt =
    memories.size === members.length &&
    ambiguous.length < AMBIGUOUS_ATTEMPTS_MAX &&
    [primary, ...ambiguous].every((session) => isSubquorum(session, witnesses(session)));
  return { primary, ambiguous, mayAttempt };
}

const NO_SESSION: Session = { rep: 0, seq: -1, members: [] };

/** A member of the attempt never noted it: then nobody can have formed it. */
function isKnownFailed(session: Session, memories: ReadonlyMap<number, Memory>): boolean {
  const here = session.members.filter((node) => memories.has(node));
  const noted = (node: number) => memories.get(node)!.ambiguous.some((one) => isSame(one, session));
  // Nor when all of them are here: who formed it has it, or a younger one, as its primary.
  return here.length === session.members.length || here.some((node) => !noted(node));
}

function knows({ primary, ambiguous }: Memory, session: Session): boolean {
  return primary.seq >= session.seq || ambiguous.some((one) => isSame(one, session));
}

/** More than half of the session's members, or the half with the lowest. */
function isSubquorum(session: Session, present: readonly number[]): boolean {
  const count = session.members.filter((node) => present.includes(node)).length;
  if (count * 2 !== session.members.length) return count * 2 > session.members.length;
  return present.includes(session.members[0]!);
}

function younger(a: Session, b: Session): Session {
  return b.seq > a.seq ? b : a;
}

function sessionOf({ ringId, members }: QuorumConfiguration): Session {
  return { rep: ringId.rep, seq: ringId.seq, members: members.map(({ nodeId }) => nodeId) };
}

function isSame(a: Session, b: Session): boolean {
  return a.rep === b.rep && a.seq === b.seq;
}

function read(saved: Uint8Array | undefined): Memory | undefined {
  if (saved === undefined) return undefined;
  const decoded = decode(saved);
  invariant(decoded.ok && memorySchema.check(decoded.value), 'stored primary component', {
    bytes: saved.length,
  });
  return decoded.value as Memory;
}
