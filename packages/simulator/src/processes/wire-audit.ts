/**
 * What a ring may put on the wire (totem-wire §4.7): a Corosync peer trusts counts, lengths and distances, and
 * asserts or crashes on wrong ones. The encoders check first; this looks at every packet again, from outside.
 */
import { wire } from '@aisexec/totem';

const token = wire.createOrfToken();

/** What is wrong with a packet that is about to leave; undefined when nothing is. */
export function wireFault(packet: Uint8Array): string | undefined {
  const error = wire.headerError(packet) ?? FAULT_OF[wire.packetType(packet)]!(packet);
  return error === undefined ? undefined : `${NAMES[packet[3]!] ?? 'packet'} with ${error}`;
}

const NAMES = ['token', 'multicast', 'merge-detect', 'join', 'commit token', 'hold-cancel'];

const FAULT_OF: readonly ((packet: Uint8Array) => string | undefined)[] = [
  (packet) => {
    const error = wire.decodeOrfToken(packet, token);
    if (error !== undefined) return error;
    const ahead = (token.seq - token.aru) >>> 0;
    return ahead < wire.SEQ_AHEAD_MAX ? undefined : `seq ${ahead} ahead of aru`;
  },
  (packet) => wire.mcastError(packet),
  (packet) => errorOf(wire.decodeMergeDetect(packet)),
  (packet) => errorOf(wire.decodeJoin(packet)),
  (packet) => errorOf(wire.decodeCommitToken(packet)),
  (packet) => errorOf(wire.decodeHoldCancel(packet)),
];

function errorOf(decoded: { readonly ok: true } | { readonly ok: false; readonly error: string }) {
  return decoded.ok ? undefined : decoded.error;
}
