/**
 * One Totem node: the ring protocol with the process groups on top, as a driver runs it. The driver
 * gives packets and timer expiries to {@link Totem.ring} and carries out its effects; the user of the
 * node sees {@link Totem.messaging} alone.
 */
import type { GroupMessaging, MessagingStats } from './contract.ts';
import { createProcessGroups } from './pg/process-groups.ts';
import type { RingConfig, RingEffects, RingMachine } from './ring.ts';
import { createRing } from './srp/machine.ts';

export interface Totem {
  /** The driver's side. */
  readonly ring: RingMachine;
  /** The user's side. */
  readonly messaging: GroupMessaging;
  /** Counters of the ring as `ring.x`, of the process groups as `pg.x`. */
  stats(): MessagingStats;
}

/** One node. Join the groups, then start the ring. `config` usually comes from `ringDefaults`. */
export function createTotem(config: RingConfig, effects: RingEffects): Totem {
  const { nodeId, payloadBytesMax } = config;
  const groups = createProcessGroups({ nodeId, payloadBytesMax });
  const ring = createRing(config, effects, groups.client);
  groups.attach(ring);
  return {
    ring,
    messaging: groups.messaging,
    stats: () => ({
      ...prefixed('ring', ring.stats()),
      ...prefixed('pg', groups.messaging.stats()),
    }),
  };
}

function prefixed(
  prefix: string,
  counters: Readonly<Record<string, number>>,
): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [name, value] of Object.entries(counters)) named[`${prefix}.${name}`] = value;
  return named;
}
