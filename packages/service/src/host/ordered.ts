/** What an ordered message, or a synchronised view, does to the services of one node: the same on all of them. */
import { SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import type { ClientRef, View } from '../contract.ts';
import type { Hello } from '../sync/messages.ts';
import type { SyncOutcome } from '../sync/state-sync.ts';
import { FIRST_VERSION, told } from '../versions.ts';
import type { EventContext } from './context.ts';
import type { Envelope } from './envelope.ts';
import type { Replica } from './replica.ts';

type Replicas = ReadonlyMap<number, Replica>;

/** @returns why the message was dropped; undefined when it was applied or is for a service that is not here. */
export function applyExec(
  replicas: Replicas,
  { service, exec, connection, request, payload, version }: Extract<Envelope, { kind: 'exec' }>,
  node: number,
  context: EventContext,
): string | undefined {
  const replica = replicas.get(service);
  if (replica === undefined || !(replica.running || replica.joining)) return undefined;
  const table = replica.definition.exec;
  const handler = Object.hasOwn(table, exec) ? table[exec] : undefined;
  const source = { node, connection, request };
  // Made in a view that spoke a newer version and ordered in one with older nodes, which cannot apply it: so
  // nobody does, and its client repeats the call in the older version.
  if (Math.max(version, handler?.since ?? FIRST_VERSION) > replica.version) {
    context.reply(source, { rc: SA_AIS_ERR_TRY_AGAIN });
    return 'message of a later version';
  }
  if (handler === undefined) return 'unknown exec handler';
  if (!handler.message.check(payload)) return 'message does not fit';
  const own = context.of(replica);
  replica.change(`exec ${exec}`, (state) => handler.apply(state, payload, source, own));
  return undefined;
}

/** Clients of the sender's node have gone. */
export type Ended = Extract<Envelope, { kind: 'gone' | 'departed' }>;

/**
 * One step of what ends with clients (ADR 0194). The next one is asked for by the clients' node, which runs the
 * service itself as long as the roster says so; once it does not, nobody would ask, and all ends in one step.
 * @returns for whom this node has to ask, if they are its own.
 */
export function applyGone(
  replicas: Replicas,
  envelope: Ended,
  node: number,
  { context, inSteps }: { readonly context: EventContext; readonly inSteps: boolean },
): readonly number[] {
  const { service, kind } = envelope;
  const connections = kind === 'gone' ? [envelope.connection] : envelope.connections;
  const replica = replicas.get(service);
  const isRunning = replica?.running === true;
  const left = connections.filter((connection) => {
    const isLeft =
      replica !== undefined &&
      (isRunning || replica.joining) &&
      goneFrom(replica, { node, connection }, context, inSteps);
    // Where it has failed: the others learn that it did before the next step, and then end it.
    return isLeft || !isRunning;
  });
  return inSteps ? left : [];
}

/** @returns whether something of the client is left. */
export function goneFrom(
  replica: Replica,
  client: ClientRef,
  context: EventContext,
  inSteps: boolean,
): boolean {
  const { clientGone } = replica.definition;
  if (clientGone === undefined) return false;
  const own = context.of(replica);
  const isLeft = replica.change('clientGone', (state) => {
    let more = clientGone(state, client, own) === true;
    while (more && !inSteps) more = clientGone(state, client, own) === true;
    return more;
  });
  return isLeft === true;
}

export function applyExpiry(replicas: Replicas, time: bigint, context: EventContext): void {
  const isDue = (due: bigint | null) => due !== null && due <= time;
  for (const replica of replicas.values()) {
    const { deadline, expire } = replica.definition;
    if (expire === undefined || deadline === undefined || replica.isLocal) continue;
    // One that joins knows only when it has its state.
    if (!replica.joining && !isDue(replica.deadline())) continue;
    const own = context.of(replica);
    replica.change('expire', (state) => {
      if (isDue(deadline(state))) expire(state, own);
    });
  }
}

/** A view, or another word of the quorum filter on it. */
export function tellServices(replicas: Replicas, view: View, context: EventContext): void {
  for (const replica of replicas.values()) {
    const own = context.of(replica);
    replica.change('confchg', (state) => replica.definition.confchg?.(state, view, own));
  }
}

/** Puts the synchronised states in place. @param context of `replaced`; absent: the node had no view before. */
export function swapStates(
  replicas: Replicas,
  { plan, states }: SyncOutcome,
  context: EventContext | undefined,
): void {
  for (const [id, replica] of replicas) {
    if (!replica.running && !replica.joining) continue;
    if (replica.isLocal && replica.running) continue;
    const { parts, runners } = plan.services.get(id) ?? { parts: [], runners: [] };
    // Several nodes run it and none brings a state: all of them begin anew.
    const isNew = parts.length === 0 && runners.length > 1;
    const staged = isNew
      ? { state: replica.guard('init', () => replica.definition.init() as unknown) }
      : states.get(id);
    if (staged === undefined) continue;
    const before = replica.state;
    replica.replace(staged.state);
    if (context === undefined || replica.joining) continue;
    const own = context.of(replica);
    replica.guard('replaced', () => replica.definition.replaced?.(before, replica.state, own));
  }
}

/** Nodes that came with a state of a service: who can be asked for its contents. */
export function holdersIn({
  services,
}: SyncOutcome['plan']): (service: number) => readonly number[] {
  return (service) => services.get(service)?.parts.flatMap(({ nodes }) => nodes) ?? [];
}

/** What a hello says of the services that run here, or are about to: those have no digest. */
export function digestsOf(replicas: Replicas): Hello['services'] {
  return [...replicas.values()]
    .map((replica) => ({ replica, hash: replica.digest() }))
    .filter(({ replica, hash }) => hash !== '' || replica.joining)
    .map(({ replica: { id, name, spoken }, hash }) => ({ id, name, hash, ...told(spoken) }));
}

/** Services whose states were not equal where histories said that they are. */
export function divergedIn({ services }: SyncOutcome['plan'], replicas: Replicas): string[] {
  const diverged = [...replicas.values()].filter(({ id }) => services.get(id)?.diverged === true);
  return diverged.map(({ name }) => name);
}
