/**
 * A light check of extended virtual synchrony (reliability §4, E1-E3, E5, E6, E8-E11) over the logs of a
 * {@link TestNet}. Throws with the property's name at the first violation.
 */
import type { Life, LogEntry, TestNet } from './test-net.fixture.ts';

type Config = Exclude<LogEntry, { kind: 'deliver' }>;
type Deliver = Extract<LogEntry, { kind: 'deliver' }>;

/** What a life delivered from one regular configuration to the next. */
interface Span {
  readonly life: Life;
  readonly from: Config;
  readonly transitional: Config | undefined;
  readonly to: Config | undefined;
  readonly regular: readonly Deliver[];
  readonly remainder: readonly Deliver[];
}

export function checkEvs(net: TestNet): void {
  const { lives } = net;
  const spans = lives.flatMap(spansOf);
  checkIntegrity(lives);
  checkConfigurations(net, lives);
  checkSelfDelivery(lives);
  checkSynchrony(spans);
  checkOrder(spans);
  checkSafe(spans);
}

export function spansOf(life: Life): Span[] {
  const spans: Span[] = [];
  let from: Config | undefined;
  let transitional: Config | undefined;
  let regular: Deliver[] = [];
  let remainder: Deliver[] = [];
  const close = (to: Config | undefined): void => {
    if (from !== undefined) spans.push({ life, from, transitional, to, regular, remainder });
    from = to;
    transitional = undefined;
    regular = [];
    remainder = [];
  };
  for (const entry of life.log) {
    if (entry.kind !== 'deliver') {
      if (entry.kind === 'regular') close(entry);
      else transitional = entry;
    } else if (transitional === undefined) regular.push(entry);
    else remainder.push(entry);
  }
  close(undefined);
  return spans;
}

function checkIntegrity(lives: readonly Life[]): void {
  const sent = new Set(lives.flatMap((life) => life.submitted));
  for (const life of lives) {
    const seen = new Set<string>();
    for (const entry of life.log) {
      if (entry.kind !== 'deliver') continue;
      if (!sent.has(entry.id)) fail('E1', `${name(life)} delivered ${entry.id}, never sent`);
      if (seen.has(entry.id)) fail('E1', `${name(life)} delivered ${entry.id} twice`);
      if (Number(entry.id.split('.')[0]) !== entry.source) fail('E1', `${entry.id}: wrong source`);
      seen.add(entry.id);
    }
  }
}

function checkConfigurations(net: TestNet, lives: readonly Life[]): void {
  const membersOf = new Map<string, string>();
  const highest = new Map<number, number>();
  for (const life of lives) {
    let previous: Config | undefined;
    for (const entry of life.log) {
      if (entry.kind === 'deliver') {
        if (previous === undefined) fail('E2', `${name(life)} delivered before any configuration`);
        else if (entry.ring !== previous.ring)
          fail('E11', `${name(life)} delivered foreign ${entry.id}`);
        continue;
      }
      if (!entry.members.includes(life.nodeId)) fail('E2', `${name(life)} is no member`);
      if (entry.kind === 'transitional') {
        if (previous?.kind !== 'regular' || previous.ring !== entry.ring) {
          fail('E2', `${name(life)}: transitional ${entry.ring} out of place`);
        }
        const all = [...entry.members, ...entry.left].sort((a, b) => a - b).join();
        if (all !== previous?.members.join()) fail('E10', `${name(life)}: left is wrong`);
      } else {
        if (previous?.kind === 'regular') fail('E2', `${name(life)}: no transitional`);
        if (entry.ringId.seq <= (highest.get(life.nodeId) ?? 0)) {
          fail('E2', `${name(life)}: ring ${entry.ring} does not rise`);
        }
        highest.set(life.nodeId, entry.ringId.seq);
        const stayed = previous?.members ?? [];
        if (entry.joined.some((node) => stayed.includes(node))) fail('E10', 'joined is wrong');
        const members = entry.members.join();
        const known = membersOf.get(entry.ring) ?? members;
        if (known !== members) fail('E3', `ring ${entry.ring}: ${known} and ${members}`);
        membersOf.set(entry.ring, members);
      }
      previous = entry;
    }
  }
  if (net.lives.length === 0) fail('E4', 'nothing ran');
}

