/** Counters of one IPC server; the names are those of `stats()`. */
export interface Counters {
  accepted: number;
  refused: number;
  malformed: number;
  slow: number;
  /** Connections of resumable sessions that ended without a goodbye, and those made again. */
  cut: number;
  resumed: number;
  requests: number;
  replies: number;
  callbacks: number;
  callbacksDropped: number;
}

export function createCounters(): Counters {
  return {
    accepted: 0,
    refused: 0,
    malformed: 0,
    slow: 0,
    cut: 0,
    resumed: 0,
    requests: 0,
    replies: 0,
    callbacks: 0,
    callbacksDropped: 0,
  };
}
