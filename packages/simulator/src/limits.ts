/** Every bound of the simulator; each has a row in docs/LIMITS.md. */

/** Nodes of one simulated cluster: the checker keeps a bit per node in a 32-bit word. */
export const SIM_NODES_MAX = 32;
/** Packets that wait in the socket of a paused process; what comes later is lost. */
export const SIM_INBOX_PACKETS_MAX = 1024;
/** Recorded packets from which the network draws its replays. */
export const SIM_REPLAY_PACKETS_MAX = 512;
/** Violations kept of one run; one per property, node and ring is reported at most. */
export const SIM_VIOLATIONS_MAX = 50;
/** Messages one incarnation may send: the width of the counter in a message id. */
export const SIM_MESSAGES_PER_INCARNATION_MAX = 0xff_ffff;
/** Restarts of one node: the width of the incarnation in a message id. */
export const SIM_INCARNATIONS_MAX = 0x7fff;
/** Events processed at one instant of virtual time; more is a livelock and stops the run. */
export const SIM_EVENTS_PER_INSTANT_MAX = 200_000;
/** Own messages a simulated client leaves undelivered before it stops sending. */
export const SIM_OUTSTANDING_MESSAGES_MAX = 400;
/** Lines of a scenario file. */
export const SCENARIO_LINES_MAX = 1000;
