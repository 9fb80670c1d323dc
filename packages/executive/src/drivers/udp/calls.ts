/** The C functions of a UDP socket, and what the parts that call them share. */
import type { Libc } from '../native.ts';

export type Calls = ReturnType<typeof bindCalls>;

export interface Counters {
  sendCalls: number;
  receiveCalls: number;
  sendErrors: number;
  /** Datagrams that left as pieces of a larger send. */
  segments: number;
  /** 1 once the kernel has refused to segment: since then every datagram is sent on its own. */
  segmentationOff: number;
  refusals: number;
  /** Datagrams that the kernel handed over together with others. */
  coalesced: number;
}

/** The socket a part works on. */
export interface Context {
  readonly calls: Calls;
  readonly fd: number;
  readonly counters: Counters;
  readonly errno: () => number;
  /** The address of memory that stays where it is, and stays, as long as the socket. */
  readonly pin: (bytes: Uint8Array) => bigint;
  readonly onError: () => void;
}

export function bindCalls({ func }: Libc) {
  return {
    socket: func('socket', 'int', ['int', 'int', 'int']),
    bind: func('bind', 'int', ['int', 'void *', 'uint']),
    close: func('close', 'int', ['int']),
    getsockname: func('getsockname', 'int', ['int', 'void *', 'void *']),
    setsockopt: func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint']),
    sendmmsg: func('sendmmsg', 'int', ['int', 'void *', 'uint', 'int']),
    recvmmsg: func('recvmmsg', 'int', ['int', 'void *', 'uint', 'int', 'void *']),
    recvmsg: func('recvmsg', 'int', ['int', 'void *', 'int']),
  };
}
