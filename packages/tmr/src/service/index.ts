/**
 * The timer service of an executive: AIS TMR A.01.01. Timers belong to one client of one node; nothing of
 * them is replicated (ADR 0182).
 *
 * @packageDocumentation
 */
import { defineNodeService, type Infer, type ServiceDefinition, s } from '@aisexec/service';
import { SKIPS_MAX } from '../limits.ts';
import { attributesSchema, TMR_SERVICE_ID, TMR_SERVICE_NAME, TMR_VERSIONS } from '../protocol.ts';
import { expire } from './expiry.ts';
import { lib } from './handlers.ts';
import { inspect } from './inspect.ts';
import { add, createState, earliest, removeClient, type TmrState } from './state.ts';

export type { TmrState } from './state.ts';

const chunk = s.object({
  client: s.object({ node: s.u32, connection: s.u32 }),
  id: s.u64,
  attributes: attributesSchema,
  due: s.i64,
  dueWall: s.i64,
  count: s.u64,
  skipped: s.u64,
  toSkip: s.integer(0, SKIPS_MAX),
});

export const tmrService: ServiceDefinition<TmrState> = defineNodeService<TmrState>({
  id: TMR_SERVICE_ID,
  name: TMR_SERVICE_NAME,
  versions: TMR_VERSIONS,
  init: createState,
  lib,
  clientGone: (state, { connection }) => removeClient(state, connection),
  deadline: (state) => earliest(state, 'wall'),
  steadyDeadline: (state) => earliest(state, 'steady'),
  expire,
  sync: {
    chunk,
    *save(state) {
      for (const timers of state.clients.values()) yield* timers.values();
    },
    load: (state, timer: Infer<typeof chunk>) => add(state, timer),
  },
  inspect,
});
