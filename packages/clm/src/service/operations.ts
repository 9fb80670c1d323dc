/**
 * Administrative removal and readmission of nodes (AIS B.4 rules 5 and 6). A removal goes through the
 * steps VALIDATE (may it happen?), START (prepare for it) and COMPLETED, or ends in ABORTED. All that
 * happens here happens at one place of the order; time is an ordered expiry.
 */
import {
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  type SaAisErrorT,
} from '@aisexec/ais';
import type { ClientRef, ExecContext, Source } from '@aisexec/service';
import {
  type AdministerRequest,
  CHANGED,
  type ChangedEvent,
  type ChangeStep,
  SA_CLM_NODE_LEFT,
  SA_CLM_NODE_SHUTDOWN,
  SA_CLM_NODE_UNLOCK,
  type SaClmClusterChangesT,
  type StepResponse,
} from '../protocol.ts';
import { plannedReport, toMembers } from './changes.ts';
import { CLM_ADMIN_RECORDS_MAX } from './limits.ts';
import { installMembers, toClusterNode } from './membership.ts';
import {
  type ClmState,
  clientKey,
  isLocked,
  nextViewNumber,
  type Operation,
  type Track,
} from './state.ts';

const NS_PER_MS = 1_000_000n;

/** One request of an administrator. @returns the answer, or undefined when it comes later. */
export function administer(
  state: ClmState,
  request: AdministerRequest,
  source: Source,
  ctx: ExecContext,
): SaAisErrorT | undefined {
  const { operation: wanted, nodeId } = request;
  // A part of the cluster without quorum could only decide what a merge would undo.
  if (!ctx.view.quorate) return SA_AIS_ERR_TRY_AGAIN;
  const isKnown = isPresent(ctx, nodeId) || state.records.has(nodeId);
  if (!isKnown) return SA_AIS_ERR_NOT_EXIST;
  const running = state.operations.get(nodeId);
  if (running !== undefined) return intervene(state, running, request, source, ctx);
  if (isLocked(state, nodeId) === (wanted !== 'unlock')) return SA_AIS_ERR_NO_OP;
  if (wanted === 'unlock') return unlock(state, nodeId, ctx);
  if (!makeRoom(state, nodeId, ctx)) return SA_AIS_ERR_NO_RESOURCES;
  const operation: Operation = {
    nodeId,
    kind: wanted,
    step: 'validate',
    supervision: BigInt(request.supervisionMs) * NS_PER_MS,
    deadline: null,
    owed: 0,
    callers: [source],
  };
  state.operations.set(nodeId, operation);
  if (state.members.has(nodeId)) enterStep(state, operation, 'validate', ctx);
  else complete(state, operation, ctx);
  return undefined;
}

/** One response of a subscriber. @returns whether it was awaited. */
export function respond(
  state: ClmState,
  client: ClientRef,
  invocation: bigint,
  response: StepResponse,
  ctx: ExecContext,
): SaAisErrorT {
  const track = state.tracks.get(clientKey(client));
  const owed = track?.owes.find((entry) => entry.invocation === invocation);
  if (track === undefined || owed === undefined) return SA_AIS_ERR_INVALID_PARAM;
  track.owes = track.owes.filter((entry) => entry !== owed);
  const operation = state.operations.get(owed.nodeId);
  if (operation === undefined) return SA_AIS_ERR_INVALID_PARAM;
  operation.owed--;
  if (response === 'rejected' && operation.step === 'validate') {
    abort(state, operation, SA_AIS_ERR_FAILED_OPERATION, labelOf(operation), ctx);
  }
  return SA_AIS_OK;
}

/** Takes every operation that waits for nobody as far as it goes. To be called after every event. */
export function settle(state: ClmState, ctx: ExecContext): void {
  for (;;) {
    const operation = [...state.operations.values()].find(({ owed }) => owed === 0);
    if (operation === undefined) return;
    if (operation.step === 'validate') enterStep(state, operation, 'start', ctx);
    else complete(state, operation, ctx);
  }
}

/** The earliest end of a time supervision. */
export function deadline(state: ClmState): bigint | null {
  let earliest: bigint | null = null;
  for (const operation of state.operations.values()) {
    const due = operation.deadline;
    if (due !== null && (earliest === null || due < earliest)) earliest = due;
  }
  return earliest;
}

/** Who has not answered in time has answered ERROR, which stops nothing (AIS B.4 rule 5). */
export function expire(state: ClmState, ctx: ExecContext): void {
  for (const operation of [...state.operations.values()]) {
    if (operation.deadline !== null && operation.deadline <= ctx.time) forgive(state, operation);
  }
  settle(state, ctx);
}

/** A caller is gone: the operation goes on without it. */
export function forgetCaller(state: ClmState, client: ClientRef): void {
  const key = clientKey(client);
  for (const operation of state.operations.values()) {
    operation.callers = operation.callers.filter((caller) => clientKey(caller) !== key);
  }
}

/** Without quorum nothing is decided; a node that is gone needs no further steps. */
export function operationsAfterView(state: ClmState, ctx: ExecContext): void {
  for (const operation of [...state.operations.values()]) {
    if (!ctx.view.quorate) {
      abort(state, operation, SA_AIS_ERR_TRY_AGAIN, labelOf(operation), ctx);
    } else if (!state.members.has(operation.nodeId)) complete(state, operation, ctx);
  }
  settle(state, ctx);
}

/** After a merge: the operations of histories that lost did not happen; their clients may try again. */
export function abortLost(state: ClmState, ctx: ExecContext): void {
  for (const { operation, members } of state.lost) {
    const tracks = [...state.tracks.values()].filter(({ client }) => members.includes(client.node));
    tell(state, operation, tracks, 'aborted', labelOf(operation), ctx);
    for (const caller of operation.callers) ctx.reply(caller, { rc: SA_AIS_ERR_TRY_AGAIN });
  }
  state.lost = [];
}

