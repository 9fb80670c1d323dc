/** The executive's end of its unix socket: accepts clients, bounds them, and leaves no file behind. */
import { createServer, type Server, type Socket } from 'node:net';
import { SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import {
  CLIENTS_MAX,
  CLIENTS_PER_UID_MAX,
  EVENTS_PER_SECOND_MAX,
  GOODBYE_TIMEOUT_MS,
  HANDSHAKE_PENDING_MAX,
  HANDSHAKE_PENDING_PER_UID_MAX,
  HANDSHAKE_TIMEOUT_MS,
  OUTBOUND_BYTES_MAX,
  OUTBOUND_FRAMES_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  SESSION_GRACE_MS,
  SOCKET_BYTES_HIGH,
  SOCKET_BYTES_MAX,
  TURNED_AWAY_DELAY_MS,
  TURNED_AWAY_MAX,
  UNACKED_BYTES_MAX,
  UNACKED_FRAMES_MAX,
} from '../limits.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import {
  type Credentials,
  type IpcEvent,
  type IpcServer,
  type IpcServerLimits,
  type IpcServerOptions,
  UNKNOWN_CREDENTIALS,
  type Veto,
} from './contract.ts';
import { createCounters } from './counters.ts';
import { listenOn } from './listen.ts';
import { processStart } from './peer-process.ts';
import { createSessionTable } from './session-table.ts';
import { Turns } from './turns.ts';

const DEFAULTS: IpcServerLimits = {
  clientsMax: CLIENTS_MAX,
  clientsPerUidMax: CLIENTS_PER_UID_MAX,
  handshakePendingMax: HANDSHAKE_PENDING_MAX,
  handshakePendingPerUidMax: HANDSHAKE_PENDING_PER_UID_MAX,
  turnedAwayDelayMs: TURNED_AWAY_DELAY_MS,
  turnedAwayMax: TURNED_AWAY_MAX,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  requestsInFlightMax: REQUESTS_IN_FLIGHT_MAX,
  outboundFramesMax: OUTBOUND_FRAMES_MAX,
  outboundBytesMax: OUTBOUND_BYTES_MAX,
  socketBytesHigh: SOCKET_BYTES_HIGH,
  socketBytesMax: SOCKET_BYTES_MAX,
  goodbyeTimeoutMs: GOODBYE_TIMEOUT_MS,
  graceMs: SESSION_GRACE_MS,
  unackedBytesMax: UNACKED_BYTES_MAX,
  unackedFramesMax: UNACKED_FRAMES_MAX,
};

const CROWDED = { rc: SA_AIS_ERR_TRY_AGAIN, reason: 'too many clients are connecting' } as const;
const LEAVING = { rc: SA_AIS_ERR_TRY_AGAIN, reason: 'the executive leaves' } as const;

/**
 * Listens on `options.path`.
 * @throws SocketPathError when the path cannot be had, e.g. another executive answers there.
 */
export async function createIpcServer<Client>(
  options: IpcServerOptions<Client>,
): Promise<IpcServer> {
  const { path, backend, access = () => true, mode = 0o600 } = options;
  const trace = rateLimited(options.onEvent ?? (() => {}));
  const limits = { ...DEFAULTS, ...options.limits };
  const counters = createCounters();
  const turns = new Turns();
  const pending = new Set<Connection<Client>>();
  const turnedAway = new Set<Connection<Client>>();
  const connections = new Set<Connection<Client>>();
  const sessions = createSessionTable<Client>({
    ...{ backend, limits, counters, turns, trace },
    processStart: options.processStart ?? processStart,
  });
  let closing: Promise<void> | undefined;
  let onEmpty: () => void = () => {};

  const host: ConnectionHost<Client> = {
    ...{ limits, counters, access, trace },
    hello: sessions.hello,
    changed(connection) {
      pending.delete(connection);
      if (connection.state !== 'waiting') turnedAway.delete(connection);
      if (connection.state !== 'gone' || !connections.delete(connection)) return;
      if (connections.size === 0) onEmpty();
    },
  };

  function isCrowded({ credentials: { uid } }: Connection<Client>): boolean {
    if (pending.size >= limits.handshakePendingMax) return true;
    if (uid === UNKNOWN_CREDENTIALS.uid) return false;
    let same = 0;
    for (const { credentials } of pending) if (credentials.uid === uid) same++;
    return same >= limits.handshakePendingPerUidMax;
  }

  /** Who comes again at once when it is refused does so ten times a second, not thousands of times. */
  function turnAway(connection: Connection<Client>): void {
    if (turnedAway.size >= limits.turnedAwayMax) {
      connection.refuse(CROWDED);
      return;
    }
    turnedAway.add(connection);
    connection.refuseLater(CROWDED, limits.turnedAwayDelayMs);
  }

  const server: Server = createServer((socket) => {
    const connection = new Connection(host, socket, credentialsOf(socket, options.credentials));
    connections.add(connection);
    if (closing !== undefined) connection.refuse(LEAVING);
    else if (isCrowded(connection)) turnAway(connection);
    else pending.add(connection);
  });
  // Beyond this the kernel's connection is dropped without a word: a flood gets no more.
  const { clientsMax, handshakePendingMax, turnedAwayMax } = limits;
  server.maxConnections = clientsMax + 2 * handshakePendingMax + turnedAwayMax;
  const release = await listenOn(server, path, mode);
  // Accepting can fail when descriptors run out; the clients that are there go on.
  server.on('error', (error) => trace({ event: 'ipc-error', detail: { error: error.message } }));

  async function close(): Promise<void> {
    release();
    const emptied = new Promise<void>((resolve) => {
      onEmpty = resolve;
    });
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    sessions.endAll(LEAVING);
    for (const connection of [...connections]) connection.end(LEAVING);
    if (connections.size > 0) await emptied;
    await closed;
  }

  let asking: Promise<readonly Veto[]> | undefined;
  return {
    path,
    askLeave(withinMs) {
      // Who asks while it is asked gets the same answer.
      asking ??= sessions.askLeave(withinMs).finally(() => {
        asking = undefined;
      });
      return asking;
    },
    close() {
      closing ??= close();
      return closing;
    },
    stats: () => ({
      clients: sessions.size,
      handshakes: pending.size,
      turns: turns.number,
      ...counters,
    }),
  };
}

/** Passes on so many events a second; what was kept back is told with the first one after. */
function rateLimited(tell: (event: IpcEvent) => void): (event: IpcEvent) => void {
  let second = 0;
  let told = 0;
  let suppressed = 0;
  return (event) => {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) {
      if (suppressed > 0) tell({ event: 'events-suppressed', detail: { count: suppressed } });
      second = now;
      told = 0;
      suppressed = 0;
    }
    if (told++ < EVENTS_PER_SECOND_MAX) tell(event);
    else suppressed++;
  };
}

/** The descriptor of an accepted socket is private API of Node, and the only way to its credentials. */
function credentialsOf(
  socket: Socket,
  read: ((fd: number) => Credentials | undefined) | undefined,
): Credentials {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (read === undefined || fd === undefined || fd < 0) return UNKNOWN_CREDENTIALS;
  return read(fd) ?? UNKNOWN_CREDENTIALS;
}
