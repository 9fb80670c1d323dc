/**
 * The checkpoint service: named, sectioned state that every member holds a replica of (AIS-CKPT B.01.01 and
 * B.02.02). Changes are ordered messages, reads are answered from the client's own node.
 *
 * @packageDocumentation
 */
import {
  type ClientRef,
  defineService,
  type ExecContext,
  type ServiceDefinition,
  type View,
} from '@aisexec/service';
import { GONE_STEP_OPENS_MAX, INLINE_BYTES_MAX } from '../limits.ts';
import { CKPT_SERVICE_NAME, CKPT_VERSIONS } from '../protocol.ts';
import { checkpointChanges, checkpointQueries } from './checkpoint-handlers.ts';
import { execTable, libTable } from './handlers.ts';
import { inspect } from './inspect.ts';
import { replaced } from './merge.ts';
import { closeClient, deadline, expire, released } from './retention.ts';
import { sectionChanges, sectionQueries } from './section-handlers.ts';
import { type CkptState, clientKey, createState } from './state.ts';
import { createSync } from './sync.ts';
import { watchChanges } from './watch-handlers.ts';

export { type CkptState, checkState } from './state.ts';

const changes = { ...checkpointChanges, ...sectionChanges, ...watchChanges };
const queries = { ...checkpointQueries, ...sectionQueries };

export interface CkptServiceOptions {
  /** See {@link INLINE_BYTES_MAX}, which is what counts when absent. The same on all members. */
  readonly inlineBytesMax?: number;
}

/** The service with options, e.g. for a simulation in which every content follows in the background. */
export function createCkptService(options: CkptServiceOptions = {}): ServiceDefinition<CkptState> {
  return defineService<CkptState>({
    id: 3,
    name: CKPT_SERVICE_NAME,
    versions: CKPT_VERSIONS,
    // 2: the end of a client is taken in steps.
    version: 2,
    init: createState,
    lib: libTable(changes, queries),
    exec: execTable(changes),
    confchg,
    clientGone,
    replaced,
    deadline,
    expire: (state: CkptState, ctx: ExecContext) => expire(state, ctx),
    sync: createSync(options.inlineBytesMax ?? INLINE_BYTES_MAX),
    membersOnly: true,
    inspect,
  });
}

/** For the executive's list of services. */
export const ckptService = createCkptService();

/** The version of what nodes say from which a client's end is taken in steps (ADR 0194). */
const STEPS_SINCE = 2;

/** In steps where all nodes know them. @returns whether more is left. */
function clientGone(state: CkptState, client: ClientRef, ctx: ExecContext): boolean {
  const opensMax = ctx.version < STEPS_SINCE ? undefined : GONE_STEP_OPENS_MAX;
  return closeClient(state, clientKey(client), ctx.time, opensMax);
}

/** Closes what clients of the nodes that left had open; active replicas there are no more. */
function confchg(state: CkptState, view: View, ctx: ExecContext): void {
  const left = new Set(view.left);
  for (const [key, { client }] of [...state.clients]) {
    if (left.has(client.node)) closeClient(state, key, ctx.time);
  }
  for (const checkpoint of state.checkpoints.values()) {
    if (checkpoint.activeNode !== null && left.has(checkpoint.activeNode)) {
      checkpoint.activeNode = null;
    }
    // A merge may have dropped the last open without a close.
    if (checkpoint.openers === 0 && checkpoint.retainUntil === null) {
      released(state, checkpoint, ctx.time);
    }
  }
}
