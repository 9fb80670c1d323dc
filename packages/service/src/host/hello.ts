/** What this node says about itself when a synchronisation starts. */
import type { HostOptions } from '../host-contract.ts';
import type { Hello } from '../sync/messages.ts';
import { told } from '../versions.ts';
import type { History } from './history.ts';
import type { Replica } from './replica.ts';

export function helloOf(
  { node, wallClock }: Pick<HostOptions, 'node' | 'wallClock'>,
  history: History,
  replicas: Iterable<Replica>,
): Hello {
  const services = [...replicas]
    .map((replica) => ({ replica, hash: replica.hash() }))
    // A service that failed has no hash, and is no business of the others.
    .filter(({ replica, hash }) => hash !== '' || replica.joining)
    .map(({ replica: { id, name, spoken }, hash }) => ({ id, name, hash, ...told(spoken) }));
  return {
    ...{ node, time: wallClock(), services },
    order: history.lineage === null ? 0n : history.order,
    lineage: history.lineage,
  };
}
