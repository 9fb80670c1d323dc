// What the books of applications must show whatever was struck meanwhile: compareBooks looks at the end, and at who was
// never cut off; this looks at every history between two `lost`.
import { sentence } from '../../examples/live/unattended.mjs';

/** A lock may be told late on a node that was struck, and so long after. */
const AFTERMATH_MS = 10_000;

/**
 * @param books of all applications of one round, those of the first node first
 * @param strikes `{ node, from, until }`: when something befell a node
 */
export function checkHistories(books, strikes) {
  const histories = books.flatMap(({ received }, index) => split(received, index + 1));
  const published = new Set(books.flatMap((one) => one.published));
  return [
    sentence(
      'between two losses no acknowledged event is missing',
      histories.flatMap((history) => holes(history, published)),
    ),
    sentence(
      'histories with a common event are one until they part for good',
      histories.flatMap((one, index) =>
        histories.slice(index + 1).flatMap((other) => parted(one, other)),
      ),
    ),
    sentence(
      'no lock had two holders but where a node was struck',
      overlaps(
        books.flatMap(({ grants }) => grants),
        strikes,
      ),
    ),
  ];
}

function split(received, node) {
  const histories = [{ node, events: [] }];
  for (const id of received) {
    if (id === 'lost') histories.push({ node, events: [] });
    else histories.at(-1).events.push(id);
  }
  return histories.filter(({ events }) => events.length > 0);
}

/** Numbers of one publisher rise; those that are left out were not acknowledged. */
function holes({ events }, published) {
  const last = new Map();
  return events.flatMap((id) => {
    const [publisher, text] = id.split(':');
    const number = Number(text);
    const before = last.get(publisher) ?? number - 1;
    last.set(publisher, number);
    if (number <= before) return [`${id} after ${publisher}:${before}`];
    const left = Array.from(
      { length: number - before - 1 },
      (_, i) => `${publisher}:${before + 1 + i}`,
    );
    return left.filter((one) => published.has(one)).map((one) => `${one} before ${id}`);
  });
}

/**
 * Two sides of a partition have their own order. What is on both behind their parting was sent by somebody who was on the side
 * that missed something (or by its own node): of each sender a history has a beginning, in the ring's order (extended virtual
 * synchrony). So who lacks an event has no later one of its publisher, up to the last event that both have.
 */
function parted(one, other) {
  const places = new Map(other.events.map((id, at) => [id, at]));
  const start = one.events.findIndex((id) => places.has(id));
  if (start < 0) return [];
  const there = places.get(one.events[start]);
  const [a, b] = [one.events.slice(start), other.events.slice(there)];
  const isOwn = (id) => [one, other].some(({ node }) => id.startsWith(`${node}:`));
  const early = other.events.slice(0, there).find((id) => a.includes(id) && !isOwn(id));
  if (early !== undefined) return [`${a[0]} before ${early} here, behind it there`];
  const common = b.filter((id) => a.includes(id));
  const [first, last] = [a.findIndex((id, at) => id !== b[at]), common.at(-1)];
  if (first < 0 || first > a.indexOf(last)) return [];
  const around = (list) => list.slice(Math.max(0, first - 3), first + 4).join(' ');
  const shown = `${around(a)} … here, ${around(b)} … there`;
  const inOrder = a.filter((id) => common.includes(id) && !isOwn(id));
  const order = common.filter((id) => !isOwn(id));
  if (inOrder.some((id, at) => id !== order[at])) return [`${shown}, in two orders`];
  const again = jumped(a, b, last) ?? jumped(b, a, last);
  return again === undefined ? [] : [`${shown}, and ${again} came in spite of it`];
}

/** An event of a publisher of whom this history lacks an earlier one that the other has, up to `last`. */
function jumped(history, other, last) {
  const has = new Set(history);
  const lacking = other.slice(0, other.indexOf(last)).filter((id) => !has.has(id));
  const [begin, end] = [history.indexOf(other.find((id) => has.has(id))), history.indexOf(last)];
  return history.slice(begin, end + 1).find((id) => lacking.some((lost) => isEarlier(lost, id)));
}

function isEarlier(id, than) {
  const [[publisher, number], [other, later]] = [id.split(':'), than.split(':')];
  return publisher === other && Number(number) < Number(later);
}

function overlaps(grants, strikes) {
  const inOrder = grants.toSorted((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1));
  const wasStruck = ({ node, until }) =>
    strikes.some(
      (strike) =>
        strike.node === node && strike.from <= until && until <= strike.until + AFTERMATH_MS,
    );
  return inOrder.slice(1).flatMap((grant, index) => {
    const before = inOrder[index];
    if (before.until === undefined || before.until <= grant.from || wasStruck(before)) return [];
    const ms = Math.round(before.until - grant.from);
    return [`token ${grant.token} ${ms} ms before ${before.token} was let go`];
  });
}
