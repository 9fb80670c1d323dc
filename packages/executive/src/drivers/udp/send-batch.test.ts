import { describe, expect, test } from '@jest/globals';
import type { Calls, Counters } from './calls.ts';
import { CONTROLLEN, EINTR, EINVAL, EIO, EMSGSIZE, IOV, MMSGHDR_BYTES, NAME } from './linux.ts';
import { createSender, type Destination, type Sender } from './send-batch.ts';

const ENOMEM = 12;
const EPERM = 1;
const EAGAIN = 11;
const ENETUNREACH = 101;
const ENOBUFS = 105;
const WORD = 8;

/** One send as the kernel sees it. */
interface Sent {
  /** Index of the destination. */
  readonly to: number;
  readonly bytes: readonly number[];
  readonly isCut: boolean;
}

/** The kernel: takes what it is given unless `refuse` gives an errno for it. */
function kernel(refuse: (send: Sent) => number | undefined = () => undefined) {
  const memory: Uint8Array[] = [];
  const sent: Sent[] = [];
  let errno = 0;
  const counters: Counters = {
    ...{ sendCalls: 0, receiveCalls: 0, sendErrors: 0, refusals: 0 },
    ...{ segments: 0, segmentationOff: 0, coalesced: 0 },
  };
  const at = (pointer: bigint, length: number) => {
    const bytes = memory[Number(pointer >> 32n)]!;
    const start = Number(pointer & 0xffffffffn);
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
  };
  const read = (headers: Buffer, i: number): Sent => {
    const word = (index: number) => headers.readBigUInt64LE(i * MMSGHDR_BYTES + index * WORD);
    const iovec = at(word(IOV), 2 * WORD);
    const bytes = at(iovec.readBigUInt64LE(0), Number(iovec.readBigUInt64LE(WORD)));
    const to = at(word(NAME), 16).readUInt16BE(2);
    return { to, bytes: [...bytes], isCut: word(CONTROLLEN) !== 0n };
  };
  const sendmmsg = (_fd: number, headers: Buffer, count: number): number => {
    for (let i = 0; i < count; i++) {
      const send = read(headers, i);
      const error = refuse(send);
      if (error === undefined) {
        sent.push(send);
        continue;
      }
      errno = error;
      return i === 0 ? -1 : i;
    }
    return count;
  };
  const sender: Sender = createSender({
    calls: { sendmmsg } as unknown as Calls,
    ...{ fd: 3, counters, errno: () => errno, onError: () => {} },
    pin: (bytes) => BigInt(memory.push(bytes) - 1) << 32n,
  });
  const peers: Destination[] = [1, 2].map((port) =>
    sender.destination({ address: '127.0.0.1', port }),
  );
  return { sender, peers, sent, counters };
}

const packet = (fill: number, length = 20) => new Uint8Array(length).fill(fill);

describe('a batch to send', () => {
  test.each([
    ['ENOBUFS', ENOBUFS],
    ['ENOMEM', ENOMEM],
    ['ENETUNREACH', ENETUNREACH],
    ['EAGAIN', EAGAIN],
    ['EPERM', EPERM],
  ])('a send that fails with %s is a lost datagram and costs the others nothing', (_, code) => {
    const { sender, peers, sent, counters } = kernel(({ to }) => (to === 1 ? code : undefined));
    sender.queue(packet(1), peers);
    sender.queue(packet(2, 30), peers);
    sender.flush();
    expect(sent.map(({ to, bytes }) => [to, bytes[0]])).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(counters.sendErrors).toBe(2);
  });

  test('an interrupted call goes on where it was', () => {
    let interruptions = 3;
    const { sender, peers, sent, counters } = kernel(() =>
      interruptions-- > 0 ? EINTR : undefined,
    );
    sender.queue(packet(1), peers);
    sender.flush();
    expect(sent).toHaveLength(2);
    expect(counters.sendErrors).toBe(0);
  });

  test('packets of one size leave as one send per peer, in the order of all packets', () => {
    const { sender, peers, sent, counters } = kernel();
    const [first] = peers;
    sender.queue(packet(1), peers);
    sender.queue(packet(2), peers);
    sender.queue(packet(3, 5), peers);
    sender.queue(packet(4), peers);
    sender.queue(packet(5), [first!]);
    sender.flush();
    const shapes = sent.map(({ to, bytes, isCut }) => [to, [...new Set(bytes)], isCut]);
    expect(shapes).toEqual([
      [1, [1, 2, 3], true],
      [2, [1, 2, 3], true],
      [1, [4], false],
      [2, [4], false],
      [1, [5], false],
    ]);
    expect(counters).toMatchObject({ sendCalls: 1, segments: 6 });
  });

  test.each([
    ['EINVAL', EINVAL],
    ['EIO', EIO],
    ['EMSGSIZE', EMSGSIZE],
  ])('where the kernel answers %s to segments, they go one by one from then on', (_, code) => {
    const { sender, peers, sent, counters } = kernel(({ to, isCut }) =>
      isCut && to === 2 ? code : undefined,
    );
    for (const fill of [1, 2, 3]) sender.queue(packet(fill), peers);
    sender.flush();
    sender.queue(packet(4), peers);
    sender.queue(packet(5), peers);
    sender.flush();
    const got = (to: number) =>
      sent.filter((send) => send.to === to).map(({ bytes }) => [...new Set(bytes)]);
    expect(got(1)).toEqual([[1, 2, 3], [4], [5]]);
    expect(got(2)).toEqual([[1], [2], [3], [4], [5]]);
    expect(counters).toMatchObject({ segmentationOff: 1, sendErrors: 0 });
  });

  test('more packets than a batch holds leave in several, none lost', () => {
    const { sender, peers, sent } = kernel();
    for (let i = 0; i < 1000; i++) sender.queue(packet(i & 0xff), peers);
    sender.flush();
    const bytesTo = (to: number) =>
      sent.filter((send) => send.to === to).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect([bytesTo(1), bytesTo(2)]).toEqual([20_000, 20_000]);
  });
});
