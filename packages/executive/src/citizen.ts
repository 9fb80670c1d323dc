/**
 * The executive as a citizen of a Corosync ring: CPG, votequorum and cfg in Corosync's own format, beside the
 * AIS services in their own groups (totem-wire §4). Without it an executive can still be a member: it then
 * has no votes and no process groups.
 */
import { type CpgService, createCpgService } from '@aisexec/cpg/service';
import {
  type Citizen,
  createCfgService,
  createCitizen,
  createVotequorum,
  type QuorumFilter,
} from '@aisexec/service';
import type { GroupMessaging } from '@aisexec/totem';
import type { ExecutiveConfig } from './config/config.ts';
import { openQuorumStore } from './drivers/quorum-store.ts';
import { voteOptions } from './quorum.ts';

export interface CitizenPart {
  readonly citizen: Citizen;
  readonly cpg: CpgService;
  /** Counts the votes of all nodes, C daemons included; absent where the provider is another. */
  readonly quorum?: QuorumFilter;
}

export interface CitizenPartOptions {
  readonly config: ExecutiveConfig;
  readonly messaging: GroupMessaging;
  readonly dropped: (reason: string, source: number) => void;
  /** Nanoseconds since the Unix epoch. */
  readonly wallClock: () => bigint;
  /** An operator had this node killed, at the node `source`. */
  readonly killed: (source: number) => void;
}

export function createCitizenPart(options: CitizenPartOptions): CitizenPart {
  const { config, messaging, dropped, killed, wallClock } = options;
  let cpg: CpgService | undefined;
  let quorum: QuorumFilter | undefined;
  const citizen = createCitizen({
    messaging,
    dropped,
    services: (bus) => {
      cpg = createCpgService(bus);
      const cfg = createCfgService(bus, killed);
      const { provider, module, votes, allowDownscale } = config.quorum;
      if (provider !== 'votequorum' || module !== undefined) return [cfg, cpg];
      const votequorum = createVotequorum(bus, {
        ...voteOptions(config),
        votes: votes[config.node.id] ?? 1,
        wallClock,
        ...(allowDownscale
          ? { store: openQuorumStore(config.stateDir, provider, config.node.id) }
          : {}),
      });
      quorum = votequorum.filter;
      return [cfg, cpg, votequorum.service];
    },
  });
  return { citizen, cpg: cpg!, ...(quorum === undefined ? {} : { quorum }) };
}
