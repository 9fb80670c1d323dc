/**
 * The socket's error queue: packets that came back as `port unreachable`, with the address they were sent to
 * (IP_RECVERR, ip(7)). It must be emptied whenever an error shows, or the socket stays readable for ever.
 */
import { REFUSALS_PER_READ } from '../../limits.ts';
import type { Context } from './calls.ts';
import {
  CMSGHDR_BYTES,
  CONTROL,
  CONTROLLEN,
  ECONNREFUSED,
  MMSGHDR_WORDS,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  NAME,
  NAMELEN_BYTE,
  ORIGIN_ICMP,
  ORIGIN_ICMP6,
} from './linux.ts';
import type { Endpoint } from './peers.ts';
import { decodeSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

const CONTROL_BYTES = 256;
/** struct sock_extended_err: errno u32, origin u8. */
const ORIGIN_BYTE = 4;

export function createRefusalReader(context: Context): () => readonly Endpoint[] {
  const { pin, calls, fd, counters } = context;
  const header = new BigUint64Array(MMSGHDR_WORDS);
  const headerBytes = Buffer.from(header.buffer);
  const name = Buffer.alloc(SOCKADDR_BYTES);
  const control = Buffer.alloc(CONTROL_BYTES);
  header[NAME] = pin(name);
  header[CONTROL] = pin(control);

  return () => {
    const refused: Endpoint[] = [];
    for (let i = 0; i < REFUSALS_PER_READ; i++) {
      headerBytes.writeUInt32LE(SOCKADDR_BYTES, NAMELEN_BYTE);
      header[CONTROLLEN] = BigInt(CONTROL_BYTES);
      // No iovec: of the packet itself nothing is wanted.
      if (calls.recvmsg(fd, headerBytes, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
      const endpoint = isRefusal(control) ? decodeSockaddr(name, 0) : undefined;
      if (endpoint === undefined) continue;
      counters.refusals++;
      refused.push(endpoint);
    }
    return refused;
  };
}

/** The extended error is the first control message: nothing else was asked for. */
function isRefusal(control: Buffer): boolean {
  const origin = control[CMSGHDR_BYTES + ORIGIN_BYTE];
  const isFromHost = origin === ORIGIN_ICMP || origin === ORIGIN_ICMP6;
  return isFromHost && control.readUInt32LE(CMSGHDR_BYTES) === ECONNREFUSED;
}
