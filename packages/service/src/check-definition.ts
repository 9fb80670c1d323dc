/**
 * What a service's definition must look like before anything of it runs: for strangers' services, whose authors
 * may not have had a compiler. Every refusal says what was found and what to do.
 */
import { SERVICE_ID_MAX, SERVICE_NAME_BYTES_MAX, SERVICE_VERSION_MAX } from './limits.ts';
import { FIRST_VERSION } from './versions.ts';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const isFunction = (value: unknown) => typeof value === 'function';
const isSchema = (value: unknown) => isRecord(value) && isFunction(value['check']);

/** Names that clients use for something else: the executive's own channel. */
const RESERVED = new Set(['admin', 'cpg']);

/**
 * @param others services that run here: id and name are theirs.
 * @returns what is wrong with it; undefined when it can be run.
 */
export function checkDefinition(
  definition: unknown,
  others: readonly { readonly id: number; readonly name: string }[],
): string | undefined {
  if (!isRecord(definition)) return 'this is no service definition: use defineService({ … })';
  const { id, name } = definition;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) {
    return `name ${String(name)}: expected lower-case letters, digits and dashes`;
  }
  if (name.length > SERVICE_NAME_BYTES_MAX) return `name: longer than ${SERVICE_NAME_BYTES_MAX}`;
  if (RESERVED.has(name)) return `name '${name}' is the executive's own: choose another`;
  if (!Number.isInteger(id) || Number(id) < 1 || Number(id) > SERVICE_ID_MAX) {
    return `id ${String(id)} of '${name}': expected a whole number from 1 to ${SERVICE_ID_MAX}`;
  }
  const taken = others.find((other) => other.id === id || other.name === name);
  if (taken !== undefined) {
    const what = taken.id === id ? `id ${id}` : `name '${name}'`;
    return `${what} is taken by service '${taken.name}' (id ${taken.id}): choose another`;
  }
  return checkParts(definition);
}

function checkParts(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { versions, sync, lib, exec } = definition;
  const fault = checkVersions(definition);
  if (fault !== undefined) return fault;
  if (!Array.isArray(versions) || versions.length === 0) {
    return 'versions: expected at least one { releaseCode, majorVersion, minorVersion }';
  }
  for (const part of ['init', 'inspect']) {
    if (!isFunction(definition[part])) return `${part}: expected a function`;
  }
  for (const part of [
    'confchg',
    'clientGone',
    'replaced',
    'deadline',
    'steadyDeadline',
    'expire',
    'mayLeave',
    'exit',
  ]) {
    if (definition[part] !== undefined && !isFunction(definition[part])) {
      return `${part}: expected a function or nothing`;
    }
  }
  if (!isRecord(sync) || !isSchema(sync['chunk'])) return 'sync.chunk: expected a schema';
  for (const part of ['save', 'load', 'merge']) {
    if (!isFunction(sync[part])) return `sync.${part}: expected a function`;
  }
  const scoped = checkScope(definition);
  if (scoped !== undefined) return scoped;
  if (sync['digest'] !== undefined && !isFunction(sync['digest'])) {
    return 'sync.digest: expected a function or nothing';
  }
  if (sync['background'] !== undefined && sync['digest'] === undefined) {
    return 'sync.digest: expected a function, since contents follow in the background';
  }
  return (
    checkHandlers(lib, 'lib', 'request', 'handle') ??
    checkHandlers(exec, 'exec', 'message', 'apply')
  );
}

function checkVersions({
  version = FIRST_VERSION,
  minVersion = FIRST_VERSION,
}: Readonly<Record<string, unknown>>): string | undefined {
  for (const [field, value] of Object.entries({ version, minVersion })) {
    if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > SERVICE_VERSION_MAX) {
      return `${field} ${String(value)}: expected a whole number from 1 to ${SERVICE_VERSION_MAX}`;
    }
  }
  return Number(minVersion) > Number(version)
    ? `minVersion ${minVersion}: above version ${version}, which the code speaks at most`
    : undefined;
}

/** A service of one node orders nothing. */
function checkScope(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { scope, lib, exec, steadyDeadline } = definition;
  if (scope === undefined || scope === 'cluster') {
    if (steadyDeadline === undefined) return undefined;
    return "steadyDeadline: nodes share no such clock; it is for services of scope 'node'";
  }
  if (scope !== 'node') return `scope: expected 'cluster' or 'node'`;
  if (isRecord(exec) && Object.keys(exec).length > 0) {
    return `exec: a service of scope 'node' has no ordered messages: use defineNodeService({ … })`;
  }
  if (!isRecord(lib)) return undefined;
  for (const [name, handler] of Object.entries(lib)) {
    if (isRecord(handler) && handler['flow'] === 'ordered') {
      return `lib.${name}.flow: expected 'local' in a service of scope 'node'`;
    }
  }
  return undefined;
}

function checkHandlers(
  table: unknown,
  where: string,
  schema: string,
  run: string,
): string | undefined {
  if (!isRecord(table)) return `${where}: expected a table of handlers`;
  for (const [name, handler] of Object.entries(table)) {
    const at = `${where}.${name}`;
    if (!isRecord(handler)) return `${at}: expected a handler`;
    if (!isSchema(handler[schema])) return `${at}.${schema}: expected a schema`;
    if (handler['reply'] !== undefined && !isSchema(handler['reply'])) {
      return `${at}.reply: expected a schema or nothing`;
    }
    if (!isFunction(handler[run])) return `${at}.${run}: expected a function`;
    if (where === 'lib' && handler['flow'] !== 'ordered' && handler['flow'] !== 'local') {
      return `${at}.flow: expected 'ordered' or 'local'`;
    }
  }
  return undefined;
}
