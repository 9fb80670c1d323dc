/**
 * The promises of the event service (reliability §11.2), judged where they are made: at each node the applied
 * messages are compared, one by one, with a naive model of that node's own clients, and at the end what all
 * clients got is compared with each other.
 */
import { ringIdText } from '@aisexec/totem';
import type { ConfigurationRecord } from '../trace/record.ts';

export type EventProperty =
  /** Another delivery than the naive model's: missing, too much, twice, to other subscriptions. */
  | 'delivery'
  /** Another code than the naive model's. */
  | 'answer'
  /** A new subscription got other retained events than those that are kept. */
  | 'retention'
  /** Two clients saw common events in different orders. */
  | 'total order'
  | 'publisher order'
  /** Events are missing and nobody said so, or somebody said so for no reason. */
  | 'lost';

export interface EventViolation {
  readonly property: EventProperty;
  readonly text: string;
}

export interface Filter {
  readonly type: number;
  readonly pattern: Uint8Array;
}

export interface Published {
  readonly id: bigint;
  readonly channel: string;
  readonly patterns: readonly Uint8Array[];
  /** `publisher counter` as the publishing workload wrote it. */
  readonly data: string;
  /** Nanoseconds; 0n: not retained. */
  readonly endsAt: bigint;
  /** Lives that applied it. */
  readonly lives: Set<string>;
  /** Rings in which some life applied it as a member of all of it: it is safe, so all members have it. */
  readonly rings: Set<string>;
  /** Virtual time of the first application. */
  readonly time: number;
}

export interface ModelSubscription {
  readonly id: number;
  readonly serial: number;
  readonly filters: readonly Filter[];
}

/** An open of a local client as the naive model has it. */
export interface ModelOpen {
  readonly client: string;
  readonly life: string;
  readonly channel: string;
  readonly subscriptions: ModelSubscription[];
  /** Ids in the order of delivery, those that came as retained ones apart. */
  readonly got: bigint[];
  /** All ids that came, in whatever way. */
  readonly seen: Set<bigint>;
  /** Ids in the order in which the service sent them, and in which they arrived. */
  readonly sent: bigint[];
  readonly arrived: bigint[];
  /** Since when one of its subscriptions passes everything; undefined: none does. */
  allSince: number | undefined;
  /** Virtual time at which it was told of lost events last; -1: never. */
  lostAt: number;
  /** Nothing is delivered through it any more: it was closed, or its client has hung up. */
  ended: boolean;
  /** A close of it was applied. */
  closed: boolean;
}

export interface EventHistory {
  readonly published: Map<bigint, Published>;
  /** By handle: the workload draws each once in a run. */
  readonly channels: Map<bigint, string>;
  readonly opens: Map<bigint, ModelOpen>;
  readonly violations: EventViolation[];
  readonly failed: Set<string>;
  /** Regular configurations by life. */
  readonly rings: Map<string, Set<string>>;
  /** Lives between a transitional and the next regular configuration. */
  readonly inTransit: Set<string>;
  /** Events whose retention some node has cleared: a state that comes from there has them no more. */
  readonly cleared: Set<bigint>;
  /** Latest time up to which any node has forgotten retained events. */
  forgottenUpTo: bigint;
  deliveries: number;
  add(property: EventProperty, text: string): void;
}

const VIOLATIONS_MAX = 20;

export function createEventHistory(): EventHistory {
  const violations: EventViolation[] = [];
  return {
    published: new Map(),
    channels: new Map(),
    opens: new Map(),
    violations,
    failed: new Set(),
    rings: new Map(),
    inTransit: new Set(),
    cleared: new Set(),
    forgottenUpTo: 0n,
    deliveries: 0,
    add(property, text) {
      if (violations.length < VIOLATIONS_MAX) violations.push({ property, text });
    },
  };
}

export const lifeOf = (node: number, incarnation: number): string => `${node}.${incarnation}`;

/** Who is a member of which ring, and of all of it. */
export function noteRing(
  history: EventHistory,
  { node, incarnation, configuration: { type, ringId } }: ConfigurationRecord,
): void {
  const life = lifeOf(node, incarnation);
  if (type === 'transitional') {
    history.inTransit.add(life);
    return;
  }
  history.inTransit.delete(life);
  const rings = history.rings.get(life) ?? new Set();
  history.rings.set(life, rings.add(ringIdText(ringId)));
}

/** The naive model of a filter list: on text, one character per byte. */
export function passesNaively(
  filters: readonly Filter[],
  patterns: readonly Uint8Array[],
): boolean {
  return filters.every(({ type, pattern }, place) => {
    const wanted = String.fromCharCode(...pattern);
    const found = String.fromCharCode(...(patterns[place] ?? []));
    if (type === 1) return found.startsWith(wanted);
    if (type === 2) return found.endsWith(wanted);
    return type === 4 || found === wanted;
  });
}

/** What only the whole run can tell. `times` by event id: deliveries that all living clients should have. */
export function concludeEvents(history: EventHistory): void {
  const opens = [...history.opens.values()].filter((open) => open.got.length > 0);
  for (const open of opens) checkPublisherOrder(history, open);
  for (const [index, open] of opens.entries()) {
    for (const other of opens.slice(index + 1)) checkTotalOrder(history, open, other);
  }
  for (const open of history.opens.values()) {
    checkLost(history, open);
    checkArrival(history, open);
  }
}

/** What the service sent is what came, in that order; of those that ended or failed a beginning of it. */
function checkArrival(
  history: EventHistory,
  { sent, arrived, ended, life, client }: ModelOpen,
): void {
  const whole = !ended && !history.failed.has(life);
  const same = arrived.every((id, index) => id === sent[index]);
  if (same && (whole ? arrived.length === sent.length : arrived.length <= sent.length)) return;
  history.add('delivery', `${client} was sent ${sent.length} events and got ${arrived.length}`);
}

function checkPublisherOrder(history: EventHistory, open: ModelOpen): void {
  const last = new Map<string, number>();
  for (const id of open.got) {
    const [publisher = '', counter = ''] = (history.published.get(id)?.data ?? '').split(' ');
    if (Number(counter) <= (last.get(publisher) ?? -1)) {
      history.add('publisher order', `${open.client} got ${publisher} ${counter} too late`);
    }
    last.set(publisher, Number(counter));
  }
}

function checkTotalOrder(history: EventHistory, a: ModelOpen, b: ModelOpen): void {
  if (a.channel !== b.channel) return;
  const inB = new Set(b.got);
  const common = a.got.filter((id) => inB.has(id));
  const inCommon = new Set(common);
  const other = b.got.filter((id) => inCommon.has(id));
  const at = common.findIndex((id, index) => other[index] !== id);
  if (at >= 0) {
    history.add('total order', `${a.client} and ${b.client} differ at their common event ${at}`);
  }
}

/**
 * What a node that is still alive applied while this open wanted everything, or anybody in the regular configuration of a
 * ring that the open's node was in, has come, or a loss was told.
 */
function checkLost(history: EventHistory, open: ModelOpen): void {
  const { allSince } = open;
  if (open.ended || allSince === undefined || history.failed.has(open.life)) return;
  for (const event of history.published.values()) {
    if (event.channel !== open.channel || event.time <= allSince || open.seen.has(event.id)) {
      continue;
    }
    const survives = [...event.lives].some((life) => !history.failed.has(life));
    const isSafe = [...event.rings].some((ring) => history.rings.get(open.life)?.has(ring));
    if ((survives || isSafe) && open.lostAt < event.time) {
      history.add('lost', `${open.client} never got ${event.data} and was not told`);
      return;
    }
  }
}
