/** What the server half needs of its executive, and what it tells it. */
import type { Backend } from '../client/local.ts';
import type { ProcessStart } from './peer-process.ts';

/** Who is at the other end of a socket; -1 where the platform does not tell. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export const UNKNOWN_CREDENTIALS: Credentials = { pid: -1, uid: -1, gid: -1 };

/** Bounds that an executive may set otherwise; the defaults are the constants of `limits.ts`. */
export interface IpcServerLimits {
  readonly clientsMax: number;
  readonly clientsPerUidMax: number;
  readonly handshakePendingMax: number;
  readonly handshakePendingPerUidMax: number;
  readonly turnedAwayDelayMs: number;
  readonly turnedAwayMax: number;
  readonly handshakeTimeoutMs: number;
  readonly requestsInFlightMax: number;
  readonly outboundFramesMax: number;
  readonly outboundBytesMax: number;
  readonly socketBytesHigh: number;
  readonly socketBytesMax: number;
  readonly goodbyeTimeoutMs: number;
  /** How long a cut session is kept at most, in milliseconds; 0: not at all. */
  readonly graceMs: number;
  readonly unackedBytesMax: number;
  readonly unackedFramesMax: number;
}

/** One line for the log: `client-refused`, `client-malformed`, `client-slow`, … */
export interface IpcEvent {
  readonly event: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

export interface IpcServerOptions<Client> {
  /** Where to listen. The directory must exist. */
  readonly path: string;
  /** Permissions of the socket file: who may connect needs write permission. Default 0600. */
  readonly mode?: number;
  /** The service host, or what has its shape. */
  readonly backend: Backend<Client>;
  /** Reads the credentials of the peer of a connected descriptor; default: unknown. */
  readonly credentials?: (fd: number) => Credentials | undefined;
  /** Who may use which service; a text is the refusal's reason. Default: everybody who can connect. */
  readonly access?: (service: string, credentials: Credentials) => true | string;
  /** Tells whether a client's process lives; default: the system's `/proc`. */
  readonly processStart?: ProcessStart;
  readonly limits?: Partial<IpcServerLimits>;
  readonly onEvent?: (event: IpcEvent) => void;
}

/** A client that does not want its executive to leave. */
export interface Veto {
  readonly service: string;
  readonly pid: number;
  readonly uid: number;
  /** The client's own words: at most `VETO_TEXT_MAX` printable characters. */
  readonly reason: string;
}

export interface IpcServer {
  readonly path: string;
  /**
   * Asks the clients that want to be asked whether the executive may leave, for at most `withinMs`; who does not
   * answer agrees. With a veto all of them are told that it stays. @returns the vetoes.
   */
  askLeave(withinMs: number): Promise<readonly Veto[]>;
  /** Says goodbye to every client, closes and removes the socket file. Idempotent. */
  close(): Promise<void>;
  stats(): Readonly<Record<string, number>>;
}
