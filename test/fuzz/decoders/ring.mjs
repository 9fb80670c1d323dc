// The ring's datagrams, and what process groups put into them. `decode` returns whether the input was accepted.
import * as wire from '../../../packages/totem/dist/wire/index.js';

const token = wire.createOrfToken();
const tokenBuffer = new Uint8Array(wire.ORF_TOKEN_BYTES_MAX);

/** A codec that answers with a result: what it takes can be written again, and reads the same. */
const checked = (name, text, read, write) => ({
  name,
  text,
  decode(bytes) {
    if (wire.headerError(bytes) !== undefined) return false;
    const decoded = read(bytes);
    if (!decoded.ok) return false;
    if (write === undefined) return true;
    const again = read(write(decoded.value));
    if (!again.ok || JSON.stringify(again.value) !== JSON.stringify(decoded.value)) {
      throw new Error(`${name}: what was read cannot be written and read again`);
    }
    return true;
  },
});

export const ringDecoders = [
  {
    name: 'orf-token',
    text: 'the token',
    decode(bytes) {
      if (wire.headerError(bytes) !== undefined) return false;
      if (wire.decodeOrfToken(bytes, token) !== undefined) return false;
      if ((token.seq - token.aru) >>> 0 < wire.SEQ_AHEAD_MAX)
        wire.encodeOrfToken(token, tokenBuffer);
      return true;
    },
  },
  {
    name: 'mcast',
    text: 'a multicast, and the one that a recovery copy carries',
    decode(bytes) {
      if (wire.headerError(bytes) !== undefined || wire.mcastError(bytes) !== undefined)
        return false;
      wire.mcastPayload(bytes);
      wire.mcastIsSafe(bytes);
      if (wire.mcastIsEncapsulated(bytes)) wire.decapsulate(bytes);
      return true;
    },
  },
  checked(
    'merge-detect',
    'the announcement of a ring',
    wire.decodeMergeDetect,
    wire.encodeMergeDetect,
  ),
  // A LEAVE that does not end with its leaver is read and never written: no round trip.
  checked('join', 'JOIN and LEAVE', wire.decodeJoin),
  checked('commit-token', 'the commit token', wire.decodeCommitToken, wire.encodeCommitToken),
  checked('hold-cancel', 'the end of a held token', wire.decodeHoldCancel, wire.encodeHoldCancel),
];
