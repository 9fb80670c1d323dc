/**
 * The promises of the lock service, judged by what clients were told (reliability §11.2): exclusion and
 * compatibility of modes along the quorate history, holders told before anybody else is granted, rising
 * tokens, no grant without quorum, nobody waiting for ever, and linearizability of each resource.
 */
import { checkLinearizability, type Operation } from './linearizability.ts';
import type { Applied, LockAttempt, LockHistory, Mode } from './lock-history.ts';
import { lifeOf } from './lock-history.ts';
import { type LockOp, lockModel } from './lock-model.ts';

export type LockProperty =
  /** Two who may not hold together: the first was not told before its node saw the second's grant. */
  | 'exclusion'
  /** A token that is not above those before it. */
  | 'token'
  /** A grant told in a view without a majority, or at no place of the order. */
  | 'quorum'
  /** A request without an answer in a whole and quiet cluster. */
  | 'lost waiter'
  | 'linearizability';

export interface LockViolation {
  readonly property: LockProperty;
  readonly text: string;
}

export interface LockVerdict {
  readonly violations: readonly LockViolation[];
  readonly grants: number;
  /** Histories of one resource that took too many configurations to decide. */
  readonly undecided: number;
}

type Granted = LockAttempt & { readonly granted: NonNullable<LockAttempt['granted']> };

const EX: Mode = 2;
const CONFIGURATIONS_MAX = 50_000;

export function checkLocks(history: LockHistory, nodes: number): LockVerdict {
  const violations: LockViolation[] = [];
  const add = (property: LockProperty, text: string): void => {
    violations.push({ property, text });
  };
  const grants = history.attempts.filter(isGranted);
  for (const grant of grants) checkQuorum(history, grant, nodes, add);
  for (const attempt of history.unanswered) add('lost waiter', textOf(attempt));
  let undecided = 0;
  for (const resource of new Set(history.attempts.map((attempt) => attempt.resource))) {
    const own = grants.filter((grant) => grant.resource === resource);
    checkExclusion(history, own, add);
    checkTokens(own, add);
    const attempts = history.attempts.filter((attempt) => attempt.resource === resource);
    const verdict = checkLinearizability(
      operationsOf(history, attempts),
      lockModel,
      CONFIGURATIONS_MAX,
    );
    if (verdict === 'undecided') undecided += 1;
    if (verdict === 'not linearizable') add('linearizability', `resource ${resource}`);
  }
  return { violations, grants: grants.length, undecided };
}

type Add = (property: LockProperty, text: string) => void;

function isGranted(attempt: LockAttempt): attempt is Granted {
  return attempt.granted !== undefined;
}

function checkQuorum(history: LockHistory, grant: Granted, nodes: number, add: Add): void {
  const events = history.applied.get(lifeOf(grant.node, grant.incarnation)) ?? [];
  const place = events[firstFrom(events, grant.granted.token)];
  if (place?.order !== grant.granted.token) {
    add('quorum', `${textOf(grant)}: its token is no place that its node has applied`);
  } else if (!place.quorate || place.members.length * 2 <= nodes) {
    add('quorum', `${textOf(grant)} in a view of ${place.members.join(',')}`);
  }
}

/**
 * Of two conflicting grants the first must be over, as far as its client knows, when its own node sees the
 * second in the order: at the latest before that node's next event. A node that is cut off sees nothing; it
 * is held to the first event of the history that granted the second, or that tells it of its lost quorum.
 */
function checkExclusion(history: LockHistory, grants: readonly Granted[], add: Add): void {
  const ordered = [...grants].sort(byToken);
  ordered.forEach((grant, index) => {
    const next = ordered.slice(index + 1).find((later) => conflict(grant, later));
    if (next === undefined) return;
    const end = grant.ended?.at ?? Number.POSITIVE_INFINITY;
    const life = lifeOf(grant.node, grant.incarnation);
    const sameNode = life === lifeOf(next.node, next.incarnation);
    const events = history.applied.get(life) ?? [];
    const seen = firstFrom(events, next.granted.token);
    const by = sameNode ? next.granted.at : events[seen + 1]?.at;
    if (by === undefined || end < by) return;
    add('exclusion', `${textOf(grant)} believed when ${textOf(next)} was granted`);
  });
}

function conflict(a: Granted, b: Granted): boolean {
  return a.mode === EX || b.mode === EX;
}

