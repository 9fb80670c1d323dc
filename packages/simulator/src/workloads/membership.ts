/**
 * Load on the membership service: on every node a subscriber that is asked about removals and answers as it
 * likes, one that is only told, connections that outlived the removal of their node, and an administrator who
 * removes and readmits whomever it meets. Checked: every subscriber's picture follows from the one before and has
 * as many members as the view says, view numbers rise, no invocation comes twice, who is stale stays stale,
 * and in the end everybody is a member again.
 */
import {
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_UNAVAILABLE,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import { type ClmState, clmService } from '@aisexec/clm/service';
import type { Reply, ServiceDefinition } from '@aisexec/service';
import { type Connection, openConnection } from './connection.ts';
import { createPicture, type Picture, type ViewNews } from './membership-picture.ts';
import type { ServiceWorkload, WorkloadClient, WorkloadContext } from './workload.ts';

/** What happened in a run: a run in which nothing did proves nothing. */
export interface MembershipCounts {
  removals: number;
  readmissions: number;
  refused: number;
  changes: number;
  asked: number;
  evicted: number;
}

export const createMembershipCounts = (): MembershipCounts => ({
  ...{ removals: 0, readmissions: 0, refused: 0, changes: 0, asked: 0, evicted: 0 },
});

const TURN_MEAN_MS = 40;
const OPERATION_CHANCE = 0.04;
const DEATH_CHANCE = 0.01;
const ANSWER_CHANCE = 0.3;
const SUPERVISION_MS_MAX = 800;
/** Stale connections that are asked again and again. */
const STALE_KEPT_MAX = 3;
const CHANGED = 'changed';

const ADMIN_CODES: ReadonlySet<SaAisErrorT> = new Set([
  SA_AIS_OK,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_NOT_EXIST,
]);
const RESPOND_CODES: ReadonlySet<SaAisErrorT> = new Set([
  SA_AIS_OK,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_UNAVAILABLE,
]);

/** @param service another one, e.g. with a planted bug. */
export function createMembershipWorkload(
  counts: MembershipCounts,
  service: ServiceDefinition<ClmState> = clmService,
): ServiceWorkload {
  return {
    service,
    create(context) {
      const subscribers = [
        createSubscriber(context, counts, { mode: 'changes', steps: true }),
        createSubscriber(context, counts, { mode: 'changes-only', steps: false }),
      ];
      const administrator = createAdministrator(context, counts);
      const clients = [...subscribers, administrator];
      return {
        act() {
          if (context.host.view !== undefined) for (const client of clients) client.act();
          return context.random.exponential(TURN_MEAN_MS);
        },
        stop() {
          for (const client of clients) client.stop();
        },
        get idle() {
          return clients.every((client) => client.idle);
        },
        conclude: () => concludeMembership(context),
      };
    },
  };
}

interface Wanted {
  readonly mode: 'changes' | 'changes-only';
  readonly steps: boolean;
}

interface ChangedPayload extends ViewNews {
  readonly subscription: number;
  readonly step: string;
  readonly invocation: bigint;
  readonly evicted: boolean;
}

function createSubscriber(
  context: WorkloadContext,
  counts: MembershipCounts,
  { mode, steps }: Wanted,
): WorkloadClient {
  const { random } = context;
  const wrong = (text: string): void => context.wrong('membership', text);
  const stale: { readonly connection: Connection; readonly admission: bigint }[] = [];
  const owed: bigint[] = [];
  const seen = new Set<bigint>();
  let connection: Connection | undefined;
  let picture: Picture | undefined;
  let admission = 0n;
  let subscription = 0;
  let stopped = false;

  const leave = (): void => {
    connection?.disconnect();
    connection = undefined;
    picture = undefined;
    owed.length = 0;
  };

  const onChanged = (payload: ChangedPayload): void => {
    if (picture === undefined || payload.subscription !== subscription) return;
    if (payload.step === 'completed') {
      counts.changes += 1;
      const fault = picture.follow(payload, mode === 'changes');
      if (fault !== undefined) wrong(`${mode}: ${fault}`);
    }
    if (payload.invocation !== 0n) {
      counts.asked += 1;
      if (seen.has(payload.invocation)) wrong(`invocation ${payload.invocation} twice`);
      seen.add(payload.invocation);
      owed.push(payload.invocation);
    }
    if (payload.evicted && connection !== undefined) {
      counts.evicted += 1;
      if (stale.length >= STALE_KEPT_MAX) stale.shift()?.connection.disconnect();
      stale.push({ connection, admission });
      connection = undefined;
      picture = undefined;
      owed.length = 0;
    }
  };

  const track = (to: Connection): void => {
    subscription += 1;
    const asked = { mode, local: false, validate: steps, start: steps, subscription, admission };
    to.request('track', asked, (reply) => {
      if (reply.rc === SA_AIS_OK && to === connection) {
        picture = createPicture(reply['view'] as ViewNews);
      } else if (reply.rc !== SA_AIS_OK && reply.rc !== SA_AIS_ERR_UNAVAILABLE) {
        wrong(`track was answered ${reply.rc}`);
      }
      if (reply.rc === SA_AIS_ERR_UNAVAILABLE && to === connection) leave();
    });
  };

  const connect = (): void => {
    const fresh = openConnection(context, 'clm', (name, payload) => {
      if (name === CHANGED) onChanged(payload as ChangedPayload);
    });
    fresh.request('standing', {}, (reply) => {
      if (reply.rc === SA_AIS_OK) {
        admission = reply['admission'] as bigint;
        connection = fresh;
        track(fresh);
      } else {
        fresh.disconnect();
        if (reply.rc !== SA_AIS_ERR_UNAVAILABLE && reply.rc !== SA_AIS_ERR_TRY_AGAIN) {
          wrong(`standing was answered ${reply.rc}`);
        }
      }
    });
  };

  const answer = (): void => {
    const invocation = owed.shift();
    if (invocation === undefined || connection === undefined) return;
    const response = random.pick(['ok', 'ok', 'ok', 'error', 'rejected']);
    connection.request('respond', { admission, invocation, response }, ({ rc }) => {
      if (!RESPOND_CODES.has(rc)) wrong(`respond was answered ${rc}`);
    });
  };

  const askStale = (): void => {
    for (const old of stale) {
      old.connection.request('current', { admission: old.admission, local: false }, ({ rc }) => {
        if (rc !== SA_AIS_ERR_UNAVAILABLE) wrong(`a stale client was answered ${rc}`);
      });
    }
  };

  return {
    act() {
      askStale();
      if (stopped) return 0;
      if (connection === undefined) connect();
      else if (random.chance(DEATH_CHANCE)) leave();
      else if (random.chance(ANSWER_CHANCE)) answer();
      return 0;
    },
    /** Whoever is silent holds up a shutdown: it goes. */
    stop() {
      stopped = true;
      leave();
    },
    get idle() {
      return stopped && stale.every(({ connection: old }) => old.outstanding === 0);
    },
  };
}

function createAdministrator(context: WorkloadContext, counts: MembershipCounts): WorkloadClient {
  const { random, host } = context;
  let connection: Connection | undefined;
  let stopped = false;

  const administer = (operation: string, nodeId: number): void => {
    const request = { operation, nodeId, supervisionMs: 1 + random.below(SUPERVISION_MS_MAX) };
    connection?.request('administer', request, ({ rc }) => {
      if (!ADMIN_CODES.has(rc)) {
        context.wrong('membership', `${operation} of ${nodeId} was answered ${rc}`);
      }
      if (rc !== SA_AIS_OK) counts.refused += 1;
      else if (operation === 'unlock') counts.readmissions += 1;
      else counts.removals += 1;
    });
  };

  /** The nodes that are out, or on their way; undefined while nothing is answered. */
  const nodesOut = (): readonly number[] | undefined => {
    let out: readonly number[] | undefined;
    connection?.request('adminStates', {}, (reply) => {
      const nodes = reply['nodes'] as readonly { nodeId: number; state: string }[];
      out = nodes.filter(({ state }) => state !== 'unlocked').map(({ nodeId }) => nodeId);
    });
    return out;
  };

  /** Everybody back, so that the end of the run is the same on all nodes. */
  const readmitAll = (): void => {
    if (connection?.outstanding !== 0) return;
    for (const nodeId of nodesOut() ?? []) administer('unlock', nodeId);
  };

  return {
    act() {
      connection ??= openConnection(context, 'clm');
      if (stopped) readmitAll();
      else if (random.chance(OPERATION_CHANCE)) {
        const nodes = host.view?.members ?? [];
        const { nodeId } = random.pick(nodes);
        administer(random.pick(['lock', 'lock', 'shutdown', 'unlock', 'unlock']), nodeId);
      }
      return 0;
    },
    stop() {
      stopped = true;
    },
    get idle() {
      return stopped && connection?.outstanding === 0 && nodesOut()?.length === 0;
    },
  };
}

/** The cluster is whole and quiet: all executives of the view are members. */
function concludeMembership(context: WorkloadContext): void {
  const { host } = context;
  const connection = openConnection(context, 'clm');
  const ask = (fn: string, argument: unknown): Reply | undefined => {
    let answer: Reply | undefined;
    connection.request(fn, argument, (reply) => {
      answer = reply;
    });
    return answer;
  };
  const standing = ask('standing', {});
  const current = ask('current', { admission: standing?.['admission'] ?? 0n, local: false });
  const members = (current?.['view'] as ViewNews | undefined)?.memberCount;
  if (members !== host.view?.members.length) {
    const text = `${members ?? 'no'} members of ${host.view?.members.length ?? 'no'} executives in the end`;
    context.wrong('membership', text);
  }
}
