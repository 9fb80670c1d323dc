/**
 * How contents of retained events follow after a synchronisation that sent their heads only (ADR 0126, 0201). A piece is
 * one event; what it holds never changes, so nothing is remembered while it is on its way.
 */
import { type BackgroundSync, decode, encode, type Infer, invariant, s } from '@aisexec/service';
import { EVENT_CONTENT_BYTES_MAX, RETAINED_EVENT_OVERHEAD } from '../limits.ts';
import { eventContentFields } from '../protocol.ts';
import { dropRetained } from './retention.ts';
import type { Channel, EvtState, RetainedEvent } from './state.ts';

const piece = s.object({ event: s.text(20) });
export type Piece = Infer<typeof piece>;
const contentSchema = s.object(eventContentFields);

export const background: BackgroundSync<EvtState, Piece> = {
  piece,
  pieceBytesMax: EVENT_CONTENT_BYTES_MAX,
  adopt(before, after) {
    for (const event of after.retained.values()) {
      event.content ??= before.retained.get(event.id)?.content ?? null;
    }
  },
  *lacking(state) {
    for (const event of state.retained.values()) {
      if (event.content === null)
        yield { piece: pieceOf(event), bytes: event.cost - RETAINED_EVENT_OVERHEAD };
    }
  },
  awaits(state, wanted, asked) {
    const event = eventOf(state, wanted);
    if (event === undefined || event.content !== null || event.asked !== null) return false;
    event.asked = asked;
    return true;
  },
  give(state, wanted) {
    const content = eventOf(state, wanted)?.content ?? null;
    return content === null ? undefined : encode({ ...content, patterns: [...content.patterns] });
  },
  settle(state, wanted, asked, packed) {
    const event = eventOf(state, wanted);
    if (event?.asked !== asked) return;
    event.asked = null;
    if (packed === undefined) return;
    const content = decode(packed);
    invariant(
      content.ok && contentSchema.check(content.value),
      'content does not fit its schema',
      wanted,
    );
    const { patterns, priority, publisher, data } = content.value;
    event.content = { patterns, priority, publisher, data };
  },
  lost(state, wanted) {
    const event = eventOf(state, wanted);
    if (event === undefined || event.content !== null) return false;
    dropRetained(state, event.id);
    return true;
  },
};

/** What a new subscription to this channel would have to be given and is still to come. */
export function* absentIn(state: EvtState, channel: Channel): Iterable<Piece> {
  for (const id of channel.retained) {
    const event = state.retained.get(id);
    if (event?.content === null) yield pieceOf(event);
  }
}

function pieceOf({ id }: RetainedEvent): Piece {
  return { event: String(id) };
}

function eventOf(state: EvtState, { event }: Piece): RetainedEvent | undefined {
  return /^\d+$/.test(event) ? state.retained.get(BigInt(event)) : undefined;
}
