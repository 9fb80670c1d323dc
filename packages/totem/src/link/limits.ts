/** Bounds and proportions of the link layer. Times are counted in probes, which follow the token time-out. */

/** Links between two nodes: Corosync's ring0_addr to ring7_addr. */
export const LINKS_MAX = 8;

/** A probe leaves every token / PROBES_PER_TOKEN on every link of a peer that has several. */
export const PROBES_PER_TOKEN = 8;

/**
 * A link is silent when so many probes in a row have no answer by the time the next one is due: at most half a
 * token time-out after the last probe that was answered, which leaves the other half to send the token again.
 */
export const SILENT_PROBES = 3;

/** A link is lossy when this many of the last LOSS_WINDOW_PROBES probes were not answered. */
export const LOSSY_PROBES = 6;
export const LOSS_WINDOW_PROBES = 16;

/** Answered probes that a link which went down owes before it is used again; doubled each time, up to the second. */
export const HOLD_PROBES_MIN = 8;
export const HOLD_PROBES_MAX = 512;

/** What a lost probe takes off the answered ones meanwhile. */
export const HOLD_LOST_PENALTY = 8;
