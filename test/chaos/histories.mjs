// What the books of applications must show whatever was struck meanwhile: compareBooks looks at the end, and at who was
// never cut off; this looks at every history between two `lost`.
import { sentence } from '../../examples/live/unattended.mjs';

/** A lock may be told late on a node that was struck, and so long after. */
const AFTERMATH_MS = 10_000;

/**
 * @param books of all applications of one round
 * @param strikes `{ node, from, until }`: when something befell a node
 */
export function checkHistories(books, strikes) {
  const histories = books.flatMap(({ received }) => split(received));
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

function split(received) {
  const histories = [[]];
  for (const id of received) {
    if (id === 'lost') histories.push([]);
    else histories.at(-1).push(id);
  }
  return histories.filter(({ length }) => length > 0);
}

/** Numbers of one publisher rise; those that are left out were not acknowledged. */
function holes(history, published) {
  const last = new Map();
  return history.flatMap((id) => {
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

/** Two sides of a partition have their own order; who is told nothing has not been on another side. */
function parted(one, other) {
  const places = new Map(other.map((id, at) => [id, at]));
  const start = one.findIndex((id) => places.has(id));
  if (start < 0) return [];
  const there = places.get(one[start]);
  const behind = new Set(one.slice(start));
  const early = other.slice(0, there).find((id) => behind.has(id));
  if (early !== undefined) return [`${one[start]} before ${early} here, behind it there`];
  const [a, b] = [one.slice(start), other.slice(there)];
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a[at] === b[at]) at++;
  if (at === length) return [];
  const rest = new Set(a.slice(at));
  const again = b.slice(at).find((id) => rest.has(id));
  if (again === undefined) return [];
  const around = (list) => list.slice(Math.max(0, at - 3), at + 4).join(' ');
  return [`${around(a)} … here, ${around(b)} … there, and both have ${again}`];
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
