/** What must hold of every lock table after every change; for tests and the simulator, which judge replicas by it. */
import { sum52 } from '@aisexec/service';
import { SA_LCK_EX_LOCK_MODE } from '../protocol.ts';
import { markOfGranted, markOfOpen, markOfOrphan, markOfWaiting } from './marks.ts';
import { type Client, type LckState, lockKey, type Resource } from './state.ts';

/** @returns what is wrong: counts, indexes or the digest that do not add up, modes that exclude each other; empty for a sound table. */
export function checkTable(state: LckState): string[] {
  const problems: string[] = [];
  const openers = new Map<string, number>();
  let opens = 0;
  let locks = 0;
  let sum = 0;
  for (const client of state.clients.values()) {
    problems.push(...checkClient(state, client));
    opens += client.opens.size;
    for (const [handle, open] of client.opens) {
      openers.set(open.name, (openers.get(open.name) ?? 0) + 1);
      sum = sum52(sum, markOfOpen(client.ref, handle, open));
    }
  }
  for (const resource of state.resources.values()) {
    problems.push(...checkResource(state, resource, openers.get(resource.name) ?? 0));
    const { name, granted, waiting, orphans } = resource;
    locks += granted.size + waiting.size + orphans.length;
    for (const lock of granted.values()) sum = sum52(sum, markOfGranted(name, lock));
    for (const lock of waiting.values()) sum = sum52(sum, markOfWaiting(name, lock));
    for (const lock of orphans) sum = sum52(sum, markOfOrphan(name, lock));
  }
  if (opens !== state.openCount) problems.push(`${opens} opens, counted ${state.openCount}`);
  if (locks !== state.lockCount) problems.push(`${locks} locks, counted ${state.lockCount}`);
  if (sum !== state.digest) problems.push('digest out of date');
  for (const name of state.contended) {
    if (!state.resources.has(name)) problems.push(`${name}: contended and not there`);
  }
  return problems;
}

function checkClient(state: LckState, { ref, opens, locks }: Client): string[] {
  const problems: string[] = [];
  const client = `client ${ref.node}.${ref.connection}`;
  if (opens.size === 0) problems.push(`${client} has nothing open`);
  let indexed = 0;
  for (const open of opens.values()) {
    const resource = state.resources.get(open.name);
    indexed += open.locks.length;
    for (const id of open.locks) {
      const at = lockKey(ref, id);
      if (!resource?.granted.has(at) && !resource?.waiting.has(at)) problems.push(`lost ${at}`);
      if (!locks.has(id)) problems.push(`no index of ${at}`);
    }
  }
  if (indexed !== locks.size) problems.push(`${client}: stale index`);
  return problems;
}

function checkResource(state: LckState, resource: Resource, openers: number): string[] {
  const problems: string[] = [];
  const { name, granted, waiting, orphans } = resource;
  if (resource.openers !== openers) problems.push(`${name}: openers`);
  if (openers === 0 && orphans.length === 0) problems.push(`${name}: unused`);
  if (waiting.size > 0 !== state.contended.has(name)) problems.push(`${name}: contended`);
  const modes = [...granted.values(), ...orphans].map((lock) => lock.mode);
  if (modes.includes(SA_LCK_EX_LOCK_MODE) && modes.length > 1) {
    problems.push(`${name}: EX is not alone`);
  }
  return problems;
}
