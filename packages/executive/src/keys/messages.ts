/**
 * What nodes tell each other about their keys, in the total order of a group of its own. No key ever travels:
 * a key is named by its fingerprint (ADR 0136).
 */
import { z } from 'zod';
import { KEY_REASON_CHARS_MAX } from '../limits.ts';

export const KEY_GROUP = 'aisexec-key';

const fingerprint = z.string().regex(/^[0-9a-f]{16}$/);
const rotation = z.int().min(0).max(0xffff_ffff);

const keyMessage = z.discriminatedUnion('type', [
  /** An operator asks all members to change to the key that their key file holds. */
  z.object({ type: z.literal('load'), rotation: rotation.min(1), key: fingerprint }),
  /** What the sender sends with and accepts besides; after every change and in every configuration. */
  z.object({
    type: z.literal('state'),
    sending: fingerprint,
    next: z.object({ key: fingerprint, rotation }).nullable(),
    /** The last rotation that failed: up to it they are over. */
    failed: rotation,
  }),
  /** The sender cannot accept the key: the rotation is over for all. */
  z.object({
    type: z.literal('failed'),
    rotation: rotation.min(1),
    key: fingerprint,
    reason: z.string().max(KEY_REASON_CHARS_MAX),
  }),
]);
export type KeyMessage = z.infer<typeof keyMessage>;
export type KeyState = Extract<KeyMessage, { type: 'state' }>;

export function encodeKeyMessage(message: KeyMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** undefined: none of ours, or of another version. */
export function decodeKeyMessage(bytes: Uint8Array): KeyMessage | undefined {
  try {
    const checked = keyMessage.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return checked.success ? checked.data : undefined;
  } catch {
    return undefined;
  }
}