/** No two exclusive grants share a token, and who asks after a grant was told gets a higher one. */
function checkTokens(grants: readonly Granted[], add: Add): void {
  const ordered = [...grants].sort(byToken);
  ordered.forEach((grant, index) => {
    const previous = ordered[index - 1];
    if (previous?.granted.token === grant.granted.token && conflict(previous, grant)) {
      add('token', `${textOf(grant)} has the token of ${textOf(previous)}`);
    }
  });
  const told = [...grants].sort((a, b) => a.granted.at - b.granted.at);
  let highest: Granted | undefined;
  let next = 0;
  for (const grant of [...grants].sort((a, b) => a.invoked - b.invoked)) {
    for (; told[next] !== undefined && told[next]!.granted.at < grant.invoked; next++) {
      const known = told[next]!;
      if (highest === undefined || known.granted.token > highest.granted.token) highest = known;
    }
    if (highest === undefined || grant.granted.token > highest.granted.token) continue;
    add('token', `${textOf(grant)} was asked for after ${textOf(highest)} was told`);
  }
}

/**
 * A resource's history for the checker of linearizability. A lock that was lost, or whose node was cut off from
 * a view while it was held, may have been released at any time after its grant; one whose client died is
 * gone when its node answers what was asked after that. A request whose client died before the answer can
 * only explain why others were refused: it is left out, and so are the refusals of its time.
 */
function operationsOf(history: LockHistory, attempts: readonly LockAttempt[]): Operation<LockOp>[] {
  const operations: Operation<LockOp>[] = [];
  const clouded: (readonly [from: number, until: number])[] = [];
  attempts.forEach((attempt, id) => {
    const { mode, invoked, granted, refused, ended, unlocked } = attempt;
    if (refused !== undefined) return;
    const over = unlocked ?? clearedAt(history, attempt);
    if (granted === undefined) {
      clouded.push([invoked, over]);
      return;
    }
    operations.push({ invoke: invoked, complete: granted.at, op: { kind: 'grant', id, mode } });
    const sure = ended?.why !== 'lost' && !wasCutOff(history, attempt.node, granted.at, over);
    if (sure && ended === undefined) return;
    operations.push({
      invoke: sure && ended !== undefined ? ended.at : granted.at + 0.5,
      complete: sure ? over : Number.POSITIVE_INFINITY,
      op: { kind: 'release', id },
    });
  });
  for (const { mode, invoked, refused } of attempts) {
    if (refused?.why !== 'not-queued') continue;
    const { at } = refused;
    if (clouded.some(([from, until]) => from < at && invoked < until)) continue;
    operations.push({ invoke: invoked, complete: at, op: { kind: 'refuse', mode } });
  }
  return operations;
}

/** When the node of a dead client answered something that was asked after the death; its end came first. */
function clearedAt({ attempts }: LockHistory, { node, ended }: LockAttempt): number {
  let first = Number.POSITIVE_INFINITY;
  if (ended?.why !== 'dead') return first;
  for (const other of attempts) {
    if (other.node !== node || other.invoked < ended.at) continue;
    const answered = other.granted?.at ?? other.refused?.at;
    if (answered !== undefined) first = Math.min(first, answered + 0.25);
  }
  return first;
}

/** Whether somewhere a quorate view without this node came up in that time, or a view of its own. */
function wasCutOff(history: LockHistory, node: number, from: number, until: number): boolean {
  for (const events of history.applied.values()) {
    for (let i = firstAt(events, from); i < events.length && events[i]!.at <= until; i++) {
      const { members } = events[i]!;
      if (!members.includes(node)) return true;
    }
  }
  return false;
}

/** Index of the first event at this order or above. */
function firstFrom(events: readonly Applied[], order: bigint): number {
  return lowerBound(events, (event) => event.order >= order);
}

function firstAt(events: readonly Applied[], at: number): number {
  return lowerBound(events, (event) => event.at >= at);
}

/** Index of the first element that satisfies a condition which all after it satisfy, too. */
function lowerBound<T>(list: readonly T[], reached: (entry: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reached(list[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function byToken(a: Granted, b: Granted): number {
  const [first, second] = [a.granted.token, b.granted.token];
  if (first === second) return a.granted.at - b.granted.at;
  return first < second ? -1 : 1;
}

function textOf({ client, resource, mode, granted, invoked }: LockAttempt): string {
  const token = granted === undefined ? '' : `, token ${granted.token}`;
  return `${mode === EX ? 'EX' : 'PR'} ${resource} of ${client} (asked at ${invoked}${token})`;
}
