/** How ordered messages and view changes change the states of services. */
import type { ExecContext } from '../contract.ts';
import type { StagedState } from '../sync/transfer.ts';
import type { Envelope } from './envelope.ts';
import type { Replica } from './replica.ts';

/** @returns why it was dropped, on all members alike; undefined when it was applied or its service is not here. */
export function applyExec(
  replica: Replica | undefined,
  { exec, connection, request, payload }: Extract<Envelope, { kind: 'exec' }>,
  node: number,
  context: ExecContext,
): string | undefined {
  if (replica === undefined || !replica.running) return undefined;
  const table = replica.definition.exec;
  const handler = Object.hasOwn(table, exec) ? table[exec] : undefined;
  if (handler === undefined) return 'unknown exec handler';
  if (!handler.message.check(payload)) return 'message does not fit';
  const source = { node, connection, request };
  replica.change(`exec ${exec}`, (state) => handler.apply(state, payload, source, context));
  return undefined;
}

export function applyGone(
  replica: Replica | undefined,
  connection: number,
  node: number,
  context: ExecContext,
): void {
  const { clientGone } = replica?.definition ?? {};
  if (replica === undefined || clientGone === undefined) return;
  replica.change('clientGone', (state) => clientGone(state, { node, connection }, context));
}

export function applyExpiry(replicas: Iterable<Replica>, time: bigint, context: ExecContext): void {
  for (const replica of replicas) {
    const { expire } = replica.definition;
    const due = replica.deadline();
    if (expire === undefined || due === null || due > time) continue;
    replica.change('expire', (state) => expire(state, context));
  }
}

/** Exchanges the states that synchronisation brought, and tells all services of the view. */
export function applyView(
  replicas: ReadonlyMap<number, Replica>,
  states: ReadonlyMap<number, StagedState>,
  hadState: boolean,
  context: ExecContext,
): void {
  for (const [id, replica] of replicas) {
    const staged = states.get(id);
    if (staged === undefined || !replica.running) continue;
    const before = replica.state;
    replica.replace(staged.state);
    if (!hadState) continue;
    replica.guard('replaced', () => replica.definition.replaced?.(before, replica.state, context));
  }
  for (const replica of replicas.values()) {
    const { confchg } = replica.definition;
    replica.change('confchg', (state) => confchg?.(state, context.view, context));
  }
}

/** What a hello says of the services that run here. */
export function digestsOf(replicas: Iterable<Replica>): { id: number; hash: string }[] {
  const all: { id: number; hash: string }[] = [];
  for (const replica of replicas) {
    const hash = replica.digest();
    if (hash !== '') all.push({ id: replica.id, hash });
  }
  return all;
}
