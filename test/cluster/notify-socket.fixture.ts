/** A service manager's socket: unix datagrams, which Node.js cannot receive. Through koffi, like the sender. */
import { loadLibc } from '../../packages/executive/src/drivers/native.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;

export interface NotifySocket {
  /** What has come since the last call, a datagram each. */
  received(): readonly string[];
  close(): void;
}

/** undefined: there is no koffi here. */
export function notifySocket(path: string): NotifySocket | undefined {
  const { libc } = loadLibc();
  if (libc === undefined) return undefined;
  const socket = libc.func('socket', 'int', ['int', 'int', 'int']);
  const bind = libc.func('bind', 'int', ['int', 'void *', 'uint']);
  const recv = libc.func('recv', 'long', ['int', 'void *', 'size_t', 'int']);
  const close = libc.func('close', 'int', ['int']);
  const fd = socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(`${path}\0`)]);
  if (bind(fd, address, address.length) !== 0) throw new Error(`bind ${path}: ${libc.errno()}`);
  const buffer = Buffer.alloc(4_096);
  return {
    received() {
      const all: string[] = [];
      for (;;) {
        const length = Number(recv(fd, buffer, buffer.length, 0));
        if (length < 0) return all;
        all.push(buffer.toString('utf8', 0, length));
      }
    },
    close: () => void close(fd),
  };
}