/** At the end of a test, after quiet: what a living node submitted it has delivered. */
function checkSelfDelivery(lives: readonly Life[]): void {
  for (const life of lives) {
    if (!life.alive) continue;
    const delivered = new Set(life.log.map((entry) => (entry.kind === 'deliver' ? entry.id : '')));
    const missing = life.submitted.filter((id) => !delivered.has(id));
    if (missing.length > 0) fail('E5', `${name(life)} misses its own ${missing.slice(0, 5)}`);
  }
}

/** Who went together from one ring to the next delivered the same, and says so of each other. */
function checkSynchrony(spans: readonly Span[]): void {
  const groups = new Map<string, Span[]>();
  for (const span of spans) {
    if (span.to === undefined) continue;
    const key = `${span.from.ring} -> ${span.to.ring}`;
    groups.set(key, [...(groups.get(key) ?? []), span]);
  }
  for (const [key, group] of groups) {
    const together = group.map((span) => span.life.nodeId);
    for (const span of group) {
      const trans = span.transitional?.members ?? [];
      if (!together.every((node) => trans.includes(node))) {
        fail('E10', `${key}: ${name(span.life)} has ${trans}, together went ${together}`);
      }
      for (const part of ['regular', 'remainder'] as const) {
        const mine = span[part].map((entry) => entry.id).join(' ');
        const other = group[0]![part].map((entry) => entry.id).join(' ');
        if (mine !== other) {
          fail(
            'E6',
            `${key} ${part}:\n${name(span.life)}: ${mine}\n${name(group[0]!.life)}: ${other}`,
          );
        }
      }
    }
  }
}

/** One order per ring; nothing left out in a regular configuration. */
function checkOrder(spans: readonly Span[]): void {
  const byRing = new Map<string, Span[]>();
  for (const span of spans) {
    byRing.set(span.from.ring, [...(byRing.get(span.from.ring) ?? []), span]);
  }
  for (const [ring, group] of byRing) {
    const longest = group.reduce((a, b) => (a.regular.length >= b.regular.length ? a : b));
    const order = new Map(longest.regular.map((entry, i) => [entry.id, i]));
    for (const span of group) {
      span.regular.forEach((entry, i) => {
        if (order.get(entry.id) !== i)
          fail('E8', `ring ${ring}: ${entry.id} at ${i} at ${name(span.life)}`);
      });
      let last = -1;
      for (const entry of [...span.regular, ...span.remainder]) {
        const place = order.get(entry.id);
        if (place === undefined) continue;
        if (place < last)
          fail('E8', `ring ${ring}: ${entry.id} out of order at ${name(span.life)}`);
        last = place;
      }
      checkSenderOrder(span);
    }
  }
}

function checkSenderOrder(span: Span): void {
  const last = new Map<string, number>();
  for (const { id } of [...span.regular, ...span.remainder]) {
    const [node, life, count] = id.split('.');
    const sender = `${node}.${life}`;
    const previous = last.get(sender);
    if (previous !== undefined && Number(count) !== previous + 1)
      fail('E7', `${id} after ${previous}`);
    last.set(sender, Number(count));
  }
}

/** Safe in a regular configuration: every member that went on has delivered it, too. */
function checkSafe(spans: readonly Span[]): void {
  const byRing = new Map<string, Span[]>();
  for (const span of spans) {
    byRing.set(span.from.ring, [...(byRing.get(span.from.ring) ?? []), span]);
  }
  for (const [ring, group] of byRing) {
    const safe = group.flatMap((span) => span.regular.filter((e) => e.guarantee === 'safe'));
    for (const span of group) {
      if (span.to === undefined && !span.life.alive) continue;
      const delivered = new Set([...span.regular, ...span.remainder].map((entry) => entry.id));
      for (const entry of safe) {
        if (!delivered.has(entry.id))
          fail('E9', `ring ${ring}: ${name(span.life)} lacks ${entry.id}`);
      }
    }
  }
}

function name(life: Life): string {
  return `node ${life.nodeId} (life ${life.number})`;
}

function fail(property: string, message: string): never {
  throw new Error(`${property}: ${message}`);
}
