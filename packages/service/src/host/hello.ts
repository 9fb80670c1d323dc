/** What the host tells of itself when a synchronisation starts. */
import type { HostOptions } from '../host-contract.ts';
import type { Hello } from '../sync/messages.ts';
import { FIRST_VERSION } from '../versions.ts';
import type { History } from './history.ts';
import { digestsOf } from './ordered.ts';
import type { QuorumDesk } from './quorum-desk.ts';
import type { ReplicaTable } from './replica-table.ts';
import type { Speech } from './speech.ts';

export function helloOf(
  { node, wallClock }: Pick<HostOptions, 'node' | 'wallClock'>,
  replicas: ReplicaTable,
  history: History,
  quorum: QuorumDesk,
  speech: Speech,
): Hello {
  const { lineage, past } = history;
  return {
    node,
    time: wallClock(),
    order: lineage === null ? 0n : history.order,
    lineage,
    services: digestsOf(replicas),
    // The first version goes without saying, as ever.
    ...(speech.own > FIRST_VERSION && { host: speech.own }),
    ...quorum.hello(),
    past,
  };
}
