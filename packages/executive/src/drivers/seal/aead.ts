/**
 * Authenticated encryption of one packet at a time, in place, with keys that stay. The libcrypto of the process
 * is called directly where koffi is there: node:crypto makes several objects for every packet, which costs
 * several times what the ciphers do (ADR 0209).
 */

/** One place where datagrams are sealed or opened, one after the other. */
export interface Aead {
  /** A datagram: header, text, tag (format.ts). */
  readonly frame: Buffer;
  /** The secret is the caller's again when this returns. */
  key(secret: Uint8Array): AeadKey;
}

export interface AeadKey {
  /** Behind the header in the frame, which is authenticated with it: the packet as ciphertext, and the tag. */
  seal(counter: number, packet: Uint8Array): void;
  /** The frame holds a datagram with so much text: it becomes the packet. @returns whether it is authentic. */
  open(counter: number, textBytes: number): boolean;
  /** Forgets the key, which cannot be used any more. */
  close(): void;
}
