/** What cannot happen. Stays on in production and stops with the numbers (HACKING rule 5). */
export class InvariantError extends Error {
  constructor(what: string, numbers: Readonly<Record<string, unknown>>) {
    const detail = Object.entries(numbers).map(([name, value]) => ` ${name}=${String(value)}`);
    super(`${what}:${detail.join('')}`);
    this.name = 'InvariantError';
  }
}

/** @throws InvariantError when `condition` does not hold. */
export function invariant(
  condition: boolean,
  what: string,
  numbers: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantError(what, numbers);
}
