/** What all literal layers check of their arguments: wrong JavaScript types throw; AIS conditions never do. */

/** @throws TypeError unless it is a bigint. */
export function expect64<T extends bigint>(name: string, value: T): T {
  if (typeof value !== 'bigint') throw new TypeError(`${name} must be a bigint`);
  return value;
}

/** The callbacks of an Initialize; null stands for none. @throws TypeError for what is no function. */
export function checkCallbacks<T extends object>(
  callbacks: T | null | undefined,
): T | Record<never, never> {
  if (callbacks === null || callbacks === undefined) return {};
  for (const [name, callback] of Object.entries(callbacks)) {
    if (callback !== null && callback !== undefined && typeof callback !== 'function') {
      throw new TypeError(`${name} must be a function`);
    }
  }
  return { ...callbacks };
}
