/** What a host counts: the names of `ServiceHost.stats`, for people and tests. */
export function createCounters() {
  return {
    requestsRefused: 0,
    requestsHeld: 0,
    messagesApplied: 0,
    messagesDropped: 0,
    messagesInSync: 0,
    syncDropped: 0,
    syncStarts: 0,
    syncAborts: 0,
    views: 0,
    diverged: 0,
    statesCompared: 0,
    statesMismatched: 0,
    servicesFailed: 0,
    clientsStale: 0,
  };
}
