/**
 * What may be inside of anything that came from outside: records, lists, bytes and scalars. A msgpack library makes
 * more of hostile bytes: dates, errors, sets, and structures that contain themselves, which schemas do not
 * see (they ignore unknown fields) and which make whoever packs or hashes them throw.
 */

/** Whether all of a value is plain, and nested at most `depthMax` deep; one that contains itself is not. */
export function isPlainData(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
  if (depthMax === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlainData(item, depthMax - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((field) => isPlainData(field, depthMax - 1));
}
