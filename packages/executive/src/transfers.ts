/**
 * What this node still fetches of the services' states (ADR 0126): as numbers for `status`, and once a second as a
 * line of the log.
 */
import type { TransferProgress } from '@aisexec/service';
import { TRANSFER_LOG_MS } from './limits.ts';

/** JSON-safe progress of one service's transfer. */
export interface TransferStatus {
  readonly service: string;
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly piecesTotal: number;
  readonly piecesDone: number;
  readonly elapsedMs: number;
  /** Over the whole transfer so far. */
  readonly bytesPerSecond: number;
  /** At that rate; null: not known yet. */
  readonly remainingMs: number | null;
  /** No member here has what is missing, and without quorum it is not given up. */
  readonly waiting: boolean;
}

/** @param now milliseconds since the Unix epoch. */
export function transferStatus(progress: TransferProgress, now: number): TransferStatus {
  const { service, bytesTotal, bytesDone, piecesTotal, piecesDone, since, waiting } = progress;
  const elapsedMs = Math.max(0, now - Number(since / 1_000_000n));
  const perMs = elapsedMs === 0 ? 0 : bytesDone / elapsedMs;
  return {
    ...{ service, bytesTotal, bytesDone, piecesTotal, piecesDone, elapsedMs },
    bytesPerSecond: Math.round(perMs * 1000),
    remainingMs: perMs === 0 || waiting ? null : Math.round((bytesTotal - bytesDone) / perMs),
    waiting,
  };
}

export interface TransferReport {
  /** A transfer has begun. */
  begin(): void;
  stop(): void;
}

/** Logs `transfer-progress` for each transfer as long as there is one. */
export function createTransferReport(
  transfers: () => readonly TransferStatus[],
  log: (event: string, detail: Readonly<Record<string, unknown>>) => void,
): TransferReport {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const report = () => {
    const all = transfers();
    if (all.length === 0) stop();
    for (const status of all) log('transfer-progress', { ...status });
  };
  return {
    begin() {
      timer ??= setInterval(report, TRANSFER_LOG_MS);
      timer.unref();
    },
    stop,
  };
}
