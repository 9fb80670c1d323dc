/**
 * Declared shapes of everything that crosses a border: client requests, ordered messages, sync chunks.
 * A shape is declared once and checks what was decoded; the bytes themselves are msgpack. Nothing
 * here throws: what does not fit is `false`.
 *
 * 64-bit integers are `bigint` always, smaller ones are `number`.
 */
import { utf8Length } from '@aisexec/ais';

export interface Schema<T> {
  check(value: unknown): value is T;
  /** What is expected, for texts (schema-fault.ts); absent in a schema of one's own. */
  readonly shape?: Shape;
}

export type Shape =
  | { readonly kind: 'leaf'; readonly expected: string }
  | { readonly kind: 'list'; readonly item: Schema<unknown>; readonly lengthMax: number }
  | { readonly kind: 'object'; readonly fields: Fields }
  /** May be absent. */
  | { readonly kind: 'maybe'; readonly inner: Schema<unknown> };

export type Infer<S> = S extends Schema<infer T> ? T : never;

/** Shape of an object; each field has a schema. A field that may be absent is wrapped in `optional`. */
export type Fields = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: undefined extends Infer<F[K]> ? K : never;
}[keyof F];
export type InferFields<F extends Fields> = {
  [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]>;
} & { [K in OptionalKeys<F>]?: Exclude<Infer<F[K]>, undefined> };

const schema = <T>(shape: Shape, check: (value: unknown) => boolean): Schema<T> => ({
  check: check as (value: unknown) => value is T,
  shape,
});
const leaf = <T>(expected: string, check: (value: unknown) => boolean): Schema<T> =>
  schema({ kind: 'leaf', expected }, check);
const integer = (min: number, max: number): Schema<number> =>
  leaf(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );
const bigInteger = (min: bigint, max: bigint): Schema<bigint> =>
  leaf(
    `a bigint from ${min} to ${max}`,
    (value) => typeof value === 'bigint' && value >= min && value <= max,
  );

export const s = {
  /** A whole number within bounds of one's own, for configurations. */
  integer,
  u8: integer(0, 0xff),
  u16: integer(0, 0xffff),
  u32: integer(0, 0xffff_ffff),
  /** A non-negative safe integer: counts and sizes. */
  count: integer(0, Number.MAX_SAFE_INTEGER),
  u64: bigInteger(0n, 0xffff_ffff_ffff_ffffn),
  i64: bigInteger(-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn),
  bool: leaf<boolean>('true or false', (value) => typeof value === 'boolean'),
  /** A string of at most `bytesMax` bytes of UTF-8. */
  text: (bytesMax: number): Schema<string> =>
    leaf(
      `a text of at most ${bytesMax} bytes`,
      (value) =>
        typeof value === 'string' && value.length <= bytesMax && utf8Length(value) <= bytesMax,
    ),
  bytes: (bytesMax: number): Schema<Uint8Array> =>
    leaf(
      `at most ${bytesMax} bytes`,
      (value) => value instanceof Uint8Array && value.length <= bytesMax,
    ),
  oneOf: <const T extends string | number>(...values: readonly T[]): Schema<T> =>
    leaf(`one of ${values.join(', ')}`, (value) => (values as readonly unknown[]).includes(value)),
  list: <T>(item: Schema<T>, lengthMax: number): Schema<T[]> =>
    schema(
      { kind: 'list', item, lengthMax },
      (value) =>
        Array.isArray(value) &&
        value.length <= lengthMax &&
        value.every((entry) => item.check(entry)),
    ),
  optional: <T>(inner: Schema<T>): Schema<T | undefined> =>
    schema(
      { kind: 'maybe', inner },
      (value) => value === undefined || value === null || inner.check(value),
    ),
  nullable: <T>(inner: Schema<T>): Schema<T | null> =>
    schema({ kind: 'maybe', inner }, (value) => value === null || inner.check(value)),
  /** Unknown fields are ignored, so that a newer node may add some. */
  object: <const F extends Fields>(fields: F): Schema<InferFields<F>> => {
    const entries = Object.entries(fields);
    return schema({ kind: 'object', fields }, (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
      const record = value as Readonly<Record<string, unknown>>;
      return entries.every(([name, field]) => field.check(record[name]));
    });
  },
  /** The first schema that fits. */
  union: <const T extends readonly Schema<unknown>[]>(...schemas: T): Schema<Infer<T[number]>> =>
    leaf('one of several shapes', (value) => schemas.some((candidate) => candidate.check(value))),
  nothing: leaf<undefined>('nothing', (value) => value === undefined || value === null),
} as const;
