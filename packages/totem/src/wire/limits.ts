/**
 * Bounds of the ring's datagrams. They are Corosync's own array sizes, so none of them may be raised:
 * a stock peer indexes its arrays with the counts we send (totem-wire §4.7).
 */

/** Retransmit requests in one ORF token. A longer list is refused; our own is cut at this length. */
export const RTR_ENTRIES_MAX = 30;

/** Nodes in a JOIN list or a commit token. A longer list is refused. */
export const NODES_MAX = 384;

/** How far the token's seq may run ahead of its aru: the slots of every peer's sort queue. */
export const SEQ_AHEAD_MAX = 16_384;

/** Largest UDP payload over IPv4. A longer datagram is refused. */
export const DATAGRAM_BYTES_MAX = 65_507;

/** Highest ring sequence that is believed: far from where counting by 4 would leave the safe integers. */
export const RING_SEQ_MAX = 2 ** 52;
