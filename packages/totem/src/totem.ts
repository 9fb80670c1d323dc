/**
 * The whole engine in one object: the ring protocol with process groups on top. To its users it is a
 * {@link GroupMessaging}; its driver feeds it packets and timer expiries and carries out its effects.
 */
import type { GroupMessaging } from './contract.ts';
import { createProcessGroups } from './pg/process-groups.ts';
import type { RingConfig, RingEffects, RingMachine } from './ring.ts';
import { createRing } from './srp/machine.ts';

/** What a driver calls and looks at; see {@link RingMachine}. */
export type TotemInputs = Pick<
  RingMachine,
  'start' | 'receive' | 'timeout' | 'leave' | 'state' | 'ringId' | 'members'
>;

export interface Totem extends GroupMessaging, TotemInputs {}

/**
 * One node's engine. Join the groups first, then `start`.
 *
 * @param config usually from `ringDefaults`.
 */
export function createTotem(config: RingConfig, effects: RingEffects): Totem {
  const groups = createProcessGroups({
    nodeId: config.nodeId,
    payloadBytesMax: config.payloadBytesMax,
  });
  const ring = createRing(config, effects, groups.client);
  groups.attach(ring);
  const { messaging } = groups;
  return {
    nodeId: config.nodeId,
    join: messaging.join,
    syncComplete: messaging.syncComplete,
    /** Counters of the ring as `ring.x`, of the process groups as `pg.x`. */
    stats: () => ({ ...prefixed('ring', ring.stats()), ...prefixed('pg', messaging.stats()) }),
    start: ring.start,
    receive: ring.receive,
    timeout: ring.timeout,
    leave: ring.leave,
    get state() {
      return ring.state;
    },
    get ringId() {
      return ring.ringId;
    },
    get members() {
      return ring.members;
    },
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
