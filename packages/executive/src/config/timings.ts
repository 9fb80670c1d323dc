/**
 * Totem's time-outs and windows, and where their defaults come from: Corosync's for a network (totem-wire §3.1), and
 * a scaled set where every node is on loopback and nothing between them can be slow but this machine.
 */

/** Of the ring, on link 0; link n has the one n above. */
export const DEFAULT_PORT = 5_405;
/** Corosync's last_man_standing_window. */
export const LAST_MAN_STANDING_MS = 10_000;
export const TOKEN_MS = 3_000;
export const TOKEN_COEFFICIENT_MS = 650;
/**
 * Where nothing is said the token time-out is derived (ADR 0179), on a network between these and Corosync's: a
 * host that is gone is noticed in less than half of its time, and a slow network is given as long as by it.
 */
export const DERIVED_TOKEN_MS = 1_000;
export const DERIVED_TOKEN_COEFFICIENT_MS = 250;
/**
 * Of a derived time-out on a network: as on loopback below, what bounds how late a death is noticed whose host refuses packets.
 * At 1000 ms the token of an idle ring comes by every 39 ms.
 */
export const DERIVED_RETRANSMITS_BEFORE_LOSS = 16;
/** The upper bound on loopback, in lower ones: where only this machine's load can be slow, it can be very slow. */
export const LOOPBACK_TOKEN_MAX_FACTOR = 5;
export const LOOPBACK_TOKEN_MS = 400;
/** A ring of many nodes on one machine shares its cores. */
export const LOOPBACK_TOKEN_COEFFICIENT_MS = 100;
export const CONSENSUS_FACTOR = 1.2;
export const RETRANSMITS_BEFORE_LOSS = 4;
/**
 * On loopback the token of an idle ring comes by, or is sent again, three times as often: whoever sends it to
 * a dead node hears of it (ADR 0110), so this bounds how late a death is noticed.
 */
export const LOOPBACK_RETRANSMITS_BEFORE_LOSS = 12;
export const JOIN_MS = 50;
export const MERGE_MS = 200;
export const SEND_JOIN_MS = 0;
export const FAIL_RECV_CONST = 2_500;
export const SEQNO_UNCHANGED_CONST = 30;
export const MISS_COUNT_CONST = 5;
export const WINDOW_SIZE = 50;
/** One node may fill the window when nobody else has anything to send (ADR 0142). */
export const MAX_MESSAGES = WINDOW_SIZE;
/** Corosync's, where that many packets at once might not fit a small receive buffer. */
export const LARGE_MAX_MESSAGES = 17;
/** Early token release (ADR 0141). */
export const ACCELERATED_WINDOW = 0;
export const NETMTU = 1_500;
/**
 * Where every node is on loopback, whose MTU is 64 KiB: large packets, and windows that fit a socket's receive
 * buffer of the old kernel default (212,992 bytes, doubled) with all senders at work (ADR 0112).
 */
export const LOOPBACK_NETMTU = 16_384;
export const LOOPBACK_WINDOW_SIZE = 24;
export const LOOPBACK_MAX_MESSAGES = 8;
/** netmtu minus IPv4 and UDP headers and the two mcast headers of a recovery copy (totem-wire §1.9). */
export const NETMTU_OVERHEAD = 118;
/** Corosync's smallest time-outs. */
export const TIMEOUT_MS_MIN = 30;
export const HOLD_MS_MIN = 14;

/** What the configuration says; all of it optional. */
export interface TimingInput {
  readonly token?: number | undefined;
  readonly token_max?: number | undefined;
  readonly token_coefficient?: number | undefined;
  readonly token_retransmits_before_loss_const?: number | undefined;
  readonly token_retransmit?: number | undefined;
  readonly hold?: number | undefined;
  readonly join?: number | undefined;
  readonly consensus?: number | undefined;
  readonly merge?: number | undefined;
}

