/** Which libcrypto seals; one is checked against the other before use (ADR 0209). */
import type { SealCipher } from '../../config/config.ts';
import type { Aead } from './aead.ts';
import { HEADER_BYTES, SECRET_BYTES, TAG_BYTES } from './format.ts';
import { loadNativeAead } from './native-aead.ts';
import { createNodeAead } from './node-aead.ts';

export interface AeadChoice {
  readonly create: () => Aead;
  /** Why node:crypto is used; undefined when it is not. */
  readonly plain: string | undefined;
}

/** @param io `plain`: node:crypto only. Default: the fastest there is. */
export function chooseAead(cipher: SealCipher, io: 'auto' | 'plain' = 'auto'): AeadChoice {
  const node = () => createNodeAead(cipher);
  if (io === 'plain') return { create: node, plain: 'totem.io is plain' };
  const { create, missing } = loadNativeAead(cipher);
  if (create === undefined) return { create: node, plain: missing };
  return doSame(create(), node())
    ? { create, plain: undefined }
    : { create: node, plain: "the process's libcrypto and node:crypto differ" };
}

/** What one seals is what the other one seals, and each opens it. */
function doSame(...aeads: readonly [Aead, Aead]): boolean {
  const packet = Uint8Array.from({ length: 77 }, (_, i) => i);
  const sealed = aeads.map((aead) => {
    const key = aead.key(new Uint8Array(SECRET_BYTES).fill(1));
    aead.frame.fill(2, 0, HEADER_BYTES);
    key.seal(3, packet);
    const bytes = Buffer.from(aead.frame.subarray(0, HEADER_BYTES + packet.length + TAG_BYTES));
    const isOpened = key.open(3, packet.length);
    const text = aead.frame.subarray(HEADER_BYTES, HEADER_BYTES + packet.length);
    key.close();
    return isOpened && text.equals(packet) ? bytes : undefined;
  });
  const [one, other] = sealed;
  return one !== undefined && other !== undefined && one.equals(other);
}
