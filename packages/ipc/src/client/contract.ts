/**
 * What a client binding needs of its executive: one connection per AIS handle, requests with replies,
 * callbacks, and the news that the connection is gone. The unix-socket client, the in-process one and
 * the tests' are interchangeable behind {@link Connector}.
 */
import type { SaAisErrorT } from '@aisexec/ais';

/** The result code and the out-parameters of one call. */
export interface Reply {
  readonly rc: SaAisErrorT;
  readonly [out: string]: unknown;
}

export interface CallbackEvent {
  readonly name: string;
  readonly payload: unknown;
  /** 0 highest to 3. */
  readonly priority: number;
}

export interface ClientConnection {
  /**
   * One request. Never rejects: when the connection is lost before the reply, the reply is
   * `SA_AIS_ERR_LIBRARY`; on a closed one `SA_AIS_ERR_BAD_HANDLE`.
   */
  request(fn: string, argument: unknown): Promise<Reply>;
  /** At most one listener; what arrives before it is set is kept. */
  onCallback(listener: (event: CallbackEvent) => void): void;
  /** Called once, when the connection ends for any reason but `close`. */
  onLost(listener: (reason: string) => void): void;
  /** Stop (true) or resume reading callbacks: how a full handle queue holds its executive back. */
  hold(on: boolean): void;
  close(): Promise<void>;
  /** Whether waiting for this connection keeps the process alive. */
  ref(): void;
  unref(): void;
}

/** How a session survives a cut connection (ADR 0164). */
export interface SessionOptions {
  /**
   * For how many milliseconds a cut connection is made again before the handle is lost; at most what the
   * executive grants (`ipc.grace`), which is also the default. 0: a cut ends the handle.
   */
  readonly graceMs?: number;
  /** Asked before the executive leaves in good order, be it in this process or another. */
  readonly onShutdown?: ShutdownListener;
}

/** The executive wants to leave in good order. */
export interface ShutdownRequest {
  /** How long it waits for the answer. */
  readonly withinMs: number;
  /** Aborted when it stays after all. */
  readonly signal: AbortSignal;
}

/**
 * May the executive leave? A text, or an error, is a veto and names the reason; anything else agrees, and so does
 * no answer in time. What must be done before it leaves is done before this resolves.
 */
export type ShutdownListener = (request: ShutdownRequest) => unknown;

export interface ConnectOptions extends SessionOptions {
  /** Path of the executive's socket; else `AISEXEC_SOCKET`, else the default run directory. */
  readonly socket?: string;
  /** Another way to an executive: in-process, or a test's. Wins over `socket`. */
  readonly connector?: Connector;
}

/** What a client comes for. */
export interface Errand {
  /**
   * It comes back for what it had opened before the executive restarted: TRY_AGAIN until the executive has met
   * the others, who know of it (ADR 0196).
   */
  readonly returning?: boolean;
  /** Asked before the executive leaves; wins over the connector's own. */
  readonly onShutdown?: ShutdownListener | undefined;
}

export interface Connector {
  /**
   * Connect to one service.
   * @throws SaAisError: TRY_AGAIN no executive answers there, or not yet; ACCESS refused by its rules,
   * NOT_SUPPORTED no such service.
   */
  connect(service: string, errand?: Errand): Promise<ClientConnection>;
}
