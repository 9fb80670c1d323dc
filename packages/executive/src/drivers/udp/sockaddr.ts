/** struct sockaddr_in and sockaddr_in6 of Linux as bytes. */
import { SocketAddress } from 'node:net';
import type { Endpoint } from './peers.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;
/** The longer of the two. */
export const SOCKADDR_BYTES = 28;
const SOCKADDR_IN_BYTES = 16;
const PORT_OFFSET = 2;
const IN_ADDRESS_OFFSET = 4;
const IN6_ADDRESS_OFFSET = 8;
const IN6_GROUPS = 8;

/** @param address canonical, as the configuration has it. */
export function encodeSockaddr({ address, port }: Endpoint): Buffer {
  const isV6 = address.includes(':');
  const bytes = Buffer.alloc(isV6 ? SOCKADDR_BYTES : SOCKADDR_IN_BYTES);
  bytes.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, PORT_OFFSET);
  if (isV6) {
    groupsOf(address).forEach((group, i) => {
      bytes.writeUInt16BE(group, IN6_ADDRESS_OFFSET + 2 * i);
    });
  } else {
    address.split('.').forEach((part, i) => {
      bytes[IN_ADDRESS_OFFSET + i] = Number(part);
    });
  }
  return bytes;
}

/** The address in the spelling of the configuration; undefined for another family. */
export function decodeSockaddr(bytes: Buffer, offset: number): Endpoint | undefined {
  const family = bytes.readUInt16LE(offset);
  const port = bytes.readUInt16BE(offset + PORT_OFFSET);
  if (family === AF_INET) {
    const start = offset + IN_ADDRESS_OFFSET;
    return { address: bytes.subarray(start, start + 4).join('.'), port };
  }
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: IN6_GROUPS }, (_, i) =>
    bytes.readUInt16BE(offset + IN6_ADDRESS_OFFSET + 2 * i).toString(16),
  );
  return {
    address: new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address,
    port,
  };
}

function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  const zeros = new Array<number>(Math.max(0, IN6_GROUPS - first.length - last.length)).fill(0);
  return [...first, ...zeros, ...last];
}

/** Groups of one side of `::`; a dotted IPv4 tail counts as two. */
function parse(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
