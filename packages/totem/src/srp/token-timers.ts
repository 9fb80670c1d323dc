/**
 * Sending the token, whichever it is, with the two timers that guard it: `tokenRetransmit` sends the same
 * bytes again (duplicates die by token_seq), `token` gives the ring up. Both are restarted by the next
 * visit and cancelled by gather and leave.
 */
import { encodeOrfToken } from '../wire/index.ts';
import { isRep, type Srp } from './context.ts';

/** Forwards the ORF token in `srp.token`, or keeps it for the hold timer. */
export function sendToken(srp: Srp, hold: boolean): void {
  encodeOrfToken(srp.token, srp.tokenBuffer);
  const packet = srp.tokenViews[srp.token.rtrCount]!;
  srp.lastTokenPacket = packet;
  if (!hold) srp.effects.unicast(srp.successor, packet);
  restartTokenTimers(srp);
  // Cancelled by a token with a new seq, by hold-cancel, by gather and leave.
  if (hold) srp.effects.setTimer('tokenHold', srp.config.holdMs);
}

export function sendCommitToken(srp: Srp, packet: Uint8Array): void {
  srp.lastTokenPacket = packet;
  srp.effects.unicast(srp.successor, packet);
  restartTokenTimers(srp);
}

export function resendToken(srp: Srp): void {
  if (srp.lastTokenPacket === undefined) return;
  srp.counters.tokenResends++;
  srp.effects.unicast(srp.successor, srp.lastTokenPacket);
}

export function onTokenRetransmitTimer(srp: Srp): void {
  resendToken(srp);
  srp.effects.setTimer('tokenRetransmit', srp.config.tokenRetransmitMs);
}

/** The representative lets the held token make one more rotation. */
export function onTokenHoldTimer(srp: Srp): void {
  if (isRep(srp)) srp.tokenHeld = false;
  resendToken(srp);
}

function restartTokenTimers(srp: Srp): void {
  srp.effects.setTimer('token', srp.tokenTimeout.ms);
  srp.effects.setTimer('tokenRetransmit', srp.config.tokenRetransmitMs);
}
