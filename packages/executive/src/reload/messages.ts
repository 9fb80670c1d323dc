/** What nodes tell each other about a reload, in the total order of a group of its own. */
import { z } from 'zod';
import { RELOAD_LINE_CHARS_MAX, RELOAD_LINES_MAX } from '../limits.ts';

export const RELOAD_GROUP = 'aisexec-reload';

const reload = z.int().min(1);
const lines = z.array(z.string().max(RELOAD_LINE_CHARS_MAX + 1)).max(RELOAD_LINES_MAX);

const reloadMessage = z.discriminatedUnion('type', [
  /** An operator at the sender asks all members to read their files again. `dry`: and to change nothing. */
  z.object({ type: z.literal('ask'), reload, dry: z.boolean() }),
  /** The sender's answer to the reload of node `asker`: what would change, and why it cannot. */
  z.object({
    type: z.literal('answer'),
    asker: z.int().min(1).max(0xffff_ffff),
    reload,
    changed: lines,
    refused: lines,
  }),
  /** The sender waits no longer for the answers to its own reload. */
  z.object({ type: z.literal('give-up'), reload }),
]);
export type ReloadMessage = z.infer<typeof reloadMessage>;

export function encodeReloadMessage(message: ReloadMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** undefined: none of ours, or of another version. */
export function decodeReloadMessage(bytes: Uint8Array): ReloadMessage | undefined {
  try {
    const checked = reloadMessage.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return checked.success ? checked.data : undefined;
  } catch {
    return undefined;
  }
}
