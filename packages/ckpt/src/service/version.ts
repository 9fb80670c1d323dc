/**
 * Versions and digests of sections (ADR 0125). A version says which changes a content has come from: a chain
 * of hashes of the messages that made it, each named by its place in the order and its request. Equal versions
 * mean equal contents in whatever histories they are found, and nobody has to read the contents for it. A
 * section's mark hashes everything but the content itself; a checkpoint's digest is the sum of its sections' marks, so
 * that each change corrects it in constant time.
 */
import type { SaTimeT } from '@aisexec/ais';
import { type ExecContext, Hash64, type Source } from '@aisexec/service';

/** The message that changes something. */
export interface Stamp {
  readonly time: SaTimeT;
  /** 52 bits that no other message has. */
  readonly tag: number;
}

/** What a mark is made of. */
export interface Marked {
  readonly serial: number;
  readonly version: number;
  readonly data: { readonly size: number };
  readonly expirationTime: SaTimeT;
  readonly lastUpdate: SaTimeT;
}

export function stampOf(ctx: ExecContext, source: Source): Stamp {
  const hash = new Hash64();
  hash.long(ctx.order);
  hash.word(source.node);
  hash.word(source.connection);
  hash.word(source.request);
  return { time: ctx.time, tag: hash.number52() };
}

/** The version after one more change. */
export function nextVersion(version: number, { tag }: Stamp): number {
  const hash = new Hash64();
  hash.integer(version);
  hash.integer(tag);
  return hash.number52();
}

export function markOf(key: string, section: Marked): number {
  const hash = new Hash64();
  hash.text(key);
  hash.integer(section.serial);
  hash.integer(section.version);
  hash.integer(section.data.size);
  hash.long(section.expirationTime);
  hash.long(section.lastUpdate);
  return hash.number52();
}
