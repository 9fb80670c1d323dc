/** `saClmClusterTrack` of either generation: the current view, a subscription, or both. */
import {
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_OK,
  SA_TRACK_CURRENT,
  SA_TRACK_START_STEP,
  SA_TRACK_VALIDATE_STEP,
  type SaAisErrorT,
} from '@aisexec/ais';
import { expectNumber, type Reply } from '@aisexec/ipc';
import type { ViewReport } from '../protocol.ts';
import { checkTrackFlags, isLocal, modeOf } from './arguments.ts';
import { toNotifications, viewOf } from './convert.ts';
import type { ClmHandle } from './handle.ts';
import type { Rc, SaClmClusterNotificationBufferT } from './literal-types.ts';

type Buffer = SaClmClusterNotificationBufferT;

export async function track(
  handle: ClmHandle | SaAisErrorT,
  trackFlags: number,
  buffer: Buffer | null | undefined,
): Promise<Rc> {
  expectNumber('trackFlags', trackFlags);
  if (typeof handle === 'number') return { rc: handle };
  const rc = checkTrackFlags(trackFlags, handle.generation);
  if (rc !== SA_AIS_OK) return { rc };
  const mode = modeOf(trackFlags);
  const local = isLocal(trackFlags);
  const wantsCurrent = (trackFlags & SA_TRACK_CURRENT) !== 0;
  const given = wantsCurrent ? (buffer ?? undefined) : undefined;
  if (given?.notification && given.numberOfItems === 0) return { rc: SA_AIS_ERR_INVALID_PARAM };
  const needsCallback = mode !== undefined || (wantsCurrent && given === undefined);
  if (needsCallback && !handle.callbacks.saClmClusterTrackCallback) return { rc: SA_AIS_ERR_INIT };

  // The current view first: a call that fails for want of space subscribes to nothing.
  if (mode === undefined || given !== undefined) {
    const reply = await handle.ask('current', { local });
    if (reply.rc !== SA_AIS_OK) return { rc: reply.rc };
    if (given !== undefined && !fits(given, viewOf(reply))) return { rc: SA_AIS_ERR_NO_SPACE };
    if (mode === undefined) return answerCurrent(handle, viewOf(reply), given);
  }
  const subscription = handle.feed.ask();
  const validate = (trackFlags & SA_TRACK_VALIDATE_STEP) !== 0;
  const start = (trackFlags & SA_TRACK_START_STEP) !== 0;
  const reply = await handle.ask('track', { mode, local, validate, start, subscription });
  if (reply.rc !== SA_AIS_OK) {
    handle.feed.refuse(subscription);
    return { rc: reply.rc };
  }
  return subscribed(handle, subscription, reply, wantsCurrent, given);
}

/** The subscription stands; what was asked for as CURRENT comes before its first change. */
function subscribed(
  handle: ClmHandle,
  subscription: number,
  reply: Reply,
  wantsCurrent: boolean,
  given: Buffer | undefined,
): Rc {
  let answer: Rc = { rc: SA_AIS_OK };
  handle.feed.begin(subscription, () => {
    if (wantsCurrent) answer = answerCurrent(handle, viewOf(reply), given);
  });
  return answer;
}

/** Into the caller's buffer, or by one callback. */
function answerCurrent(handle: ClmHandle, view: ViewReport, given: Buffer | undefined): Rc {
  if (given === undefined) {
    handle.queueTrack(view);
    return { rc: SA_AIS_OK };
  }
  if (!fits(given, view)) return { rc: SA_AIS_ERR_NO_SPACE };
  const notifications = toNotifications(view.nodes, handle.generation, 'completed');
  given.viewNumber = view.viewNumber;
  given.numberOfItems = notifications.length;
  if (given.notification === null) given.notification = notifications;
  else given.notification.splice(0, notifications.length, ...notifications);
  return { rc: SA_AIS_OK };
}

/** Whether the caller's array is large enough; if not, it is told what would be. */
function fits(given: Buffer, view: ViewReport): boolean {
  if (given.notification === null || given.notification === undefined) {
    given.notification = null;
    return true;
  }
  if (given.numberOfItems >= view.nodes.length) return true;
  given.numberOfItems = view.nodes.length;
  return false;
}
