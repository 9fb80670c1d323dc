/**
 * The synchronisation engine: Corosync's sync protocol in group `sync` (totem-wire §4.1). After each
 * regular configuration every node announces its service ids; then, one id of the sorted union after the
 * other, each node processes its participant and sends a barrier, and with the barriers of all members
 * the participant activates. A new regular configuration aborts and starts over with the first id.
 *
 * Every decision here hangs on ordered messages alone, so activation and completion happen at the same
 * place of the total order on all members that see them.
 */
import {
  type Configuration,
  type Group,
  type GroupMessage,
  type GroupMessaging,
  type RingId,
  ringIdEquals,
} from '@aisexec/totem';
import { invariant } from '../invariant.ts';
import { SERVICE_ID_MAX, SYNC_MEMBERS_MAX } from '../limits.ts';
import { decodeSync, SyncEncoder } from './wire.ts';

/** Name of the group, as Corosync has it. */
export const SYNC_GROUP = 'sync';

export interface SyncStart {
  readonly ringId: RingId;
  /** Members of the ring whose build lists this participant's id, ascending. */
  readonly members: readonly number[];
  /**
   * Members of the last synchronised ring that have been with this node ever since, ascending; empty in the
   * first ring.
   */
  readonly transitional: readonly number[];
  /** Call when `work` may be able to go on. */
  readonly proceed: () => void;
}

/** One service of the synchronisation. */
export interface SyncParticipant {
  readonly id: number;
  init(start: SyncStart): void;
  /** Go on as far as possible. @returns true when done: the barrier follows and `work` is not called again. */
  work(): boolean;
  /** All members are done: commit. */
  activate(): void;
  /** A new configuration came first: drop what was staged. */
  abort(): void;
  /** The synchronisation as a whole is over, after {@link SyncEngineOptions.completed}. */
  completed?(ringId: RingId): void;
}

export interface SyncEngineOptions {
  readonly messaging: GroupMessaging;
  readonly participants: readonly SyncParticipant[];
  /** A regular configuration came: synchronisation starts (over). */
  readonly started: (ringId: RingId) => void;
  /** Synchronisation is over; normal traffic has just been told to resume. */
  readonly completed: (ringId: RingId) => void;
  /** A message was ignored. */
  readonly dropped: (reason: string, source: number) => void;
}

export interface SyncEngine {
  /** The current participant may be able to go on: something arrived or there is room again. */
  proceed(): void;
}

type Phase = 'idle' | 'build' | 'process' | 'barrier';

export function createSyncEngine(options: SyncEngineOptions): SyncEngine {
  const participants = new Map(options.participants.map((one) => [one.id, one]));
  for (const id of participants.keys()) {
    invariant(Number.isInteger(id) && id >= 0 && id <= SERVICE_ID_MAX, 'sync service id', { id });
  }
  const ownIds = [...participants.keys()].sort((a, b) => a - b);
  const encoder = new SyncEncoder();
  let group: Group | undefined;
  /** A configuration that came while `join` was still running. */
  let early: Configuration | undefined;
  let ringId: RingId | undefined;
  let members: readonly number[] = [];
  /** Undefined: no configuration has come since the last synchronisation. */
  let transitional: readonly number[] | undefined;
  let phase: Phase = 'idle';
  const builds = new Map<number, readonly number[]>();
  let union: readonly number[] = [];
  let step = 0;
  const barriers = new Set<number>();
  /** The one message that the queue had no room for. */
  let unsent: Uint8Array | undefined;
  let processing = false;
  let processAgain = false;

  function configuration(change: Configuration): void {
    if (change.type === 'transitional') {
      const { members: together } = change;
      // A synchronisation that was cut short: only who came along both times has been here all the time.
      transitional = transitional?.filter((node) => together.includes(node)) ?? together;
    } else if (group === undefined) {
      early = change;
    } else {
      start(change);
    }
  }

  function start(change: Configuration): void {
    invariant(change.members.length <= SYNC_MEMBERS_MAX, 'members', { n: change.members.length });
    if (phase === 'process' || phase === 'barrier') participants.get(union[step]!)?.abort();
    ringId = change.ringId;
    members = change.members;
    builds.clear();
    phase = 'build';
    encoder.begin(ringId);
    options.started(ringId);
    send(encoder.build(ownIds));
  }

  function deliver(message: GroupMessage): void {
    const { source } = message;
    const decoded = decodeSync(message.bytes);
    if (decoded === undefined) {
      options.dropped('malformed sync message', source);
      return;
    }
    if (ringId === undefined || !ringIdEquals(decoded.ringId, ringId)) return;
    if (!members.includes(source)) {
      options.dropped('sync message of no member', source);
      return;
    }
    if (decoded.type === 'build') onBuild(source, decoded.services);
    else onBarrier(source);
  }

  function onBuild(source: number, services: readonly number[]): void {
    if (phase !== 'build' || builds.has(source)) {
      options.dropped('second build', source);
      return;
    }
    builds.set(source, services);
    if (builds.size < members.length) return;
    union = [...new Set([...builds.values()].flat())].sort((a, b) => a - b);
    encoder.agreed(union.length);
    step = 0;
    beginStep();
  }

  function onBarrier(source: number): void {
    if ((phase !== 'process' && phase !== 'barrier') || barriers.has(source)) {
      options.dropped('superfluous barrier', source);
      return;
    }
    barriers.add(source);
    if (barriers.size < members.length) return;
    encoder.stepDone();
    const participant = participants.get(union[step]!);
    step++;
    phase = 'idle';
    participant?.activate();
    beginStep();
  }

  function beginStep(): void {
    barriers.clear();
    const id = union[step];
    if (id === undefined) {
      complete();
      return;
    }
    const participant = participants.get(id);
    phase = 'process';
    if (participant !== undefined) {
      const listing = members.filter((member) => builds.get(member)!.includes(id));
      participant.init({
        ringId: ringId!,
        members: listing,
        transitional: transitional ?? [],
        proceed,
      });
    }
    proceed();
  }

  function complete(): void {
    phase = 'idle';
    transitional = undefined;
    const synchronised = ringId!;
    options.messaging.syncComplete(synchronised);
    options.completed(synchronised);
    for (const id of ownIds) participants.get(id)?.completed?.(synchronised);
  }

  function proceed(): void {
    if (phase !== 'process') return;
    if (processing) {
      processAgain = true;
      return;
    }
    processing = true;
    let done = false;
    do {
      processAgain = false;
      done = participants.get(union[step]!)?.work() ?? true;
    } while (!done && processAgain);
    processing = false;
    if (!done) return;
    phase = 'barrier';
    send(encoder.barrier());
  }

  /** At most one message waits: a step sends its next only after the last one came back. */
  function send(bytes: Uint8Array): void {
    unsent = undefined;
    // Safe: who activates in the ring's regular configuration knows that all others will (ADR 0191).
    if (!group!.multicast([bytes], 'safe')) unsent = bytes;
  }

  function drained(): void {
    if (unsent !== undefined) send(unsent);
    proceed();
  }

  group = options.messaging.join(
    SYNC_GROUP,
    { deliver, configuration, drained },
    { traffic: 'sync' },
  );
  if (early !== undefined) start(early);
  return { proceed };
}