export interface Timings {
  readonly tokenMs: number;
  /** Equal to `tokenMs`: it is not derived. */
  readonly tokenMaxMs: number;
  readonly tokenRetransmitMs: number;
  readonly holdMs: number;
  readonly joinMs: number;
  readonly consensusMs: number;
  readonly mergeMs: number;
}

/** Corosync's formulae: every time-out that is not given follows from the token's. */
export function timingsOf(input: TimingInput, nodes: number, loopback: boolean): Timings {
  const { tokenMs, tokenMaxMs } = tokenBounds(input, Math.max(0, nodes - 2), loopback);
  const tokenRetransmitMs = input.token_retransmit ?? retransmitMs(input, tokenMs, loopback);
  return {
    tokenMs,
    tokenMaxMs,
    tokenRetransmitMs,
    holdMs: input.hold ?? Math.floor(tokenRetransmitMs * 0.8 - 10),
    joinMs: input.join ?? JOIN_MS,
    consensusMs: input.consensus ?? Math.floor(tokenMs * CONSENSUS_FACTOR),
    mergeMs: input.merge ?? MERGE_MS,
  };
}

function tokenBounds(input: TimingInput, beyondTwo: number, loopback: boolean) {
  const { token, token_max: max, token_coefficient: coefficient } = input;
  const derived = isDerived(input);
  const scaled = (base: number, perNode: number) => base + beyondTwo * (coefficient ?? perNode);
  if (loopback) {
    const tokenMs = scaled(token ?? LOOPBACK_TOKEN_MS, LOOPBACK_TOKEN_COEFFICIENT_MS);
    return {
      tokenMs,
      tokenMaxMs: max ?? (derived ? tokenMs * LOOPBACK_TOKEN_MAX_FACTOR : tokenMs),
    };
  }
  const perNode = derived ? DERIVED_TOKEN_COEFFICIENT_MS : TOKEN_COEFFICIENT_MS;
  const tokenMs = scaled(token ?? DERIVED_TOKEN_MS, perNode);
  const slowest = Math.max(tokenMs, scaled(TOKEN_MS, TOKEN_COEFFICIENT_MS));
  return { tokenMs, tokenMaxMs: max ?? (derived ? slowest : tokenMs) };
}

function retransmitMs(input: TimingInput, tokenMs: number, loopback: boolean): number {
  const every = (retransmits: number) => Math.floor(tokenMs / (retransmits + 0.2));
  const wanted = input.token_retransmits_before_loss_const;
  if (wanted !== undefined) return every(wanted);
  const usual = every(RETRANSMITS_BEFORE_LOSS);
  const isQuick = loopback || isDerived(input);
  if (!isQuick) return usual;
  const quick = loopback ? LOOPBACK_RETRANSMITS_BEFORE_LOSS : DERIVED_RETRANSMITS_BEFORE_LOSS;
  return Math.min(usual, Math.max(TIMEOUT_MS_MIN, every(quick)));
}

/** A `token` that is given without `token_max` is taken as it is. */
function isDerived({ token, token_max: max }: TimingInput): boolean {
  return token === undefined || max !== undefined;
}

/** How large packets are and how many of them go round at once, unless it is said. */
export function packetsOf(netmtu: number | undefined, loopback: boolean) {
  if (loopback && netmtu === undefined) {
    const [windowSize, maxMessages] = [LOOPBACK_WINDOW_SIZE, LOOPBACK_MAX_MESSAGES];
    return { netmtu: LOOPBACK_NETMTU, windowSize, maxMessages };
  }
  const isLarge = netmtu !== undefined && netmtu > NETMTU;
  const maxMessages = isLarge ? LARGE_MAX_MESSAGES : MAX_MESSAGES;
  return { netmtu: netmtu ?? NETMTU, windowSize: WINDOW_SIZE, maxMessages };
}

/** A service that keeps the thread this long is named, and after the second time its process ends (ADR 0156). */
export const WATCHDOG_WARN_MS = 1_000;
export const WATCHDOG_KILL_MS = 30_000;
