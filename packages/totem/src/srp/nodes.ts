/** Sets of nodeids as ascending arrays: small, comparable, and what the wire wants. Membership changes only. */

export type Nodes = readonly number[];

export function union(a: Nodes, b: Nodes): Nodes {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

export function without(a: Nodes, b: Nodes): Nodes {
  return a.filter((node) => !b.includes(node));
}

export function isSubset(a: Nodes, b: Nodes): boolean {
  return a.every((node) => b.includes(node));
}

export function sameNodes(a: Nodes, b: Nodes): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i]);
}

/** The next node in ring order. */
export function successorOf(node: number, members: Nodes): number {
  return members[(members.indexOf(node) + 1) % members.length] ?? node;
}
