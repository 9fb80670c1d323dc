/**
 * Why a value does not fit a schema, and where: for people who wrote it by hand, like a service's section of the
 * configuration. Stricter than `check` in one thing: keys that nobody knows are faults, since they are misspelt ones.
 */
import type { Schema } from './schema.ts';

export interface SchemaFault {
  /** Keys and indexes that lead to it. */
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/** The first fault, outermost first; undefined when the value fits. */
export function schemaFault(
  schema: Schema<unknown>,
  value: unknown,
  path: readonly (string | number)[] = [],
): SchemaFault | undefined {
  const { shape } = schema;
  if (shape === undefined) return schema.check(value) ? undefined : { path, text: 'does not fit' };
  switch (shape.kind) {
    case 'maybe':
      return value === undefined || value === null
        ? undefined
        : schemaFault(shape.inner, value, path);
    case 'object':
      return objectFault(shape.fields, value, path);
    case 'list': {
      if (!Array.isArray(value)) return expected('a list', value, path);
      if (value.length > shape.lengthMax) {
        return { path, text: `expected at most ${shape.lengthMax} entries, found ${value.length}` };
      }
      for (const [i, item] of value.entries()) {
        const fault = schemaFault(shape.item, item, [...path, i]);
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    case 'leaf':
      return schema.check(value) ? undefined : expected(shape.expected, value, path);
  }
}

function objectFault(
  fields: Readonly<Record<string, Schema<unknown>>>,
  value: unknown,
  path: readonly (string | number)[],
): SchemaFault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return expected('a mapping (key: value)', value, path);
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(fields, key)) continue;
    const known = Object.keys(fields).join(', ') || 'none';
    return { path: [...path, key], text: `unknown key; known here are ${known}` };
  }
  for (const [name, field] of Object.entries(fields)) {
    const fault = schemaFault(field, (value as Record<string, unknown>)[name], [...path, name]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function expected(what: string, value: unknown, path: readonly (string | number)[]): SchemaFault {
  if (value === undefined) return { path, text: `missing; expected ${what}` };
  return { path, text: `expected ${what}, found ${foundText(value)}` };
}

function foundText(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
