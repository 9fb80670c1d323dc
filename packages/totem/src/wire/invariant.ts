/**
 * What cannot happen. An invariant guards our own deeds (what we encode, what the layer above asks);
 * nothing that comes from the network may reach one: that is counted and dropped.
 */

/** Thrown by {@link invariant}: a bug of ours, told with its numbers. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function invariant(
  condition: boolean,
  message: string,
  data?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (condition) return;
  throw new InvariantError(data === undefined ? message : `${message}: ${JSON.stringify(data)}`);
}