/** A request about a node that is being removed. */
function intervene(
  state: ClmState,
  running: Operation,
  { operation: wanted, supervisionMs }: AdministerRequest,
  source: Source,
  ctx: ExecContext,
): SaAisErrorT | undefined {
  const mayChange = running.kind === 'shutdown' && running.step === 'start';
  if (!mayChange || wanted === 'shutdown') return SA_AIS_ERR_BUSY;
  if (wanted === 'unlock') {
    abort(state, running, SA_AIS_ERR_FAILED_OPERATION, SA_CLM_NODE_UNLOCK, ctx);
    return SA_AIS_OK;
  }
  running.kind = 'lock';
  running.supervision = BigInt(supervisionMs) * NS_PER_MS;
  running.deadline = ctx.time + running.supervision;
  running.callers = [...running.callers, source];
  return undefined;
}

/** Readmits a node. It is a member at once when its executive is here. */
function unlock(state: ClmState, nodeId: number, ctx: ExecContext): SaAisErrorT {
  const record = state.records.get(nodeId);
  state.records.set(nodeId, {
    locked: false,
    changed: ctx.order,
    evicted: record?.evicted ?? 0n,
  });
  const info = ctx.view.members.find((member) => member.nodeId === nodeId);
  if (info !== undefined) {
    const node = toClusterNode(info, nextViewNumber(state));
    installMembers(state, toMembers([...state.members.values(), node]), ctx, info.name);
  }
  return SA_AIS_OK;
}

function enterStep(
  state: ClmState,
  operation: Operation,
  step: Operation['step'],
  ctx: ExecContext,
): void {
  operation.step = step;
  const isBounded = step === 'validate' || operation.kind === 'lock';
  operation.deadline = isBounded ? ctx.time + operation.supervision : null;
  const asked = [...state.tracks.values()].filter((track) => track[step]);
  tell(state, operation, asked, step, labelOf(operation), ctx);
}

function complete(state: ClmState, operation: Operation, ctx: ExecContext): void {
  end(state, operation);
  const { nodeId, callers } = operation;
  const name = state.members.get(nodeId)?.name ?? null;
  state.records.set(nodeId, { locked: true, changed: ctx.order, evicted: ctx.order });
  const rest = [...state.members.values()].filter((member) => member.nodeId !== nodeId);
  installMembers(state, toMembers(rest), ctx, name);
  for (const caller of callers) ctx.reply(caller, { rc: SA_AIS_OK });
}

function abort(
  state: ClmState,
  operation: Operation,
  rc: SaAisErrorT,
  label: SaClmClusterChangesT,
  ctx: ExecContext,
): void {
  end(state, operation);
  const told = [...state.tracks.values()].filter(
    ({ validate, start }) => validate || (start && operation.step === 'start'),
  );
  tell(state, operation, told, 'aborted', label, ctx);
  for (const caller of operation.callers) ctx.reply(caller, { rc });
}

/** Calls back the subscriptions that the node concerns; VALIDATE and START are to be answered. */
function tell(
  state: ClmState,
  operation: Operation,
  tracks: readonly Track[],
  step: ChangeStep,
  label: SaClmClusterChangesT,
  ctx: ExecContext,
): void {
  const target = state.members.get(operation.nodeId);
  if (target === undefined) return; // that it has left was told in its view
  const isAsked = step !== 'aborted';
  for (const track of tracks) {
    if (track.local && track.client.node !== operation.nodeId) continue;
    if (!track.validate && !track.start) continue;
    if (isAsked) {
      state.invocations += 1n;
      operation.owed++;
      track.owes = [...track.owes, { nodeId: operation.nodeId, invocation: state.invocations }];
    }
    const event: ChangedEvent = {
      ...plannedReport(track, state, target, label),
      subscription: track.subscription,
      step,
      invocation: isAsked ? state.invocations : 0n,
      timeSupervision: isAsked && operation.deadline !== null ? operation.supervision : null,
      cause: target.name,
      evicted: false,
    };
    ctx.callback(track.client, CHANGED, event);
  }
}

/** Nobody owes this operation anything any more. */
function forgive(state: ClmState, operation: Operation): void {
  operation.owed = 0;
  for (const track of state.tracks.values()) {
    if (track.owes.length === 0) continue;
    track.owes = track.owes.filter(({ nodeId }) => nodeId !== operation.nodeId);
  }
}

function end(state: ClmState, operation: Operation): void {
  forgive(state, operation);
  state.operations.delete(operation.nodeId);
}

function labelOf({ kind }: Operation): SaClmClusterChangesT {
  return kind === 'lock' ? SA_CLM_NODE_LEFT : SA_CLM_NODE_SHUTDOWN;
}

function isPresent(ctx: ExecContext, nodeId: number): boolean {
  return ctx.view.members.some((member) => member.nodeId === nodeId);
}

/** Room for one more record: forgets, of the nodes that are unlocked and gone, the one decided on first. */
function makeRoom(state: ClmState, nodeId: number, ctx: ExecContext): boolean {
  const { records, operations } = state;
  if (records.has(nodeId) || records.size + operations.size < CLM_ADMIN_RECORDS_MAX) return true;
  let oldest: number | undefined;
  for (const [id, { locked, changed }] of records) {
    if (locked || isPresent(ctx, id) || operations.has(id)) continue;
    if (oldest === undefined || changed < (records.get(oldest)?.changed ?? 0n)) oldest = id;
  }
  return oldest !== undefined && records.delete(oldest);
}
