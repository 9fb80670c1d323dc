/** Exit codes of the daemon, a class of failure each (numbers of sysexits.h; docs/reference/config.md). */
import { SocketPathError } from '@aisexec/ipc/server';
import { CredentialsError } from '../admin/listen.ts';
import { StableStoreError } from '../drivers/durable-file.ts';
import { StateInUseError } from '../drivers/state-lock.ts';
import { SupervisorError } from '../drivers/supervisor.ts';
import { TransportError } from '../drivers/udp/socket.ts';
import { CorosyncError } from '../engines/corosync/errors.ts';
import { KeyFileError } from '../key-file.ts';
import { MetricsError } from '../metrics/server.ts';

export const EXIT = {
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** Another executive has the address, the socket or the state directory. */
  inUse: 69,
  /** A defect, or a failure while it ran. */
  internal: 70,
  /** The address cannot be used on this host. */
  network: 71,
  /** The socket, or a file, cannot be created. */
  cannotCreate: 73,
  /** The stable store cannot be read or written, or is damaged. */
  state: 74,
  /** Corosync, or what is needed to reach it, is not there; it may be later. */
  corosync: 75,
  /** The configuration is refused. */
  config: 78,
} as const;

/** The exit code for what `Executive.start` threw, or for what ended it. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof StateInUseError) return EXIT.inUse;
  if (error instanceof StableStoreError) return EXIT.state;
  if (error instanceof CorosyncError) {
    if (error.problem === 'occupied') return EXIT.inUse;
    return error.problem === 'mismatch' ? EXIT.config : EXIT.corosync;
  }
  if (error instanceof CredentialsError || error instanceof KeyFileError) return EXIT.config;
  if (error instanceof SupervisorError) return EXIT.config;
  if (error instanceof MetricsError) return EXIT.cannotCreate;
  if (error instanceof SocketPathError)
    return error.kind === 'in-use' ? EXIT.inUse : EXIT.cannotCreate;
  if (error instanceof TransportError) {
    return error.code === 'EADDRINUSE' ? EXIT.inUse : EXIT.network;
  }
  return EXIT.internal;
}
